"""The making and changing of blocks, always within bounds.

What is kept stays under the limits however long the turn is, and growing costs time linear in the text.
Pure: the clock is given.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from claude_magic.tools import ToolKind, names_of
from claude_magic.transcript.blocks import (
    Block,
    Budget,
    GrowingBlock,
    Level,
    NoticeBlock,
    Picture,
    RetryBlock,
    TextBlock,
    ThinkingBlock,
    ToolBlock,
    ToolState,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from claude_magic.wire import events as wire

__all__ = ["Builder", "Scope"]

_BLOCK_LIMIT = 4_000
_NOTICE_LIMIT = 10_000
_NAME_LIMIT = 200
_OPEN_LIMIT = 64
_PICTURE_LIMIT = 10_000_000
_UNKNOWN_LIMIT = 100

_B = TypeVar("_B", bound=Block)


@dataclass(slots=True)
class Scope:
    """The main agent's blocks, or a subagent's, and what is being written there."""

    blocks: list[Block]
    message_id: str | None = None
    open: dict[int, Block] = field(default_factory=dict)
    unconfirmed: list[tuple[str | None, GrowingBlock]] = field(default_factory=list)

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
    begins, waits or ends.

    Args:
        clock: The time in seconds.
        text_limit: Characters kept; more is counted in `hidden`.
    """

    def __init__(self, clock: Callable[[], float], text_limit: int) -> None:
        self.blocks: list[Block] = []
        self.unknown: Counter[str] = Counter()
        self.revision = 0
        self.length = 0
        self.steps = 0
        self.hidden_blocks = 0
        self._clock = clock
        self._budget = Budget(text_limit)
        self._picture_room = _PICTURE_LIMIT
        self._made = 0
        self._main = Scope(self.blocks)
        self._scopes: dict[str, Scope] = {}
        self._tools: dict[str, ToolBlock] = {}
        self._retry: RetryBlock | None = None

    @property
    def hidden(self) -> int:
        """Characters left out because the transcript is full."""
        return self._budget.hidden

    def walk(self) -> Iterator[Block]:
        """Every block, a subagent's after the call that started it."""
        return _walk(self.blocks)

    def began(self, tool_use_id: str) -> float:
        """When a tool call began to run, the wait for a person's leave not counted; 0 for one not known."""
        tool = self._tools.get(tool_use_id)
        return 0.0 if tool is None else tool.started

    def notice(self, text: str, level: Level = "info") -> NoticeBlock:
        """Add a line of ours; the same line twice in a row is one."""
        last = self.blocks[-1] if self.blocks else None
        if isinstance(last, NoticeBlock) and (last.text, last.level) == (text, level):
            return last
        return self._add(self._main, NoticeBlock(text=text[:_NOTICE_LIMIT], level=level), ours=True)

    def break_off(self) -> None:
        """Close what is open: the process has ended, or the turn has. What had come is kept."""
        for scope in (self._main, *self._scopes.values()):
            self._begin(scope, None)
        for tool in self._tools.values():
            self._end_tool(tool, ToolState.INTERRUPTED)
        self._end_retry()

    def _touch(self, block: Block | None = None) -> None:
        self.revision += 1
        if block is not None:
            block.revision = self.revision

    def _count(self, kind: str) -> None:
        kind = kind[:_NAME_LIMIT]
        known = kind in self.unknown or len(self.unknown) < _UNKNOWN_LIMIT
        self.unknown[kind if known else "other"] += 1

    @property
    def _is_full(self) -> bool:
        return self._made >= _BLOCK_LIMIT

    def _add(self, scope: Scope, block: _B, *, ours: bool = False) -> _B:
        """Append a block; our own still have room when the model's have none."""
        if self._made >= (2 * _BLOCK_LIMIT if ours else _BLOCK_LIMIT):
            self.hidden_blocks += 1
        else:
            self._made += 1
            block.number = self._made
            scope.blocks.append(block)
        self._touch(block)
        return block

    def _scope(self, parent: str | None) -> Scope:
        if not parent:
            return self._main
        if parent not in self._scopes:
            scope = Scope(self._tool(self._main, parent, names_of(ToolKind.AGENT)[0]).children)
            if parent not in self._tools:
                return scope
            self._scopes[parent] = scope
        return self._scopes[parent]

    def _tool(self, scope: Scope, tool_id: str, name: str) -> ToolBlock:
        tool = self._tools.get(tool_id)
        if tool is None:
            tool = ToolBlock(id=tool_id, name=name[:_NAME_LIMIT], started=self._clock())
            if not self._is_full and len(tool_id) <= _NAME_LIMIT:
                self._tools[tool_id] = tool
            self._add(scope, tool)
        return tool

    def _run(self, tool: ToolBlock, given: Mapping[str, object]) -> None:
        if tool.state is not ToolState.WRITING:
            return
        self._budget.give_back(len(tool.partial.text), 0)
        tool.partial.replace("")
        tool.input = self._budget.record(given)
        self._step(tool, ToolState.RUNNING)
        self.length += sum(len(value) for value in tool.input.values() if isinstance(value, str))

    def _step(self, tool: ToolBlock, state: ToolState) -> None:
        """A call that begins to run or to wait; its time counts from here."""
        tool.state = state
        tool.started = self._clock()
        self.steps += 1
        self._touch(tool)

    def _end_tool(self, tool: ToolBlock, state: ToolState) -> None:
        if not tool.state.is_over:
            tool.state = state
            tool.duration = max(0.0, self._clock() - tool.started)
            self.steps += 1
            self._touch(tool)

    def _growing(self, scope: Scope, kind: str) -> GrowingBlock:
        if kind == "text":
            return self._add(scope, TextBlock())
        return self._add(scope, ThinkingBlock(started=self._clock()))

    def _append(self, block: GrowingBlock, piece: str) -> None:
        kept = self._budget.text(piece)
        block.hidden += len(piece) - len(kept)
        block.append(kept)
        self.length += len(kept)
        self._touch(block)

    def _replace(self, block: GrowingBlock, text: str) -> None:
        kept = len(block.text)
        self._budget.give_back(kept, block.hidden)
        self.length -= kept
        block.hidden = 0
        block.replace("")
        self._append(block, text)

    def _begin(self, scope: Scope, message_id: str | None) -> None:
        """A new message of the model, or none any more: what was being written is finished."""
        for block in scope.open.values():
            self._finish(block)
        scope.begin(message_id)

    def _write(self, scope: Scope, index: int, block: Block) -> None:
        """A block is being written at `index`; what the CLI never finished there is finished."""
        for displaced in scope.opened(index, block):
            if displaced is not block:
                self._finish(displaced)

    def _finish(self, block: Block | None) -> None:
        if not isinstance(block, GrowingBlock) or block.finished:
            return
        block.finished = True
        if isinstance(block, ThinkingBlock):
            block.duration = max(0.0, self._clock() - block.started)
        self._touch(block)

    def _end_retry(self) -> None:
        if self._retry is not None:
            self._retry.over = True
            self._touch(self._retry)
            self._retry = None

    def _pictures(self, content: str | list[wire.Block] | None) -> Iterator[Picture]:
        for block in content if isinstance(content, list) else ():
            source = block.source or {}
            data, kind = source.get("data"), source.get("media_type")
            if block.type == "image" and isinstance(data, str) and isinstance(kind, str):
                if len(data) > self._picture_room:
                    self._budget.hidden += len(data)
                    continue
                self._picture_room -= len(data)
                yield Picture(kind[:100], data)


def _walk(blocks: Iterable[Block]) -> Iterator[Block]:
    stack = list(reversed(list(blocks)))
    while stack:
        block = stack.pop()
        yield block
        if isinstance(block, ToolBlock):
            stack.extend(reversed(block.children))
