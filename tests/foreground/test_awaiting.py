import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kernel_client import Cell, NotebookKernel
from terminal_client import Terminal

from claude_magic.foreground.interrupts import TurnInterrupted, asking, for_thread, interruptible

# An interrupt is acted on at once, also on a busy machine; a loop that nobody wakes would take 5 s and more.
PROMPT = 4.0
RUN_CELL = "get_ipython().run_cell('%claude x')"
CALL = "get_ipython().run_line_magic('claude', 'x')"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotebookKernel]:
    with NotebookKernel(tmp_path_factory.mktemp("kernel")) as kernel:
        load(kernel)
        yield kernel


@pytest.fixture
def background_task(kernel: NotebookKernel) -> Iterator[None]:
    kernel.run("w.start_ticking()")
    yield
    kernel.run("w.stop_ticking()")


@pytest.fixture
def fresh_kernel(tmp_path: Path) -> Iterator[NotebookKernel]:
    with NotebookKernel(tmp_path) as kernel:
        yield kernel


@pytest.fixture(scope="module", params=[False, True], ids=["prompt_toolkit", "simple_prompt"])
def terminal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    with Terminal(tmp_path_factory.mktemp("terminal"), simple_prompt=request.param) as terminal:
        terminal.run("%load_ext waiting_extension")
        terminal.run("import waiting_extension as w, asyncio, signal, threading")
        yield terminal


def load(kernel: NotebookKernel) -> None:
    kernel.run("%load_ext waiting_extension")
    assert kernel.run("import waiting_extension as w, asyncio, signal, threading").ok


def printed(kernel: NotebookKernel, expression: str) -> str:
    cell = kernel.run(f"print({expression})")
    assert cell.ok, cell
    return cell.stdout.strip()


def ways(kernel: NotebookKernel, code: str, *, silent: bool = False) -> list[str]:
    """How the turns of a cell were waited for."""
    kernel.run("w.log.clear()")
    cell = kernel.run(code, silent=silent)
    assert cell.ok, cell
    return printed(kernel, "*w.log").split()


def holds(cell: Cell) -> bool:
    return "holding" in cell.stdout


@pytest.mark.kernel
@pytest.mark.usefixtures("background_task")
@pytest.mark.parametrize(
    "code",
    [
        "%claude x",
        "%%claude -s other\nhello",
        "r = %claude x\nassert r.text == 'x', r",
        "r = %claude x ; y",
        "for word in 'a':\n    r = %claude x",
        "for word in 'a':\n    %claude x",
        "if True:\n    %claude x",
        "while True:\n    %claude x\n    break",
        "import contextlib\nwith contextlib.suppress(ValueError):\n    %claude x",
        "try:\n    %claude x\nfinally:\n    pass",
        f"[{CALL} for _ in 'a']",
        f"r = {CALL}.text; assert r == 'x'",
        "größe = '🜁'\nr = %claude größe é\nassert r.text == 'größe é', r",
        "a = 1  # \x0c\n\n%claude x",
        "a = '\x1c\u2028'\n\n%claude x",
        "a = 1; b = 2\n%claude x\nc = 3;",
        "def f(): return 1\n%claude x",
        "async with asyncio.timeout(60):\n    %claude x",
        "%claude ticks",
    ],
)
def test_a_turn_at_the_top_level_of_a_cell_is_awaited(kernel: NotebookKernel, code: str) -> None:
    assert ways(kernel, code) == ["free"]


@pytest.mark.kernel
@pytest.mark.usefixtures("background_task")
@pytest.mark.parametrize(
    "code",
    [
        "%time %claude x",
        "%%time\n%claude x",
        "%timeit -n1 -r1 %claude x",
        "%%timeit -n1 -r1\n%claude x",
        "%%capture\n%claude x",
        RUN_CELL,
        f"get_ipython().run_cell('')\n{RUN_CELL}",
        f"await asyncio.sleep(0)\n{RUN_CELL}",
        "await asyncio.sleep(0)\n%time %claude x",
        "def f():\n    %claude x\nf()",
        "async def f():\n    %claude x\nawait f()",
        "def f():\n    %claude ticks\nf()",
        f"(lambda: {CALL})()",
        "class C:\n    %claude x",
        f"list({CALL} for _ in 'a')",
        f'f"{{{CALL}}}"',
    ],
)
def test_a_turn_anywhere_else_is_run_nested_and_background_tasks_go_on(
    kernel: NotebookKernel, code: str
) -> None:
    assert ways(kernel, code) == ["nested"]
    assert ways(kernel, "%claude x") == ["free"], "and the next cell is awaited again"


@pytest.mark.kernel
def test_a_silent_cell_that_runs_a_cell_waits_nested(kernel: NotebookKernel) -> None:
    assert ways(kernel, RUN_CELL, silent=True) == ["nested"]
    assert ways(kernel, "%claude x", silent=True) == ["free"]


@pytest.mark.kernel
def test_a_cell_run_by_a_widgets_callback_waits_nested(kernel: NotebookKernel) -> None:
    kernel.run(
        "w.log.clear()\n"
        "def opened(comm, message):\n"
        f"    {RUN_CELL}\n"
        "get_ipython().kernel.comm_manager.register_target('runner', opened)"
    )

    kernel.open_comm("runner")

    assert printed(kernel, "*w.log") == "nested"


@pytest.mark.kernel
@pytest.mark.parametrize("setting", ["False", "sync"])
def test_without_asyncios_autoawait_a_turn_is_nested(kernel: NotebookKernel, setting: str) -> None:
    kernel.run(f"%autoawait {setting}")

    assert ways(kernel, "%claude x") == ["nested"]

    kernel.run("%autoawait asyncio")
    assert ways(kernel, "%claude x") == ["free"]


@pytest.mark.kernel
@pytest.mark.parametrize("code", ["", "   \n", "this is no Python %claude", "%claude x\n  bad indent", "1/0"])
def test_an_empty_or_failing_cell_does_not_disturb_the_next(kernel: NotebookKernel, code: str) -> None:
    kernel.run(code)

    assert ways(kernel, "%claude x") == ["free"]


@pytest.mark.kernel
def test_a_cell_begun_by_run_cell_async_and_never_ended_does_not_disturb_the_next(
    kernel: NotebookKernel,
) -> None:
    kernel.run("await get_ipython().run_cell_async('1', transformed_cell='1')")

    assert ways(kernel, "%claude x") == ["free"]


@pytest.mark.kernel
@pytest.mark.fault(67, via="real")
def test_a_widgets_message_is_handled_while_an_awaited_turn_waits(kernel: NotebookKernel) -> None:
    kernel.run(
        "get_ipython().kernel.comm_manager.register_target('release', lambda comm, message: w.release())"
    )
    cell = kernel.cells[kernel.start("r = %claude hold")]
    kernel.wait_for(lambda: holds(cell))

    kernel.open_comm("release")

    assert kernel.wait(cell.id).ok


@pytest.mark.kernel
def test_a_bare_turn_shows_nothing_and_is_kept_in_the_underscore(kernel: NotebookKernel) -> None:
    bare = kernel.run("%claude words of mine")
    count = bare.reply["execution_count"] if bare.reply else 0

    assert (bare.result, bare.displays, bare.stdout) == (None, [], "")
    assert printed(kernel, "_.text") == "words of mine"
    assert printed(kernel, f"_{count}.text, Out[{count}].text") == "words of mine words of mine"


@pytest.mark.kernel
def test_the_value_of_a_turn_is_shown_where_it_is_asked_for(kernel: NotebookKernel) -> None:
    cell = kernel.run("r = %claude x\nr")

    assert cell.result is not None
    assert cell.result["text/plain"] == "Answer(text='x')"


@pytest.mark.kernel
def test_help_shows_the_magics_own_documentation(kernel: NotebookKernel) -> None:
    cell = kernel.run("%claude?")

    assert cell.reply is not None
    text = cell.reply["payload"][0]["data"]["text/plain"]
    assert "%claude [words ...]" in text
    assert "Wait in one way or another." in text
    assert "waiting_extension.py" in text


@pytest.mark.kernel
@pytest.mark.parametrize("code", ["%%claude", "%%claude\n\n"])
def test_an_error_of_the_magic_is_one_line(kernel: NotebookKernel, code: str) -> None:
    cell = kernel.run(code)

    assert cell.error is not None
    assert cell.error.traceback == ("claude_magic: The cell is empty.",)


@pytest.mark.kernel
def test_an_exception_in_a_turn_reaches_the_cells_own_except(kernel: NotebookKernel) -> None:
    magic = "get_ipython().run_cell_magic('claude', '', ' ')"

    cell = kernel.run(f"try:\n    {magic}\nexcept Exception as error:\n    print(repr(error))")

    assert cell.stdout == "UsageError('The cell is empty.')\n"


@pytest.mark.kernel
def test_a_timeout_around_a_turn_ends_it(kernel: NotebookKernel) -> None:
    cell = kernel.run("async with asyncio.timeout(0.01):\n    %claude sleep")

    assert cell.error is not None
    assert cell.error.name == "TimeoutError"


@pytest.mark.kernel
def test_loading_and_asking_in_one_cell_takes_the_nested_way(fresh_kernel: NotebookKernel) -> None:
    assert fresh_kernel.run("%load_ext waiting_extension\nr = %claude x").ok
    assert fresh_kernel.run("import waiting_extension as w").ok

    assert printed(fresh_kernel, "*w.log") == "nested"
    assert ways(fresh_kernel, "%claude x") == ["free"]


@pytest.mark.kernel
def test_the_first_nested_turn_may_run_what_was_ready_with_it(fresh_kernel: NotebookKernel) -> None:
    load(fresh_kernel)
    fresh_kernel.run(
        "loop = asyncio.get_running_loop()\n"
        f"loop.call_soon(lambda: {CALL})\n"
        "for _ in range(20):\n"
        "    loop.call_soon(lambda: None)"
    )

    assert printed(fresh_kernel, "*w.log") == "nested"


@pytest.mark.kernel
@pytest.mark.fault(62, via="real")
def test_loading_twice_registers_once_and_unloading_puts_everything_back(
    fresh_kernel: NotebookKernel,
) -> None:
    state = (
        "(sh.input_transformers_post, sh.events.callbacks, signal.getsignal(signal.SIGINT), "
        "{kind: dict(table) for kind, table in sh.magics_manager.magics.items()})"
    )
    fresh_kernel.run(
        "import signal, copy\n"
        "sh = get_ipython()\n"
        "sh.run_line_magic('unload_ext', 'nothing')\n"  # IPython loads its own magics at their first use
        "sh.register_magic_function(lambda line: 'somebody else', 'line', 'claude')\n"
        f"before = copy.copy(tuple(map(copy.copy, {state})))\n"
        "before = (before[0], {k: list(v) for k, v in before[1].items()}, *before[2:])"
    )

    for code in (
        "%load_ext waiting_extension",
        "%load_ext waiting_extension",
        "%reload_ext waiting_extension",
    ):
        assert fresh_kernel.run(code).ok
        assert printed(fresh_kernel, "len(sh.input_transformers_post) - len(before[0])") == "1"
    assert fresh_kernel.run("import waiting_extension as w").ok
    assert ways(fresh_kernel, "%claude x") == ["free"]
    assert fresh_kernel.run("%unload_ext waiting_extension").ok

    assert printed(fresh_kernel, f"{state} == before") == "True"
    assert fresh_kernel.run("r = %claude x\nprint(r)").stdout == "somebody else\n"


@pytest.mark.kernel
@pytest.mark.fault(39, via="real")
@pytest.mark.parametrize("code", ["%claude hold", "r = %claude hold", "def f():\n    %claude hold\nf()"])
def test_an_interrupt_is_the_turns_to_take_and_ends_the_cell_in_one_line(
    kernel: NotebookKernel, code: str
) -> None:
    began = time.monotonic()

    cell = kernel.run(code, interrupt_when=holds)

    assert time.monotonic() - began < PROMPT
    assert cell.error is not None
    assert cell.error.traceback == (
        "claude_magic: Interrupted; the conversation goes on with the next prompt.",
    )
    assert ways(kernel, "%claude x") == ["free"]
    assert ways(kernel, "def f():\n    %claude x\nf()") == ["nested"]


@pytest.mark.kernel
@pytest.mark.fault(42, via="real")
@pytest.mark.parametrize("code", ["%claude x", "def f():\n    %claude x\nf()", "1 + 1"])
def test_an_interrupt_between_a_cell_and_its_reply_loses_no_reply(kernel: NotebookKernel, code: str) -> None:
    # A method of ipykernel that runs in between stands for the moment.
    kernel.run(
        "import os, signal\n"
        "def restore_input(restore=get_ipython().kernel._restore_input):\n"
        "    restore()\n"
        "    os.kill(os.getpid(), signal.SIGINT)"
    )
    kernel.run("get_ipython().kernel._restore_input = restore_input")

    cell = kernel.run(code, 20)

    assert cell.ok
    kernel.run("del get_ipython().kernel._restore_input")
    assert kernel.run("%claude hold", interrupt_when=holds).error is not None
    endless = "print('a')\nwhile True: pass"
    assert kernel.run(endless, interrupt_when=lambda cell: cell.stdout == "a\n").error is not None


@pytest.mark.kernel
@pytest.mark.parametrize("code", ["%claude sleep", "def f():\n    %claude sleep\nf()"])
def test_an_interrupt_that_a_turn_does_not_take_cancels_it(kernel: NotebookKernel, code: str) -> None:
    began = time.monotonic()

    cell = kernel.run(code, interrupt_when=lambda cell: "sleeping" in cell.stdout)

    assert time.monotonic() - began < PROMPT
    assert cell.error is not None
    assert cell.error.text == "claude_magic: Interrupted."
    assert ways(kernel, "%claude x") == ["free"]


@pytest.mark.kernel
@pytest.mark.parametrize("call", ["%claude hold", "f()"])
def test_an_interrupt_stops_run_all_and_is_not_swallowed_by_an_except_in_a_loop(
    kernel: NotebookKernel, call: str
) -> None:
    kernel.run("def f():\n    %claude hold")
    first = kernel.cells[
        kernel.start(
            f"for n in range(3):\n    try:\n        {call}\n    except Exception:\n        print('swallowed')"
        )
    ]
    second = kernel.start("print('second')")

    kernel.wait_for(lambda: holds(first))
    kernel.interrupt()

    assert kernel.wait(first.id).stdout == "holding\n"
    aborted = kernel.wait(second)
    assert aborted.stdout == ""
    assert aborted.reply is not None
    assert aborted.reply["status"] == "aborted"


@pytest.mark.kernel
@pytest.mark.parametrize("code", ["%claude x", "def f():\n    %claude x\nf()"])
def test_after_a_turn_the_old_interrupt_handler_is_back(kernel: NotebookKernel, code: str) -> None:
    handler = "signal.getsignal(signal.SIGINT)"

    cell = kernel.run(
        f"before = {handler}\n{code}\nprint({handler} is before)\nbefore = {handler}\nawait asyncio.sleep(0)"
    )

    assert cell.stdout == "True\n"


@pytest.mark.kernel
@pytest.mark.parametrize("code", ["r = %claude ask", "def f():\n    return %claude ask\nr = f()"])
def test_an_interrupt_while_a_turn_asks_is_caught_by_the_turn(kernel: NotebookKernel, code: str) -> None:
    code = code.replace("return %claude ask", "r = %claude ask\n    return r")

    interrupted = kernel.run(
        f"{code}\nprint(r.text)", allow_stdin=True, interrupt_when=lambda cell: bool(cell.prompts)
    )
    answered = kernel.run(f"{code}\nprint(r.text)", allow_stdin=True, answers=["yes"])

    assert (interrupted.prompts, interrupted.stdout) == (["Allow? "], "not answered\n")
    assert (answered.prompts, answered.stdout) == (["Allow? "], "yes\n")


@pytest.mark.kernel
@pytest.mark.fault(102, via="real")
@pytest.mark.fault(100, via="real")
@pytest.mark.parametrize("package", ["nest_asyncio", "nest_asyncio2"])
def test_turns_complete_after_the_user_has_patched_asyncio(
    fresh_kernel: NotebookKernel, package: str
) -> None:
    fresh_kernel.run(f"import {package}\n{package}.apply()")
    load(fresh_kernel)

    assert ways(fresh_kernel, "%claude x") == ["free"]
    assert ways(fresh_kernel, "async def main():\n    %claude x\nasyncio.run(main())") == ["nested"]
    assert ways(fresh_kernel, "%claude x") == ["free"]

    nested = fresh_kernel.cells[fresh_kernel.start("def f():\n    %claude message\nf()")]
    fresh_kernel.wait_for(lambda: holds(nested))
    following = fresh_kernel.start("print('not lost')")
    assert fresh_kernel.wait(nested.id).ok
    assert fresh_kernel.wait(following).stdout == "not lost\n"
    interrupted = fresh_kernel.run("def f():\n    %claude hold\nf()", interrupt_when=holds)
    assert interrupted.error is not None
    assert ways(fresh_kernel, "%claude x") == ["free"]
    assert printed(fresh_kernel, "len(set(w.loops))") == "1"


@pytest.mark.kernel
@pytest.mark.fault(109, via="real")
@pytest.mark.parametrize(
    "code",
    [
        f"print((await asyncio.to_thread(lambda: {CALL})).text)",
        f"get_ipython().user_ns['t'] = threading.Thread(target=lambda: print({CALL}.text)); t.start()",
    ],
)
def test_a_turn_from_a_thread_goes_by_the_main_loop(kernel: NotebookKernel, code: str) -> None:
    cell = kernel.cells[kernel.start(code)]

    kernel.wait_for(lambda: cell.stdout == "x\n")

    assert kernel.wait(cell.id).ok
    assert printed(kernel, "len(set(w.loops))") == "1"


@pytest.mark.kernel
@pytest.mark.fault(109, via="real")
def test_a_turn_from_a_subshell_goes_by_the_main_loop(kernel: NotebookKernel) -> None:
    subshell = kernel.create_subshell()

    cell = kernel.run("r = %claude x\nprint(r.text)", subshell=subshell)

    assert cell.stdout == "x\n"
    assert printed(kernel, "len(set(w.loops))") == "1"


@pytest.mark.kernel
def test_an_interrupt_is_not_for_a_turn_of_a_subshell(kernel: NotebookKernel) -> None:
    subshell = kernel.create_subshell()
    held = kernel.cells[kernel.start("r = %claude hold\nprint('held', r.text)", subshell=subshell)]
    kernel.wait_for(lambda: holds(held))

    busy = kernel.run(
        "print('busy', flush=True)\nwhile True: pass", interrupt_when=lambda cell: cell.stdout == "busy\n"
    )

    assert busy.error is not None
    assert busy.error.name == "KeyboardInterrupt"
    kernel.run("w.release()")
    assert kernel.wait(held.id).stdout == "holding\nheld hold\n"


@pytest.mark.kernel
@pytest.mark.fault(109, via="real")
def test_a_turn_from_a_thread_that_its_cell_waits_for_is_refused_in_one_line(kernel: NotebookKernel) -> None:
    kernel.run("import claude_magic.foreground.awaiting as f; f._PICK_UP_TIMEOUT = 0.5")

    cell = kernel.run(
        "def turn():\n"
        "    try:\n"
        f"        {CALL}\n"
        "    except Exception as error:\n"
        "        print(error)\n"
        "t = threading.Thread(target=turn); t.start(); t.join()"
    )
    kernel.run("f._PICK_UP_TIMEOUT = 5.0")

    assert cell.ok
    assert cell.stdout.startswith("This was called from a thread while the main thread is busy with a cell;")
    assert cell.stdout.count("\n") == 1
    assert ways(kernel, "%claude x") == ["free"]


@pytest.mark.terminal
def test_in_a_terminal_a_bare_turn_prints_no_stray_output(terminal: Terminal) -> None:
    bare = terminal.run("%claude words of mine")
    kept = terminal.run("print('kept:', _.text)")

    assert "Out[" not in bare
    assert "kept: words of mine\n" in kept


@pytest.mark.terminal
@pytest.mark.parametrize("code", ["%time %claude x", "%timeit -n1 -r1 %claude x", RUN_CELL])
@pytest.mark.parametrize("setting", ["asyncio", "False", "sync"])
def test_in_a_terminal_a_turn_is_waited_for_in_every_way(terminal: Terminal, code: str, setting: str) -> None:
    terminal.run(f"%autoawait {setting}")
    terminal.run("w.log.clear()")

    screen = terminal.run(code), terminal.run("r = %claude x")

    assert "Error" not in "".join(screen)
    assert "said free free\n" in terminal.run("print('said', *w.log)")
    terminal.run("%autoawait asyncio")


@pytest.mark.terminal
@pytest.mark.parametrize("call", ["%claude x", "f()"])
def test_in_a_terminal_a_turn_runs_on_ipythons_own_loop(terminal: Terminal, call: str) -> None:
    terminal.run("def f():\n    r = %claude x\n    return r")
    terminal.run("w.log.clear(); w.loops.clear()")

    terminal.run(f"r = {call}")

    said = terminal.run(
        "await asyncio.sleep(0); print('said', *w.log, w.loops == [asyncio.get_running_loop()])"
    )
    assert "said free True\n" in said


@pytest.mark.terminal
@pytest.mark.fault(39, via="real")
@pytest.mark.parametrize("call", ["%claude hold", "r = %claude hold", "f()"])
def test_in_a_terminal_an_interrupt_ends_the_turn_in_one_line(terminal: Terminal, call: str) -> None:
    terminal.run("def f():\n    %claude hold")
    terminal.run("before = signal.getsignal(signal.SIGINT)")
    terminal.start(call)
    terminal.wait_for("holding\n")

    began = time.monotonic()
    terminal.interrupt()
    screen = terminal.wait_for_prompt()

    assert time.monotonic() - began < PROMPT
    assert "claude_magic: Interrupted; the conversation goes on with the next prompt.\n" in screen
    assert "Traceback" not in screen
    tasks = terminal.run("print('tasks', len(asyncio.all_tasks(w.loops[-1])))")
    assert "tasks 0\n" in tasks
    handler = terminal.run("print('same', signal.getsignal(signal.SIGINT) is before)")
    assert "same True\n" in handler


@pytest.mark.terminal
@pytest.mark.parametrize("call", ["%claude sleep", "f()"])
def test_in_a_terminal_an_interrupt_that_a_turn_does_not_take_cancels_it(
    terminal: Terminal, call: str
) -> None:
    terminal.run("def f():\n    %claude sleep")
    terminal.start(call)
    terminal.wait_for("sleeping\n")

    terminal.interrupt()

    assert "claude_magic: Interrupted.\n" in terminal.wait_for_prompt()
    tasks = terminal.run("print('tasks', len(asyncio.all_tasks(w.loops[-1])))")
    assert "tasks 0\n" in tasks


@pytest.mark.terminal
def test_in_a_terminal_an_interrupt_while_a_turn_asks_is_caught_by_the_turn(terminal: Terminal) -> None:
    terminal.start("r = %claude ask")
    terminal.wait_for(r"Allow\? ")

    terminal.interrupt()

    terminal.wait_for_prompt()
    assert "said not answered\n" in terminal.run("print('said', r.text)")


@pytest.mark.terminal
@pytest.mark.fault(100, via="real")
@pytest.mark.fault(64, via="real")
def test_in_a_terminal_a_turn_inside_asyncio_run_completes_on_ipythons_loop(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.run("%load_ext waiting_extension")
        terminal.run("import waiting_extension as w, asyncio")
        terminal.run("async def main():\n    r = %claude x\n    print('main', r.text)")

        inside = terminal.run("asyncio.run(main())")
        terminal.run("r = %claude y")
        after = terminal.run("print('after', r.text, len(set(w.loops)))")

    assert "main x\n" in inside
    assert "after y 1\n" in after


@pytest.mark.terminal
@pytest.mark.fault(109, via="real")
def test_in_a_terminal_a_turn_from_a_thread_is_refused_in_one_line(terminal: Terminal) -> None:
    terminal.run("def turn():\n    try:\n        %claude x\n    except Exception as e:\n        print(e)")

    screen = terminal.run("t = threading.Thread(target=turn); t.start(); t.join()")

    assert "This was called from a thread while the main thread's event loop is not running;" in screen


@pytest.fixture
def handler() -> Iterator[object]:
    """The SIGINT handler of somebody else."""
    old = signal.signal(signal.SIGINT, ours := lambda *_: None)
    yield ours
    signal.signal(signal.SIGINT, old)


async def interrupted(seen: list[str], wanted: list[str]) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    async with asyncio.timeout(10):
        while seen != wanted:  # noqa: ASYNC110  # a list, set by a signal
            await asyncio.sleep(0)


@pytest.mark.fault(39, via="real")
async def test_sigint_is_a_call_on_the_loop_and_the_old_handler_comes_back(handler: object) -> None:
    seen: list[str] = []

    with interruptible(lambda: seen.append("told"), asyncio.get_running_loop()):
        await interrupted(seen, ["told"])
        await interrupted(seen, ["told", "told"])

    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.fault(39, via="real")
@pytest.mark.usefixtures("handler")
async def test_an_interrupt_wakes_the_loop_even_if_it_does_not_break_its_sleep() -> None:
    # As a signal between the loop's last look and its sleep: noted, and the sleep goes on.
    def elsewhere() -> None:
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    loop, told = asyncio.get_running_loop(), asyncio.Event()
    with interruptible(told.set, loop):
        sender = threading.Timer(0.1, elsewhere)
        sender.start()
        async with asyncio.timeout(10):
            await told.wait()
        sender.join()

    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.usefixtures("handler")
async def test_who_is_told_of_signals_already_stays_so() -> None:
    theirs, seen = socket.socketpair(), list[str]()
    theirs[1].settimeout(0)
    signal.set_wakeup_fd(theirs[1].fileno())

    with interruptible(lambda: seen.append("told"), asyncio.get_running_loop()):
        await interrupted(seen, ["told"])

    assert theirs[0].recv(8) == bytes([signal.SIGINT])
    assert signal.set_wakeup_fd(-1) == theirs[1].fileno()
    for end in theirs:
        end.close()


async def test_the_newest_turn_is_told_and_turns_may_end_in_any_order(handler: object) -> None:
    seen: list[str] = []
    loop = asyncio.get_running_loop()
    first = interruptible(lambda: seen.append("first"), loop)
    second = interruptible(lambda: seen.append("second"), loop)

    first.__enter__()
    second.__enter__()
    await interrupted(seen, ["second"])
    first.__exit__(None, None, None)
    await interrupted(seen, ["second", "second"])
    second.__exit__(None, None, None)

    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.fault(42, via="real")
async def test_an_interrupt_while_the_last_turn_leaves_breaks_nothing(
    handler: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, left = asyncio.get_running_loop(), list[object]()

    def remove_reader(file: object) -> None:
        signal.raise_signal(signal.SIGINT)
        left.append(file)

    with monkeypatch.context() as patch, interruptible(lambda: None, loop):
        patch.setattr(loop, "remove_reader", remove_reader)

    assert len(left) == 1
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.fault(39, via="real")
@pytest.mark.usefixtures("handler")
async def test_who_begins_to_wait_as_the_interrupt_comes_is_told_of_it() -> None:
    seen: list[str] = []
    loop = asyncio.get_running_loop()

    with interruptible(lambda: seen.append("the cell"), loop):
        signal.raise_signal(signal.SIGINT)
        with interruptible(lambda: seen.append("the turn"), loop):
            async with asyncio.timeout(10):
                while not seen:  # noqa: ASYNC110  # a list, set by a signal
                    await asyncio.sleep(0)

    assert seen == ["the turn"]


async def test_while_asking_sigint_raises_and_afterwards_it_does_not(handler: object) -> None:
    seen: list[str] = []

    with interruptible(lambda: seen.append("told"), asyncio.get_running_loop()):
        with pytest.raises(KeyboardInterrupt), asking():
            signal.raise_signal(signal.SIGINT)
        await interrupted(seen, ["told"])

    assert signal.getsignal(signal.SIGINT) is handler


async def test_a_turn_of_another_thread_leaves_sigint_alone(handler: object) -> None:
    loop = asyncio.get_running_loop()
    seen: list[object] = []

    def elsewhere() -> None:
        with interruptible(lambda: None, loop), asking():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    token = for_thread.set(True)
    elsewhere()
    for_thread.reset(token)

    assert seen == [handler, handler]


def test_an_interrupted_turn_reads_as_one_line_and_is_a_keyboard_interrupt() -> None:
    error = TurnInterrupted("Interrupted.")

    assert isinstance(error, KeyboardInterrupt)
    assert not isinstance(error, Exception)
    assert error._render_traceback_() == ["claude_magic: Interrupted."]
