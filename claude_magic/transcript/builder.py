"""The making and changing of blocks, always within bounds.

What is kept stays under the limits however long the turn is, and growing costs time linear in the text.
Pure: the clock is given. Views wait in `changed`, which coalesces by nature: who comes late finds one change
where a hundred happened; there is no queue that could fill up.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from claude_magic.tools import ToolKind, names_of
from claude_magic.transcript.blocks import (
    Block,
    Budget,
    GrowingBlock,
    Level,
    NoticeBlock,
    Picture,
    TextBlock,
    ThinkingBlock,
    ToolBlock,
    ToolState,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Builder", "Scope"]

_BLOCK_LIMIT = 4_000
_NOTICE_LIMIT = 10_000
_OUTPUT_LIMIT = 8_000
_NAME_LIMIT = 200
_OPEN_LIMIT = 64
_PICTURE_LIMIT = 10_000_000

_B = TypeVar("_B", bound=Block)


class Scope(Struct):
    """The main agent's blocks, or a subagent's, and what is being written there."""

    blocks: list[Block]
    message_id: str | None = None
    open: dict[int, Block] = {}
    unconfirmed: list[tuple[str | None, GrowingBlock]] = []

    def begin(self, message_id: str | None) -> None:
        """A new message of the model."""
        self.message_id = message_id
        self.open.clear()
        self.unconfirmed.clear()

    def opened(self, index: int, block: Block) -> list[Block]:
        """A block is being written at `index` of the message; returns those that have to make way for it."""
        displaced = [self.open.pop(index)] if index in self.open else []
        if len(self.open) >= _OPEN_LIMIT:
            displaced += self.open.values()
            self.open.clear()
        self.open[index] = block
        if isinstance(block, GrowingBlock):
            del self.unconfirmed[:-_OPEN_LIMIT]
            self.unconfirmed.append((self.message_id, block))
        return displaced

    def confirmed(self, message_id: str | None, kind: type[GrowingBlock]) -> GrowingBlock | None:
        """The block that a whole text settles, if its partials have built one."""
        for entry in self.unconfirmed:
            if entry[0] == message_id and isinstance(entry[1], kind):
                self.unconfirmed.remove(entry)
                return entry[1]
        return None


class Builder:
    """Blocks and the room there is for them.

    `revision` rises with every change, `length` with every visible character, `steps` whenever a tool call
    begins, waits or ends; `budget.hidden` and `hidden_blocks` count what there was no room for.

    Args:
        clock: The time in seconds.
        text_limit: Characters kept.
    """

    def __init__(self, clock: Callable[[], float], text_limit: int) -> None:
        self.blocks: list[Block] = []
        self.revision = 0
        self.length = 0
        self.steps = 0
        self.hidden_blocks = 0
        self.budget = Budget(text_limit)
        self.main = Scope(self.blocks)
        self.tools: dict[str, ToolBlock] = {}
        self._clock = clock
        self._scopes: dict[str, Scope] = {}
        self._picture_room = _PICTURE_LIMIT
        self._made = 0
        self._signal: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None  # of those who wait

    @property
    def answer(self) -> str:
        """The main agent's text, its blocks joined by blank lines."""
        texts = (block.text for block in self.blocks if isinstance(block, TextBlock))
        return "\n\n".join(text for text in texts if text)

    async def changed(self, since: int) -> int:
        """Waits until something has changed after revision `since`; returns the revision now."""
        while self.revision <= since:
            if self._signal is None:
                self._signal, self._loop = asyncio.Event(), asyncio.get_running_loop()
            await self._signal.wait()
        return self.revision

    def touch(self, block: Block | None = None) -> None:
        """A block has changed, or what is above and below them; those who wait are told."""
        self.revision += 1
        if block is not None:
            block.revision = self.revision
        if self._signal is not None:
            self._signal.set()
            self._signal = None

    def notice(self, text: str, level: Level = "info") -> NoticeBlock:
        """Adds a line of ours; the same line twice in a row is one."""
        last = self.blocks[-1] if self.blocks else None
        if isinstance(last, NoticeBlock) and (last.text, last.level) == (text, level):
            return last
        return self.add(self.main, NoticeBlock(text=text[:_NOTICE_LIMIT], level=level), ours=True)

    def break_off(self) -> None:
        """Closes what is open; what had come is kept."""
        for scope in (self.main, *self._scopes.values()):
            self.begin(scope, None)
        for tool in self.tools.values():
            self.end_tool(tool, ToolState.INTERRUPTED)

    @property
    def _is_full(self) -> bool:
        return self._made >= _BLOCK_LIMIT

    def add(self, scope: Scope, block: _B, *, ours: bool = False) -> _B:
        """Appends a block; our own still have room when the model's have none."""
        if self._made >= (2 * _BLOCK_LIMIT if ours else _BLOCK_LIMIT):
            self.hidden_blocks += 1
        else:
            self._made += 1
            block.number = self._made
            scope.blocks.append(block)
        self.touch(block)
        return block

    def scope(self, parent: str | None) -> Scope:
        """Where the blocks of the subagent go that this call has started; without one, the main agent's."""
        if not parent:
            return self.main
        if parent not in self._scopes:
            scope = Scope(self.tool(self.main, parent, names_of(ToolKind.AGENT)[0]).children)
            if parent not in self.tools:
                return scope
            self._scopes[parent] = scope
        return self._scopes[parent]

    def tool(self, scope: Scope, tool_id: str, name: str) -> ToolBlock:
        """The block of a tool call; a new one if there is none."""
        tool = self.tools.get(tool_id)
        if tool is None:
            tool = ToolBlock(id=tool_id, name=name[:_NAME_LIMIT], started=self._clock())
            if not self._is_full and len(tool_id) <= _NAME_LIMIT:
                self.tools[tool_id] = tool
            self.add(scope, tool)
        return tool

    def run(self, tool: ToolBlock, tool_input: Mapping[str, object]) -> None:
        """A call has been written, and begins to run."""
        if tool.state is not ToolState.WRITING:
            return
        self.budget.give_back(len(tool.partial.text), 0)
        tool.partial.replace("")
        tool.input = self.budget.record(tool_input)
        self.step(tool, ToolState.RUNNING)
        self.length += sum(len(value) for value in tool.input.values() if isinstance(value, str))

    def step(self, tool: ToolBlock, state: ToolState) -> None:
        """A call that begins to run or to wait; its time counts from here."""
        tool.state = state
        tool.started = self._clock()
        self.steps += 1
        self.touch(tool)

    def show_output(self, tool: ToolBlock, text: str) -> None:
        """The newest of what a call gives while it runs. A thread may say it, while the loop stands still."""
        tool.result = (tool.result + text)[-_OUTPUT_LIMIT:]
        self.revision += 1
        tool.revision = self.revision
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.touch)

    def end_tool(self, tool: ToolBlock, state: ToolState) -> None:
        """A call ends so, unless it had ended before."""
        if not tool.state.is_over:
            tool.state = state
            tool.duration = max(0.0, self._clock() - tool.started)
            self.steps += 1
            self.touch(tool)

    def growing(self, scope: Scope, kind: str) -> GrowingBlock:
        """A new block of text or of thinking."""
        if kind == "text":
            return self.add(scope, TextBlock())
        return self.add(scope, ThinkingBlock(started=self._clock()))

    def append(self, block: GrowingBlock, piece: str) -> None:
        """Lets a block grow, as far as there is room."""
        kept = self.budget.text(piece)
        block.hidden += len(piece) - len(kept)
        block.append(kept)
        self.length += len(kept)
        self.touch(block)

    def replace(self, block: GrowingBlock, text: str) -> None:
        """Puts another text into a block."""
        kept = len(block.text)
        self.budget.give_back(kept, block.hidden)
        self.length -= kept
        block.hidden = 0
        block.replace("")
        self.append(block, text)

    def begin(self, scope: Scope, message_id: str | None) -> None:
        """A new message of the model, or none any more: what was being written is finished."""
        for block in scope.open.values():
            self.finish(block)
        scope.begin(message_id)

    def write(self, scope: Scope, index: int, block: Block) -> None:
        """A block is being written at `index`; what the CLI never finished there is finished."""
        for displaced in scope.opened(index, block):
            if displaced is not block:
                self.finish(displaced)

    def finish(self, block: Block | None) -> None:
        """A block's text is whole."""
        if not isinstance(block, GrowingBlock) or block.finished:
            return
        block.finished = True
        if isinstance(block, ThinkingBlock):
            block.duration = max(0.0, self._clock() - block.started)
        self.touch(block)

    def picture(self, media_type: str, data: str) -> Picture | None:
        """An image, base64; None if there is no room for it."""
        if len(data) > self._picture_room:
            self.budget.hidden += len(data)
            return None
        self._picture_room -= len(data)
        return Picture(media_type[:100], data)
