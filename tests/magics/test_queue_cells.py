"""Several prompts at once in one session, in a real kernel."""

from __future__ import annotations

import pytest
from magic_fixtures import MagicNotebook, read_page, shown

pytestmark = pytest.mark.kernel

THREE = """\
for number in range(3):
    get_ipython().run_cell_magic("claude", f"-b -o r{number}", f"say number {number}")
"""


@pytest.mark.fault(94, via="real")
@pytest.mark.fault(38, via="real")
def test_three_background_prompts_of_one_cell_are_three_turns_in_order(notebook: MagicNotebook) -> None:
    cell = notebook.do(THREE)

    notebook.do("%claude_wait")

    assert notebook.value("[r0.text, r1.text, r2.text]") == ["number 0", "number 1", "number 2"]
    assert notebook.value("[r.num_turns for r in (r0, r1, r2)]") == [1, 1, 1]
    prompts = [request["prompt"] for request in notebook.endpoint.requests]
    assert prompts == ["say number 0", "say number 1", "say number 2"]
    pages = [read_page(display.data["text/html"]).text for display in cell.displays]
    for number, text in enumerate(pages):
        others = [f"number {other}" for other in range(3) if other != number]
        assert f"number {number}" in text
        assert not any(other in text for other in others), "the outputs are mixed"
    assert notebook.status()["turns"] == "3"


@pytest.mark.fault(38, via="real")
def test_of_three_background_prompts_the_middle_one_cancelled_leaves_two(notebook: MagicNotebook) -> None:
    first = notebook.do("%%claude -b -o r0\nheld until go", allow_stdin=True)
    middle = notebook.do("%%claude -b -o r1\nsay dropped", allow_stdin=True)
    notebook.do("%%claude -b -o r2\nsay last", allow_stdin=True)
    notebook.wait_for(lambda: "the-1" in str(first.comms))

    notebook.press(middle, "cancel")
    notebook.wait_for(lambda: "cancelled" in shown(middle))
    (notebook.work / "go").touch()
    notebook.do("%claude_wait")

    assert notebook.value("r0.text.startswith('the-1 loop-2') and r2.text == 'last'") is True
    assert notebook.value("[r.interrupted for r in (r0, r1, r2)]") == [False, True, False]
    assert notebook.value("r1.text") == ""
    assert [request["prompt"] for request in notebook.endpoint.requests] == ["held until go", "say last"]
    assert notebook.status()["turns"] == "2"


@pytest.mark.fault(38, via="real")
def test_of_three_at_once_those_that_will_not_wait_are_refused_in_one_line(notebook: MagicNotebook) -> None:
    notebook.do("%%claude -b -o r0\nheld until go")

    said = [notebook.error(f"%%claude {flags} --busy refuse\nsay no") for flags in ("-b", "", "-b -o r1")]

    assert set(said) == {"Session 'main' is busy. Wait with %claude_wait, or leave out --busy refuse."}
    (notebook.work / "go").touch()
    notebook.do("%claude_wait")
    assert notebook.value("r0.interrupted or r0.is_error") is False
    assert [request["prompt"] for request in notebook.endpoint.requests] == ["held until go"]
