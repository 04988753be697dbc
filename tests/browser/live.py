"""A turn in its cell as a person sees and answers it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from lab import NotebookPage
from playwright.sync_api import Locator, expect

__all__ = ["Place", "Shown", "ask"]

Place = Literal["awaited", "background"]


@dataclass(frozen=True)
class Shown:
    """A turn that was asked for.

    Args:
        notebook: Where.
        cell: The index of its cell.
        prompt: What was asked.
        other: The index of a cell that runs meanwhile, or None.
    """

    notebook: NotebookPage
    cell: int
    prompt: str
    other: int | None = None

    @property
    def output(self) -> Locator:
        """All that the cell shows."""
        return self.notebook.output(self.cell)

    @property
    def widget(self) -> Locator:
        """The live view."""
        return self.output.locator(".claude-turn")

    @property
    def static(self) -> Locator:
        """What stays."""
        return self.output.locator(".claude-static")

    @property
    def card(self) -> Locator:
        """What is asked."""
        alone = ".claude-permission:not(.claude-tool *)"
        return self.widget.locator(f".claude-tool-waiting, {alone}, .claude-question").filter(
            has=self.notebook.page.locator("button.claude-button")
        )

    def button(self, name: str) -> Locator:
        """A button, by its class without `claude-`."""
        return self.widget.locator(f"button.claude-{name}")

    def wait_until_live(self) -> None:
        """The live view is there."""
        expect(self.widget).to_be_visible()

    def grown(self, times: int = 3) -> str:
        """Waits until the answer was seen longer so many times, and returns it."""
        answer = self.widget.locator(".claude-answer").first
        expect(answer).not_to_be_empty()
        for _ in range(times):
            least = len(answer.text_content() or "") + 1
            expect(answer).to_have_text(re.compile(f".{{{least},}}", re.DOTALL))  # or of another in its place
        return answer.inner_text().strip()

    def wait_until_over(self, state: str = "done") -> None:
        """The turn is over, its cell has ended, and the widget has given way to the static output."""
        expect(self.static.locator(".claude-state")).to_have_text(re.compile(state))
        expect(self.widget).to_have_count(0)
        self.notebook.wait(self.cell)
        if self.other is not None:
            (self.notebook.server.notebooks / "go").touch()
            self.notebook.wait(self.other)


def ask(notebook: NotebookPage, prompt: str, options: str = "", *, place: Place = "awaited") -> Shown:
    """Asks in a cell of its own; for a background turn another cell awaits something meanwhile."""
    if place == "awaited":
        return Shown(notebook, notebook.ask(prompt, options), prompt)
    (notebook.server.notebooks / "go").unlink(missing_ok=True)
    cell = notebook.ask(prompt, f"-b {options}")
    other = notebook.add("import asyncio, os\nwhile not os.path.exists('go'):\n    await asyncio.sleep(0.05)")
    notebook.start(other)
    expect(notebook.cell(other).locator(".jp-InputArea-prompt")).to_have_text("[*]:")
    return Shown(notebook, cell, prompt, other)
