"""Text stands as it is written, and a large picture fits the page: live, saved and opened again."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from lab import NotebookPage
from PIL import Image
from playwright.sync_api import Locator, expect

# The distances of an element's text from the two sides of the element.
GAPS = """(element) => {
  const range = document.createRange();
  range.selectNodeContents(element);
  const [text, box] = [range.getBoundingClientRect(), element.getBoundingClientRect()];
  return [text.left - box.left, box.right - text.right];
}"""


def stands_as_written(answer: Locator) -> None:
    """Hebrew begins at the right, English at the left."""
    for name, rightmost in (("h1", True), ("p >> nth=0", True), ("li", True), ("p:text('English')", False)):
        left, right = answer.locator(name).first.evaluate(GAPS)
        assert (right < left) is rightmost, (name, left, right)


def is_shown_well(notebook: NotebookPage) -> None:
    """The text of the first turn, and the picture of the second."""
    stands_as_written(notebook.output(1).locator(".claude-static"))
    static = notebook.output(2).locator(".claude-static")
    picture = static.locator("img")
    expect(picture).to_be_visible()
    assert picture.evaluate("(image) => image.naturalWidth") > 500
    assert picture.evaluate("(image) => image.clientWidth <= image.closest('.jp-OutputArea').clientWidth")


@pytest.mark.browser
@pytest.mark.fault(126, via="real")
def test_text_stands_as_it_is_written_and_a_large_picture_fits_live_and_saved(
    in_lab: Callable[..., NotebookPage], reopen: Callable[..., NotebookPage]
) -> None:
    notebook = in_lab("%%claude -b\nfrom right to left until there", "%claude read large.png")
    folder = notebook.server.notebooks
    pixels = random.Random(1).randbytes(2_000 * 300 * 3)
    Image.frombytes("RGB", (2_000, 300), pixels).save(folder / "large.png")
    notebook.run(1)
    live = notebook.output(1).locator(".claude-turn")
    expect(live.get_by_text("English.")).to_be_visible()
    stands_as_written(live)

    (folder / "there").touch()
    expect(notebook.output(1).locator(".claude-static .claude-state")).to_have_text("done")
    notebook.run(2)
    is_shown_well(notebook)
    notebook.save()

    is_shown_well(reopen(notebook, trusted=True))
