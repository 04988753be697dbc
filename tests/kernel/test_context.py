"""The cells that go with a prompt: those since the last turn, in order, once, in bounds, without secrets."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from PIL import Image

from claude_magic.kernel.cells.context import BUDGET, Context
from claude_magic.kernel.cells.failures import failure
from claude_magic.kernel.cells.log import Cell, CellLog
from claude_magic.kernel.values.bounded import WITHHELD

Reads = Callable[[str], Any]


def run(shell: InteractiveShell, *sources: str) -> None:
    for source in sources:
        shell.run_cell(source, store_history=True)


def session(session_id: str = "a") -> Any:
    return SimpleNamespace(session_id=session_id, conversation=SimpleNamespace(start_fresh=False))


def turn(session_id: str = "a", *, done: bool = True, taken_up: bool = True) -> Any:
    transcript = SimpleNamespace(session_id=session_id)
    return SimpleNamespace(done=done, is_taken_up=taken_up, transcript=transcript)


def unseen(context: Context, reader: Any) -> list[str]:
    return [cell.source for cell in context.unseen(reader).cells]


@pytest.fixture
def context(shell: InteractiveShell, log: CellLog) -> Context:
    return Context(log, shell.user_ns)


async def sent(context: Context, reader: Any = None, without: Cell | None = None) -> str:
    attachment = await context.attachment(context.unseen(reader), without)
    return attachment.text if attachment else ""


def test_each_cell_is_seen_once_by_each_conversation(shell: InteractiveShell, context: Context) -> None:
    main, other = session("a"), session("b")
    run(shell, "x = 1", "x = 2")
    assert unseen(context, main) == ["x = 1", "x = 2"]

    context.sent(main, turn("a"), context.unseen(main))
    run(shell, "x = 3")

    assert unseen(context, main) == ["x = 3"]
    assert unseen(context, other) == unseen(context, None) == ["x = 1", "x = 2", "x = 3"]


def test_what_a_pending_turn_has_is_not_sent_twice_and_what_a_turn_never_took_up_is_sent_again(
    shell: InteractiveShell, context: Context
) -> None:
    reader, running, queued = session(), turn(done=False), turn(done=False)
    run(shell, "x = 1")
    context.sent(reader, running, context.unseen(reader))
    run(shell, "x = 2")
    context.sent(reader, queued, context.unseen(reader))
    run(shell, "x = 3")
    assert unseen(context, reader) == ["x = 3"]

    running.done = running.is_taken_up = True
    queued.done, queued.is_taken_up = True, False

    assert unseen(context, reader) == ["x = 2", "x = 3"]


def test_a_new_conversation_of_the_session_has_seen_nothing_and_an_old_one_what_it_had(
    shell: InteractiveShell, context: Context
) -> None:
    reader = session("a")
    run(shell, "x = 1")
    context.sent(reader, turn("a"), context.unseen(reader))
    assert unseen(context, reader) == []

    reader.session_id = "b"  # `/clear`, say
    assert unseen(context, reader) == ["x = 1"]
    reader.session_id = "a"
    assert unseen(context, reader) == []
    reader.conversation.start_fresh = True
    assert unseen(context, reader) == ["x = 1"]


async def test_of_a_cell_that_was_run_again_the_last_run_goes(
    shell: InteractiveShell, context: Context
) -> None:
    run(shell, "n = 0", "n += 1; n", "x = 1", "n += 1; n")

    assert unseen(context, None) == ["n = 0", "x = 1", "n += 1; n"]
    text = await sent(context)
    assert "In [4], run 2 times, the last:\nn += 1; n\nOutput:\nOut[4]: 2" in text
    assert text.index("In [3]:") < text.index("In [4]")


async def test_a_cell_goes_with_source_output_and_error(shell: InteractiveShell, context: Context) -> None:
    run(shell, "print('out')\n1/0")
    attachment = await context.attachment(context.unseen(None))

    assert attachment is not None
    assert attachment.title == "1 cell attached"
    assert attachment.text.endswith(
        "In [1]:\nprint('out')\n1/0\nOutput:\nout\nError:\nTraceback (most recent call last):\n"
        '  File "Cell In[1]", line 2, in <module>\n    1/0\nZeroDivisionError: division by zero'
    )


async def test_five_hundred_cells_keep_the_budget_the_newest_in_full(
    shell: InteractiveShell, context: Context
) -> None:
    run(shell, *(f"x = {number}\nprint('{number} ' * 300)" for number in range(500)))

    attachment = await context.attachment(context.unseen(None))

    assert attachment is not None
    text = attachment.text
    assert len(text) <= BUDGET + 200
    assert "In [500]:\nx = 499\nprint('499 ' * 300)\nOutput:\n499 499" in text
    assert "In [480]: x = 479 …\n" in text, "older ones are a line each"
    numbers = [int(part.partition("]")[0]) for part in text.split("In [")[1:]]
    assert numbers == list(range(numbers[0], 501))
    left_out = numbers[0] - 1
    assert f"{left_out:,} earlier cells left out." in text
    assert attachment.title == f"{500 - left_out} cells attached, {left_out} left out"


async def test_one_huge_cell_is_shortened_and_cells_that_are_forgotten_are_counted(
    shell: InteractiveShell, context: Context, log: CellLog
) -> None:
    run(shell, f"# {'a' * 50_000}\nprint('b' * 1_000_000)\nraise ValueError('c' * 100_000)")
    text = await sent(context)
    assert 4_000 < len(text) < 9_000

    run(shell, *(f"x = {number}" for number in range(1_005)))
    assert context.unseen(None).lost == 6
    assert log.cells[0].source == "x = 5"


async def test_secrets_are_withheld_from_source_output_and_error(
    shell: InteractiveShell, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "SESAME-environment")
    run(
        shell,
        "api_key = 'SESAME-variable'",
        "print(api_key)\nprint({'k': api_key})",
        "import os\nprint(os.environ['SOME_API_KEY'])",
        "print('https://me:SESAME-address@host')",
        "raise ValueError(f'bad {api_key}')",
    )

    text = await sent(context)

    assert "SESAME" not in text
    assert text.count(WITHHELD) >= 6


async def test_control_characters_are_made_harmless(shell: InteractiveShell, context: Context) -> None:
    run(shell, "x = '\u202e'\nprint('\\x1b[31mred\\x1b]0;title\\x07\\x00')\nprint('10%\\r20%')")

    text = await sent(context)

    assert not {"\x1b", "\x07", "\x00", "\r", "\u202e"} & set(text)
    assert "⟦U+202E⟧" in text
    assert "red\n20%" in text


async def test_of_the_pictures_the_newest_four_go_made_small(
    shell: InteractiveShell, context: Context
) -> None:
    def png(side: int) -> bytes:
        file = io.BytesIO()
        Image.effect_noise((side, side), 90).convert("RGB").save(file, "PNG")
        return file.getvalue()

    shell.user_ns |= {"png": png, "pub": shell.display_pub}
    run(shell, *(f"pub.publish({{'image/png': png({side})}})" for side in (10, 20, 30, 40, 1_500)))
    run(shell, "pub.publish({'image/png': b'none'})")

    attachment = await context.attachment(context.unseen(None))

    assert attachment is not None
    assert [image.width for image in attachment.images][:-1] == [30, 40]
    largest = attachment.images[-1]
    assert largest.width <= 768
    assert len(base64.b64decode(largest.data)) <= 150_000
    assert "The pictures that follow are from In [3], In [4], In [5]." in attachment.text


async def test_an_error_goes_with_its_cell_and_the_variables_of_the_failing_lines(
    shell: InteractiveShell, log: CellLog
) -> None:
    run(shell, "import math\ndef f(a):\n    api_key = 'SESAME'\n    return math.sqrt(a / limit), api_key")
    run(shell, "limit = 0\nunrelated = 5\nnumbers = [1, 2]\nf(len(numbers))", "fine = 1")

    assert log.failed is not None
    attachment = await failure(log.failed, shell.user_ns)

    assert attachment.text.startswith("In [2]:\nlimit = 0\nunrelated = 5\n")
    assert "ZeroDivisionError" in attachment.text
    described = attachment.text.partition("The variables that the failing lines name:\n")[2]
    assert "a: int = 2" in described
    assert "limit: int = 0" in described
    assert "numbers: list" in described
    assert f"api_key: str, {WITHHELD}" in described
    assert "unrelated" not in described
    assert "math: " not in described
    assert "SESAME" not in attachment.text


@pytest.mark.parametrize("source", ["x = = 1", "await nothing()", "%nothing", "raise KeyboardInterrupt"])
def test_every_kind_of_error_can_be_explained(shell: InteractiveShell, log: CellLog, source: str) -> None:
    run(shell, source)

    assert log.has_just_failed
    assert log.failed is not None
    attachment = asyncio.run(failure(log.failed, shell.user_ns))
    assert attachment.text.startswith(f"In [1]:\n{source}\n")
    assert "\nError:\n" in attachment.text
    assert "get_ipython: " not in attachment.text
    assert attachment.title == "the error of In [1] attached"
