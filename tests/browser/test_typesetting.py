"""Mathematics is typeset by the page, live and saved alike, and nothing else is."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from lab import NotebookPage
from live import ask
from magic_fixtures import read_page
from playwright.sync_api import Locator, expect
from servers import JupyterServer

PROMPT = r"Show me the formulas for $8$ and $9$, \(v\), \[w\]."
LITERAL = [
    "It costs $5 and $10, $code$ aside; $HOME/$PATH, the prompt ~$ ",
    "and user:~$ ls; root:~$ cd. US$3 or CA$4.",
    r"$\href{javascript:window.ran=1}{press}$",
]
# The rows of each formula, in their order; 1 for one that is no table.
_ROWS = "(formulas) => formulas.map((each) => each.querySelectorAll('mjx-mtr').length || 1)"
_SHAPES = """(formulas) => formulas.map((each) => {
  const {width, height} = each.querySelector('mjx-math').getBoundingClientRect();
  return [each.textContent, width, height].map(String).join(" ");
})"""
ROWS = [2, 1, 1, 2, 2]


def shapes(shown: Locator) -> list[str]:
    """What the formulas of a view look like, once they are there."""
    formulas = shown.locator("mjx-container")
    expect(formulas).to_have_count(len(ROWS))
    assert formulas.evaluate_all(_ROWS) == ROWS
    answer = shown.locator(".claude-answer").last
    assert answer.locator("mjx-container").count() == len(ROWS), "nothing but the answer is typeset"
    said = answer.inner_text()
    assert [text for text in LITERAL if text not in said] == []
    seen: list[str] = formulas.evaluate_all(_SHAPES)
    return seen


@pytest.mark.fault(119, via="real")
def test_formulas_look_the_same_live_and_saved_and_money_is_no_formula(
    open_in: Callable[..., NotebookPage],
    reopen: Callable[..., NotebookPage],
    server: JupyterServer,
    tmp_path: Path,
) -> None:
    notebook = open_in(server)
    turn = ask(notebook, PROMPT, "-b --allow Bash")
    expect(turn.widget.locator(".claude-answer").last).to_contain_text("require{physics}")
    live = shapes(turn.widget)
    turn.button("stop").click()
    turn.wait_until_over("interrupted")
    shapes(turn.static)
    notebook.save()
    notebook.reload()

    assert shapes(turn.static) == live
    assert notebook.ran() is None

    words = [sys.executable, "-m", "nbconvert", "--to", "html", "--output-dir", str(tmp_path), notebook.name]
    subprocess.run(words, cwd=server.notebooks, env=server.env, capture_output=True, check=True)
    made = (tmp_path / notebook.name).with_suffix(".html").read_text(encoding="utf-8")
    turns = made[made.index('<details class="claude-static ') :]
    formulas = re.findall(r'<(\w+) class="mathjax_process tex2jax_process">(.*?)</\1>', turns, re.DOTALL)
    assert len(formulas) == len(ROWS)
    assert r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}" in read_page(formulas[0][1]).text

    shapes(reopen(notebook).output(turn.cell).locator(".claude-static"))
