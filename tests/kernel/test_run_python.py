"""Claude's code runs as a cell would, in the notebook's namespace, and keeps to itself."""

from __future__ import annotations

import asyncio
import base64
import signal
import sys
import threading
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from claude_magic.kernel.execution.outputs import Outputs
from claude_magic.kernel.execution.run import run_code


async def run(shell: InteractiveShell, code: str, told: list[str] | None = None) -> Outputs:
    return await run_code(shell, code, (told if told is not None else []).append)


async def test_it_changes_the_namespace_and_gives_what_it_printed_and_its_last_value(
    shell: InteractiveShell,
) -> None:
    shell.user_ns["x"] = 20

    outputs = await run(shell, "y = x + 1\nprint('printed', y)\ny * 2")

    assert shell.user_ns["y"] == 21
    assert outputs.text == "printed 21\n42"
    assert outputs.error == ""


@pytest.mark.parametrize("code", ["1 + 1;", "y = 2", "None", "def f(): pass", ""])
async def test_what_has_no_value_shows_none(shell: InteractiveShell, code: str) -> None:
    assert (await run(shell, code)).text == ""


async def test_neither_the_history_nor_the_last_values_know_of_it(shell: InteractiveShell) -> None:
    shell.run_cell("'mine'", store_history=True)
    before = {name: shell.user_ns.get(name) for name in ("_", "_i", "In", "Out")} | {
        "count": shell.execution_count
    }

    await run(shell, "'its own'")

    after = {name: shell.user_ns.get(name) for name in ("_", "_i", "In", "Out")} | {
        "count": shell.execution_count
    }
    assert after == before


async def test_it_may_await_and_use_magics(shell: InteractiveShell) -> None:
    outputs = await run(
        shell, "import asyncio\nawait asyncio.sleep(0)\n%alias_magic t time\nz = await asyncio.sleep(0, 3)\nz"
    )

    assert outputs.error == ""
    assert shell.user_ns["z"] == 3


async def test_stderr_and_displays_are_its_output(shell: InteractiveShell) -> None:
    outputs = await run(
        shell,
        "import sys\nfrom IPython.display import display\n"
        "print('warned', file=sys.stderr)\ndisplay({'a': 1})",
    )

    assert outputs.text == "warned\n{'a': 1}"


async def test_a_progress_bar_ends_as_a_terminal_shows_it(shell: InteractiveShell) -> None:
    outputs = await run(shell, "for i in range(3): print(f'\\r{i} of 2', end='')\nprint()")

    assert outputs.text == "2 of 2"


async def test_what_it_clears_is_gone_and_the_person_s_output_is_not(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    print("mine")
    outputs = await run(
        shell, "from IPython.display import clear_output\nprint('a')\nclear_output()\nprint('b')"
    )

    assert outputs.text == "b"
    assert capsys.readouterr().out == "mine\n"


async def test_an_error_comes_with_the_code_s_own_lines_alone(shell: InteractiveShell) -> None:
    outputs = await run(shell, "def half(n):\n    return 1 / n\nhalf(0)")

    assert outputs.error.startswith("Traceback (most recent call last):\n")
    assert outputs.error.endswith("ZeroDivisionError: division by zero")
    assert "half(0)" in outputs.error
    assert "return 1 / n" in outputs.error
    assert "<run_python>, line 3" in outputs.error.replace(chr(34), "")
    assert "claude_magic" not in outputs.error
    assert len(outputs.error.splitlines()) < 10


async def test_a_traceback_of_a_thousand_frames_is_short(shell: InteractiveShell) -> None:
    outputs = await run(shell, "def f(n):\n    return f(n - 1) if n else 1 / 0\nf(300)")

    assert outputs.error.count("f(n - 1)") <= 6


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("x = = 1", "SyntaxError"),
        ("  x = 1\n y = 2", "IndentationError"),
        ("x = '\0'", "null bytes"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("class E(BaseException): pass\nraise ValueError('x' * 10)", "ValueError: xxxxxxxxxx"),
    ],
)
async def test_what_fails_is_told_and_the_next_code_runs(
    shell: InteractiveShell, code: str, error: str
) -> None:
    assert error in (await run(shell, code)).error

    assert (await run(shell, "1 + 1")).text == "2"


async def test_what_others_print_meanwhile_stays_theirs(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    go, gone = asyncio.Event(), asyncio.Event()
    shell.user_ns |= {"go": go, "gone": gone}

    async def other() -> None:
        await go.wait()
        print("the other's")
        gone.set()

    task = asyncio.create_task(other())
    outputs = await run(shell, "print('its own')\ngo.set()\nawait gone.wait();")
    await task

    assert outputs.text == "its own"
    assert capsys.readouterr().out == "the other's\n"


async def test_two_at_once_have_their_own_output_and_leave_the_streams_as_they_were(
    shell: InteractiveShell,
) -> None:
    before = sys.stdout, sys.stderr, shell.display_pub
    code = "import asyncio\nfor _ in range(3):\n    print({name!r})\n    await asyncio.sleep(0)"

    first, second = await asyncio.gather(
        run(shell, code.format(name="one")), run(shell, code.format(name="two") + "\nawait asyncio.sleep(0)")
    )

    assert (first.text, second.text) == ("one\none\none", "two\ntwo\ntwo")
    assert (sys.stdout, sys.stderr, shell.display_pub) == before


async def test_a_new_figure_becomes_a_picture_and_the_person_s_own_stays_open(
    shell: InteractiveShell,
) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    mine = plt.figure()
    outputs = await run(shell, "import matplotlib.pyplot as plt\nplt.subplots()[1].plot([1, 2]);")

    assert plt.get_fignums() == [mine.number]
    plt.close(mine)
    (picture,) = outputs.pictures
    assert picture.media_type == "image/png"
    assert base64.b64decode(picture.data).startswith(b"\x89PNG")


async def test_what_it_prints_is_told_while_it_holds_up_the_loop(shell: InteractiveShell) -> None:
    seen = threading.Event()
    shell.user_ns["seen"] = seen

    def tell(text: str) -> None:
        if "first" in text:
            seen.set()

    outputs = await run_code(shell, "print('first')\nassert seen.wait(60)\nprint('last')", tell)

    assert outputs.error == ""
    assert outputs.text == "first\nlast"


async def test_everything_is_told_once_and_in_order(shell: InteractiveShell) -> None:
    told: list[str] = []

    await run(
        shell,
        "import asyncio\nfor i in range(50):\n    print(i)\n    if i % 7 == 0: await asyncio.sleep(0)",
        told,
    )

    assert "".join(told).split() == [str(i) for i in range(50)]


async def test_who_shows_it_may_fail(shell: InteractiveShell, caplog: pytest.LogCaptureFixture) -> None:
    def tell(_: str) -> None:
        raise RuntimeError("a broken view")

    outputs = await run_code(shell, "print('on')\nx = 1", tell)

    assert (outputs.text, outputs.error) == ("on", "")
    assert "could not be shown" in caplog.text


async def test_a_flood_is_kept_to_its_beginning_and_counted(shell: InteractiveShell) -> None:
    outputs = await run(shell, "for _ in range(30): print('x' * 99_999)")

    assert len(outputs.text) < 1_100_000
    assert outputs.text.endswith("… 2,000,000 more characters were printed")


@pytest.mark.parametrize(
    "code",
    [
        "x = 1\nsignal.raise_signal(signal.SIGINT)\nwhile True: pass",
        "x = 1\nasyncio.get_running_loop()\nsignal.raise_signal(signal.SIGINT)\nimport time\ntime.sleep(60)",
        "x = 1\nawait asyncio.sleep(0)\nsignal.raise_signal(signal.SIGINT)\nawait asyncio.sleep(60)",
    ],
)
async def test_an_interrupt_ends_the_code_where_it_is(shell: InteractiveShell, code: str) -> None:
    shell.user_ns |= {"signal": signal, "asyncio": asyncio}
    before = signal.getsignal(signal.SIGINT)

    outputs = await run(shell, code)

    assert outputs.interrupted
    assert outputs.error == "KeyboardInterrupt: the user interrupted it."
    assert shell.user_ns["x"] == 1
    assert signal.getsignal(signal.SIGINT) is before


async def test_where_the_code_awaits_an_interrupt_means_what_it_meant(shell: InteractiveShell) -> None:
    taken: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: taken.append(number))
    try:
        shell.user_ns["begun"] = begun = asyncio.Event()
        work = asyncio.create_task(run(shell, "import asyncio\nbegun.set()\nawait asyncio.sleep(60)"))
        await begun.wait()
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(0)
        assert not work.done()
        work.cancel()
        await asyncio.wait({work})
    finally:
        signal.signal(signal.SIGINT, before)

    assert taken == [signal.SIGINT]


async def test_cancelled_it_ends_in_its_await_and_cleans_up(shell: InteractiveShell) -> None:
    code = "import asyncio\nbegun.set()\ntry:\n    await asyncio.sleep(60)\nfinally:\n    x = 2"
    shell.user_ns["begun"] = begun = asyncio.Event()
    work: asyncio.Task[Any] = asyncio.create_task(run(shell, code))
    await begun.wait()

    work.cancel()
    await asyncio.wait({work})

    assert work.cancelled()
    assert shell.user_ns["x"] == 2


async def test_what_shows_its_output_prints_for_itself(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = await run_code(shell, "print('of the code')", lambda text: print(f"shown: {text}"))

    assert outputs.text == "of the code"
    assert capsys.readouterr().out == "shown: of the code\n\n"
