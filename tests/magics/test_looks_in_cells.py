"""What people expect of an answer's looks, by way of the real CLI."""

from __future__ import annotations

import random

import pytest
from magic_fixtures import MagicNotebook, html, markdown, read_page, shown
from PIL import Image

pytestmark = pytest.mark.kernel


@pytest.mark.fault(126, via="real")
def test_a_progress_bar_is_shown_in_its_last_state_in_all_that_is_saved(shared: MagicNotebook) -> None:
    bar = r"printf '  0%%|   |\r 50%%|#  |\r100%%|###| 2/2\nsaved\n'"

    cell = shared.do(f"%%claude --allow Bash\nrun {bar}")

    assert "0%|   |" in shared.endpoint.tool_results[-1], "the CLI itself keeps every state"
    for saved in (shown(cell), markdown(cell), read_page(html(cell)).text):
        said = saved.partition("It said")[0].replace("printf", "", 1).rpartition("100%|###| 2/2")
        assert said[1]
        assert "\n    saved" in saved or "\nsaved" in saved


@pytest.mark.fault(126, via="real")
def test_an_answer_from_right_to_left_is_saved_with_its_direction(shared: MagicNotebook) -> None:
    page = read_page(html(shared.do("%%claude\nsay שלום *עולם*")))

    directed = {(tag, attributes["dir"]) for tag, attributes in page.elements if "dir" in attributes}
    assert directed == {("p", "rtl"), ("span", "ltr")}, "the prompt begins in English"


@pytest.mark.fault(126, via="real")
@pytest.mark.parametrize("above", ["# What does it do?\n", "\n  # one\n\n# two\n\n", "\n\n"])
def test_comments_and_blank_lines_above_the_magic_are_no_part_of_the_prompt(
    shared: MagicNotebook, above: str
) -> None:
    shared.do(f"{above}%%claude -o answer\nsay it\n# stays\n\n  ## and this")

    assert shared.endpoint.prompts[-1] == "say it\n# stays\n\n  ## and this"
    shared.do(f"%%time\n{above}%%claude\nsay timed")
    assert shared.endpoint.prompts[-1] == "say timed"


@pytest.mark.fault(126, via="real")
def test_a_large_picture_that_claude_reads_is_shown_and_saved_small(shared: MagicNotebook) -> None:
    pixels = random.Random(1).randbytes(800 * 800 * 3)
    Image.frombytes("RGB", (800, 800), pixels).save(shared.work / "large.png")

    cell = shared.do("%claude read large.png")

    page = read_page(html(cell))
    (picture,) = (attributes for tag, attributes in page.elements if tag == "img")
    assert 50_000 < len(str(picture["src"])) < 300_100
    assert f"the original is {shared.work / 'large.png'}" in page.text
    assert "base64" not in markdown(cell) + shown(cell)
