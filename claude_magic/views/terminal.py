"""A turn at the IPython prompt: what is finished is printed once, only the last piece is redrawn.

No full screen, and no cursor tricks where the output is no terminal. While a person is asked, nothing is
redrawn, so that their typing stays whole; who asks prints the question. A background turn prints one line
when it is done, and nothing before.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markdown import Markdown
from rich.padding import Padding
from rich.text import Text
from rich.theme import Theme

from claude_magic.commonmark.gfm import BARE
from claude_magic.control_characters import show_invisibles, strip_controls
from claude_magic.transcript import TurnState
from claude_magic.transcript.blocks import (
    Block,
    GrowingBlock,
    NoticeBlock,
    PermissionBlock,
    RetryBlock,
    TextBlock,
    ThinkingBlock,
    ToolBlock,
    ToolState,
)
from claude_magic.views.html.markup import markdown_tokens, sections
from claude_magic.wording import tool as tool_wording
from claude_magic.wording import turn as wording
from claude_magic.wording.diff_lines import diff
from claude_magic.wording.requests import decision_line
from claude_magic.wording.units import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from claude_magic.transcript import Transcript
    from claude_magic.wording.diff_lines import DiffLine

__all__ = ["TerminalView"]

_TICKS_A_SECOND = 10
_CODE_LIMIT = 4_000
_TAIL_LINES = 12
_DIFF_LINES = 60
_STYLES = {
    ToolState.OK: "green",
    ToolState.FAILED: "red",
    ToolState.DENIED: "red",
    ToolState.INTERRUPTED: "yellow",
}
_DIFF_STYLES = {"+": "green", "-": "red", "@": "dim"}
_LEVELS = {"info": "dim", "warning": "yellow", "error": "red"}


class TerminalView:
    """Prints one turn.

    Args:
        transcript: The turn.
        background: Print nothing while it runs, and one line when it is done.
        announce: Prints that line without garbling what is being typed.
        console: Where to print; the terminal if None.
    """

    def __init__(
        self,
        transcript: Transcript,
        *,
        background: bool = False,
        announce: Callable[[str], None] = print,
        console: Console | None = None,
    ) -> None:
        self.transcript = transcript
        self._background = background
        self._announce = announce
        self._console = _console() if console is None else console
        self._headed = False
        self._next = 0
        self._offset = 0

    def start(self) -> None:
        """Does nothing: the first line is printed when the model is known."""

    async def follow(self) -> None:
        """Prints what comes until the turn has ended."""
        if self._background:
            await self._until_over()
            self._announce(self._done_line())
        elif self._console.is_terminal:
            await self._follow_live()
        else:
            await self._follow_plain()

    def publish_again(self) -> None:
        """Does nothing: what is printed stays."""

    async def _until_over(self) -> None:
        revision = -1
        while not self.transcript.state.is_over:
            revision = await self.transcript.changed(revision)

    def _done_line(self) -> str:
        name, state = show_invisibles(self.transcript.session), self.transcript.state.value
        elapsed = duration(self.transcript.elapsed)
        return f"claude: {name} is {state} ({elapsed}). %claude_history shows it."

    async def _follow_plain(self) -> None:
        revision = -1
        while not self.transcript.state.is_over:
            self._print(*self._fresh())
            revision = await self.transcript.changed(revision)
        self._print_end()

    async def _follow_live(self) -> None:
        live = Live(console=self._console, auto_refresh=False, transient=True, vertical_overflow="crop")
        ticker = asyncio.create_task(self._tick(live), name="claude_magic terminal")
        self.transcript.urgent.append(lambda: self._draw(live))
        revision = -1
        try:
            while not self.transcript.state.is_over:
                if self.transcript.state is TurnState.WAITING:  # `input()` is about to hold up the loop
                    live.stop()
                    self._print(*self._fresh())
                elif not live.is_started:  # before a tool takes over stdout, which Live does too
                    self._draw(live)
                revision = await self.transcript.changed(revision)
        finally:
            ticker.cancel()
            live.stop()
        self._print_end()

    async def _tick(self, live: Live) -> None:
        revision, ticks = -1, 0
        while True:
            if self.transcript.state is not TurnState.WAITING and (
                self.transcript.revision != revision or ticks % _TICKS_A_SECOND == 0
            ):
                revision = self.transcript.revision
                self._draw(live)
            ticks += 1
            await asyncio.sleep(1 / _TICKS_A_SECOND)

    def _draw(self, live: Live) -> None:
        fresh = list(self._fresh())
        if not live.is_started:
            live.start()
        live.update(Group(*self._last_piece()), refresh=True)
        self._print(*fresh)  # comes above the last piece

    # --- printing once

    def _fresh(self) -> Iterator[RenderableType]:
        """What has been finished since the last call."""
        if not self._headed and self.transcript.state not in {TurnState.QUEUED, TurnState.STARTING}:
            self._headed = True
            yield from self._header()
        blocks = self.transcript.blocks
        while self._next < len(blocks):
            block = blocks[self._next]
            yield from self._printable(block)
            if not _is_over(block):
                break
            self._next += 1
            self._offset = 0

    def _printable(self, block: Block) -> Iterator[RenderableType]:
        """What there is to print of a block: a text's finished part, anything else once it is over."""
        if isinstance(block, TextBlock):
            text = strip_controls(block.text)[self._offset :]
            if not block.finished:
                text = "".join(f"{section}\n" for section in sections(text)[:-1])
                self._offset += len(text)
            yield from self._markdown(text)
        elif _is_over(block):
            yield from _renderables(block, self.transcript.cwd)

    def _header(self) -> Iterator[RenderableType]:
        facts = " · ".join(wording.header(self.transcript))
        yield Text.assemble(("Claude", "bold"), (f" · {facts}", "dim"))
        if self.transcript.permission_mode == "bypassPermissions":
            yield Text(wording.BYPASS_BANNER, style="bold yellow")
        if self.transcript.attachments:
            yield Text(f"> {wording.prompt_line(self.transcript)}", style="dim")
        attachments = self.transcript.attachments
        for each, (about, text) in zip(attachments, wording.attached(attachments), strict=True):
            yield Text(about if each.title else f"{about}\n{text}\n", style="dim")

    def _markdown(self, text: str) -> Iterator[RenderableType]:
        if not text.strip():
            return
        if self._console.is_terminal:
            yield Padding(_rich_markdown(text), (0, 0, 1, 0))
        else:
            yield Text(text.strip("\n") + "\n")

    def _print_end(self) -> None:
        self._print(*self._fresh())
        lines = [wording.hidden_line(self.transcript), " · ".join(wording.footer(self.transcript))]
        self._print(*(Text(line, style="dim") for line in lines if line))

    def _print(self, *renderables: RenderableType) -> None:
        for each in renderables:
            self._console.print(each, soft_wrap=not self._console.is_terminal)

    # --- the last piece

    def _last_piece(self) -> Iterator[RenderableType]:
        room = max(3, self._console.height - 6)
        for block in self.transcript.blocks[self._next :]:
            if isinstance(block, TextBlock):
                lines = strip_controls(block.text[self._offset :]).split("\n")
                yield Text("\n".join(lines[-room:]))
            elif isinstance(block, ToolBlock):
                yield from _tool(block, self.transcript.cwd)
            elif isinstance(block, (NoticeBlock, RetryBlock, ThinkingBlock)):
                yield from _renderables(block, "")
        elapsed = duration(self.transcript.elapsed)
        yield Text(f"{self.transcript.state.value}, {elapsed}. Ctrl-C stops.", style="dim")


def _console() -> Console:
    return Console(highlight=False, markup=False, emoji=False, theme=Theme({"markdown.code": "cyan"}))


def _is_over(block: Block) -> bool:
    match block:
        case GrowingBlock():
            return block.finished
        case ToolBlock():
            return block.state.is_over
        case RetryBlock():
            return block.over
        case PermissionBlock():
            return not block.pending
        case _:
            return True


def _renderables(block: Block, cwd: str) -> Iterator[RenderableType]:
    match block:
        case ThinkingBlock():
            yield Text(wording.thinking_line(block), style="dim italic")
        case ToolBlock():
            yield from _tool(block, cwd)
        case RetryBlock():
            yield Text(wording.retry_line(block), style="yellow")
        case NoticeBlock():
            word = "" if block.level == "info" else f"{block.level.capitalize()}: "
            yield Text(word + show_invisibles(block.text), style=_LEVELS[block.level])
        case PermissionBlock():
            yield Text(f"  {block.kind.capitalize()}: {decision_line(block)}", style="dim")


def _tool_line(tool: ToolBlock, cwd: str) -> Text:
    name, about = tool_wording.title(tool, cwd)
    return Text.assemble(
        (name, "bold"),
        (f" {about} ", ""),
        (f"({tool_wording.state(tool)})", _STYLES.get(tool.state, "dim")),
    )


def _tool(tool: ToolBlock, cwd: str) -> Iterator[RenderableType]:
    yield _tool_line(tool, cwd)
    if lines := diff(tool, _DIFF_LINES).lines:
        yield from (_diff_line(line) for line in lines)
    elif tail := tool_wording.tail(tool, _TAIL_LINES):
        yield Text("\n".join(f"  {line}" for line in tail), style="dim")
    for child in tool.children:
        if isinstance(child, ToolBlock):
            yield Padding(_tool_line(child, cwd), (0, 0, 0, 2))


def _diff_line(line: DiffLine) -> Text:
    style = _DIFF_STYLES.get(line.sign, "")
    if line.sign == "@":
        return Text(f"  {line}", style=style)
    text = Text(line.text, style=style)
    for start, end in line.marks:
        text.stylize("bold underline", start, end)
    return Text.assemble((f"  {line.number or '':>4} ", "dim"), (line.sign, style), text)


def _rich_markdown(text: str) -> RenderableType:
    """Markdown drawn by rich from our own parser's tokens: no terminal links, HTML stays text."""
    tokens = markdown_tokens(text)
    if tokens is None:
        return Text(strip_controls(text))
    for token in tokens:
        if token.type == "math_block":
            token.type = "fence"  # rich shows only what it knows
        elif token.type == "fence" and len(token.content) > _CODE_LIMIT:
            token.info = ""
        for child in token.children or ():
            if child.type == "math_inline" or child.markup == BARE:
                child.type = "text"
    markdown = Markdown("", hyperlinks=False, code_theme="ansi_dark")
    markdown.parsed = tokens
    return markdown
