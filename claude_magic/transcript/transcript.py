"""A turn as a person reads it: its blocks, the facts above them and what it came to.

Pure and bounded, as its base classes promise. Views wait in `changed`, which coalesces by nature: who comes
late finds one change where a hundred happened; there is no queue that could fill up.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING

from claude_magic.result import Result, ToolCall
from claude_magic.transcript.assembly import Assembly
from claude_magic.transcript.blocks import (
    Block,
    Footer,
    NoticeBlock,
    PermissionBlock,
    TextBlock,
    ToolBlock,
    ToolState,
)
from claude_magic.transcript.explain import silence, turn_error
from claude_magic.wire import events as wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from claude_magic.permissions import Decision, PermissionRequest
    from claude_magic.prompt import Attachment

__all__ = ["Transcript", "TurnState"]

_TEXT_LIMIT = 2_000_000


class TurnState(Enum):
    """Where a turn stands; the value is the word a person reads."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting for you"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """The turn has ended, one way or another."""
        return self in {TurnState.DONE, TurnState.FAILED, TurnState.INTERRUPTED, TurnState.CANCELLED}


class Transcript(Assembly):
    """A turn's blocks, and the facts above and below them.

    Touch it on one event loop only.

    Args:
        prompt: What was asked.
        attachments: The data that was sent before it.
        session: The session's name.
        label: What to say about the model's source; "" for Claude itself.
        model: The model asked for; the CLI's own word replaces it.
        permission_mode: The mode asked for; the CLI's own word replaces it.
        options: Options given with the prompt, as they should be shown.
        clock: The time in seconds.
        text_limit: Characters kept; more is counted in `hidden`.
    """

    def __init__(
        self,
        prompt: str,
        *,
        attachments: Sequence[Attachment] = (),
        session: str = "main",
        label: str = "",
        model: str = "",
        permission_mode: str = "",
        options: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
        text_limit: int = _TEXT_LIMIT,
    ) -> None:
        super().__init__(clock, text_limit)
        self.prompt = prompt
        self.attachments = tuple(attachments)
        self.session = session
        self.label = label
        self.model = model
        self.permission_mode = permission_mode
        self.options = dict(options or {})
        self.cwd = ""
        self.session_id = ""
        self.resumed_turns = 0
        self.ahead = 0  # prompts that go first
        self.started: float | None = None
        self.ended: float | None = None
        self.error = ""
        self.footer: Footer | None = None
        self._state = TurnState.QUEUED
        self._signal: asyncio.Event | None = None

    # --- what a view reads

    @property
    def state(self) -> TurnState:
        """Where the turn stands."""
        return self._state

    @property
    def elapsed(self) -> float:
        """Seconds since the turn began."""
        if self.started is None:
            return 0.0
        return (self._clock() if self.ended is None else self.ended) - self.started

    @property
    def answer(self) -> str:
        """The main agent's text, its blocks joined by blank lines."""
        texts = (block.text for block in self.blocks if isinstance(block, TextBlock))
        return "\n\n".join(text for text in texts if text)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """All tool calls, a subagent's included, in the order in which they began."""
        failed = {ToolState.FAILED, ToolState.DENIED, ToolState.INTERRUPTED}
        return tuple(
            ToolCall(tool.id, tool.name, tool.input, tool.result, tool.state in failed)
            for tool in self._tools.values()
        )

    @property
    def pending(self) -> tuple[PermissionBlock, ...]:
        """What a person is being asked just now."""
        return tuple(b for b in self.blocks if isinstance(b, PermissionBlock) and b.pending)

    async def changed(self, since: int) -> int:
        """Wait until something has changed after revision `since`.

        Returns:
            The revision now; one wait may cover any number of changes.
        """
        while self.revision <= since:
            if self._signal is None:
                self._signal = asyncio.Event()
            await self._signal.wait()
        return self.revision

    # --- what a session tells

    def set_state(self, state: TurnState) -> None:
        """Say where the turn stands; the clock runs from the first state after `QUEUED`."""
        if state is self._state:
            return
        self._state = state
        if state is not TurnState.QUEUED and self.started is None:
            self.started = self._clock()
        if state.is_over:
            self.ended = self._clock()
        self._touch()

    def update(
        self,
        *,
        model: str | None = None,
        permission_mode: str | None = None,
        cwd: str | None = None,
        session_id: str | None = None,
        resumed_turns: int | None = None,
        label: str | None = None,
        ahead: int | None = None,
    ) -> None:
        """Set facts of the header; None leaves a fact as it is."""
        self.model = self.model if model is None else model
        self.permission_mode = self.permission_mode if permission_mode is None else permission_mode
        self.cwd = self.cwd if cwd is None else cwd
        self.session_id = self.session_id if session_id is None else session_id
        self.resumed_turns = self.resumed_turns if resumed_turns is None else resumed_turns
        self.label = self.label if label is None else label
        self.ahead = self.ahead if ahead is None else ahead
        self._touch()

    def ask(self, request: PermissionRequest) -> PermissionBlock:
        """Show that a person is asked; the turn waits until every request has an answer."""
        tool = self._tools.get(request.tool_use_id)
        if tool is not None and not request.input:  # a plan is in the call only
            request = replace(request, input=tool.input)
        if request.agent_id:
            request = replace(request, agent=self._agent_of(tool) or request.agent)
        block = self._add(self._main, PermissionBlock(request=request), ours=True)
        if tool is not None and tool.state is ToolState.RUNNING:
            self._step(tool, ToolState.WAITING)
        self.set_state(TurnState.WAITING)
        return block

    def _agent_of(self, call: ToolBlock | None) -> str:
        """The subagent that made a call, as its own card has it; "" if that is not in this turn."""
        for tool in self._tools.values():
            if call is not None and any(child is call for child in tool.children):
                said = (tool.input.get("subagent_type"), tool.input.get("description"))
                return ": ".join(text for text in said if isinstance(text, str) and text)
        return ""

    def decide(self, block: PermissionBlock, decision: Decision) -> None:
        """Show the answer to a request; the turn goes on when none is open. One withdrawn stays so."""
        if block.withdrawn:
            return
        block.decision = decision
        tool = self._tools.get(block.request.tool_use_id)
        if tool is not None and block.denied:
            self._end_tool(tool, ToolState.DENIED)
        elif tool is not None and tool.state is ToolState.WAITING:
            self._step(tool, ToolState.RUNNING)
        self._touch(block)
        if self._state is TurnState.WAITING and not self.pending:
            self.set_state(TurnState.RUNNING)

    def break_off(self) -> None:
        """Close what is open: the process has ended, or the turn has. What had come is kept."""
        super().break_off()
        for block in self.pending:
            block.withdrawn = True
            self._touch(block)

    def finish(self, result: Result, context_left: float | None = None) -> None:
        """End the turn with what it came to.

        Args:
            result: The turn's value; `error` is shown unless the transcript ends with it already.
            context_left: Share of the context window still free, 0 to 1.
        """
        self.break_off()
        ended = self._ending(result)
        if ended is TurnState.CANCELLED:
            self.notice(result.error or "Dropped before its turn.")
        elif ended is TurnState.INTERRUPTED:
            self.notice(result.error or "Interrupted. What had come until then is kept.", "warning")
        elif ended is TurnState.FAILED:
            self._fail(result.error or "The turn failed.")
        self.footer = Footer(
            requests=result.num_turns,
            seconds=result.duration,
            tokens=result.usage.total,
            cost_usd=result.cost_usd,
            context_left=context_left,
        )
        self.set_state(ended)
        self._touch()

    def _ending(self, result: Result) -> TurnState:
        if result.interrupted:
            return TurnState.CANCELLED if self._state is TurnState.QUEUED else TurnState.INTERRUPTED
        return TurnState.FAILED if result.is_error else TurnState.DONE

    # --- what the CLI tells

    def apply(self, event: wire.Event) -> None:
        """Take in one event; those that are not for the reader change nothing."""
        if isinstance(event, wire.SystemInit):
            self._on_init(event)
        elif isinstance(event, (wire.StreamEvent, wire.AssistantMessage)):
            self._runs()
        elif isinstance(event, wire.ResultEvent):
            self.error, self._halt = turn_error(event, self._halt), ""
        super().apply(event)
        if isinstance(event, wire.ResultEvent) and not self.error:
            self._say_it_all(event)

    def _say_it_all(self, event: wire.ResultEvent) -> None:
        """A turn that ends well has a last word: the answer, the result's own text, or that there is none."""
        if event.result and not self.answer:
            self._settle(self._main, None, "text", event.result)
        elif not event.result and event.structured_output is None and self._is_silent(event):
            self.notice(silence(event))

    def _is_silent(self, event: wire.ResultEvent) -> bool:
        """The model's last word is a call; or nothing came of a command, not even a line of the CLI's."""
        kinds = (TextBlock, ToolBlock) if event.num_turns else (TextBlock, NoticeBlock)
        spoken = (b for b in reversed(self.blocks) if isinstance(b, kinds))
        last = next((b for b in spoken if not isinstance(b, TextBlock) or b.text.strip()), None)
        return last is None or isinstance(last, ToolBlock)

    def _on_init(self, event: wire.SystemInit) -> None:
        self.update(
            model=event.model or None,
            permission_mode=event.permission_mode or None,
            cwd=event.cwd or None,
            session_id=event.session_id or None,
        )
        self._runs()

    def _runs(self) -> None:
        if self._state in {TurnState.QUEUED, TurnState.STARTING}:
            self.set_state(TurnState.RUNNING)

    def _touch(self, block: Block | None = None) -> None:
        super()._touch(block)
        if self._signal is not None:
            self._signal.set()
            self._signal = None

    def _fail(self, error: str) -> None:
        for block in self.blocks[-3:]:
            if isinstance(block, NoticeBlock) and block.text == error:
                block.level = "error"
                self._touch(block)
                return
        self.notice(error, "error")
