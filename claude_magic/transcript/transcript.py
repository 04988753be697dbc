"""A turn as a person reads it: its blocks, the facts above them and what it came to. Pure and bounded."""

from __future__ import annotations

import time
import uuid
from enum import Enum
from typing import TYPE_CHECKING

from claude_magic.result import Result, ToolCall
from claude_magic.tools import CELL_TOOLS
from claude_magic.transcript.blocks import (
    Block,
    Footer,
    Level,
    NoticeBlock,
    PermissionBlock,
    ToolBlock,
    ToolState,
)
from claude_magic.transcript.builder import Builder
from claude_magic.transcript.file_edits import FileEdits
from claude_magic.transcript.folds import Fold, folded_turn
from claude_magic.transcript.reducer import Listener, Reducer
from claude_magic.transcript.requests import Requests

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from claude_magic.permissions import Decision, PermissionRequest
    from claude_magic.prompt import Attachment
    from claude_magic.tool_server import Preview
    from claude_magic.wire.events import Event

__all__ = ["Transcript", "TurnState"]

_TEXT_LIMIT = 2_000_000
_LETTERS = str.maketrans("0123456789", "ghijklmnop")  # the name of a class has nothing else


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


class Transcript:
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
        self.id = uuid.uuid4().hex.translate(_LETTERS)  # by which a page knows it
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
        self.footer: Footer | None = None
        self.message_id = ""  # its prompt's
        self.edits = FileEdits()
        self.urgent: list[Callable[[], object]] = []  # called at once, for the loop may stand still
        self._state = TurnState.QUEUED
        self._clock = clock
        self._builder = Builder(clock, text_limit)
        self._reducer = Reducer(self._builder)
        self._requests = Requests(self._builder)

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
    def blocks(self) -> Sequence[Block]:
        """Its blocks, a subagent's below the call that started it."""
        return self._builder.blocks

    @property
    def folded(self) -> Sequence[Block | Fold]:
        """The same, as they are to be shown: some of them under one line."""
        return folded_turn(self.blocks, is_done=self._state is TurnState.DONE)

    def walk(self) -> Iterator[Block]:
        """Every block, a subagent's after the call that started it."""
        stack = list(reversed(self.blocks))
        while stack:
            block = stack.pop()
            yield block
            if isinstance(block, ToolBlock):
                stack.extend(reversed(block.children))

    @property
    def answer(self) -> str:
        """The main agent's text, its blocks joined by blank lines."""
        return self._builder.answer

    @property
    def error(self) -> str:
        """What went wrong, by the CLI's last word; "" if nothing did."""
        return self._reducer.error

    @property
    def unknown(self) -> Counter[str]:
        """What the CLI said that is not known here: how often, by kind."""
        return self._reducer.unknown

    @property
    def revision(self) -> int:
        """Rises with every change."""
        return self._builder.revision

    @property
    def length(self) -> int:
        """Visible characters."""
        return self._builder.length

    @property
    def steps(self) -> int:
        """Rises whenever a tool call begins, waits or ends."""
        return self._builder.steps

    @property
    def hidden(self) -> int:
        """Characters left out because the transcript is full."""
        return self._builder.budget.hidden

    @property
    def hidden_blocks(self) -> int:
        """Blocks left out because the transcript is full."""
        return self._builder.hidden_blocks

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """All tool calls, a subagent's included, in the order in which they began."""
        failed = {ToolState.FAILED, ToolState.DENIED, ToolState.INTERRUPTED}
        return tuple(
            ToolCall(tool.id, tool.name, tool.input, tool.result, tool.state in failed)
            for tool in self._builder.tools.values()
        )

    @property
    def can_be_undone(self) -> bool:
        """It has changed files, or cells, and nobody has taken that back."""
        in_cells = any(call.name in CELL_TOOLS and not call.is_error for call in self.tool_calls)
        return bool(self.edits.files or in_cells) and not self.edits.undone

    @property
    def doing(self) -> str:
        """The item of the to-do list that is worked on; "" if there is none."""
        return self._reducer.doing

    @property
    def call_count(self) -> int:
        """How many tool calls there are, a subagent's included."""
        return len(self._builder.tools)

    @property
    def pending(self) -> tuple[PermissionBlock, ...]:
        """What a person is being asked just now."""
        return self._requests.pending

    @property
    def asked(self) -> Sequence[PermissionBlock]:
        """What a person has been asked, and the answers."""
        return self._requests.all

    async def changed(self, since: int) -> int:
        """Waits until something has changed after revision `since`.

        Returns:
            The revision now; one wait may cover any number of changes.
        """
        return await self._builder.changed(since)

    def listen(self, listener: Listener) -> None:
        """Has `listener` called with the main agent's text, piece by piece, and with its calls."""
        self._reducer.listeners.append(listener)

    # --- what a session tells

    def set_state(self, state: TurnState) -> None:
        """Says where the turn stands; the clock runs from the first state after `QUEUED`."""
        if state is self._state:
            return
        self._state = state
        if state is not TurnState.QUEUED and self.started is None:
            self.started = self._clock()
        if state.is_over:
            self.ended = self._clock()
        self._builder.touch()

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
        options: Mapping[str, str] | None = None,
    ) -> None:
        """Sets facts of the header; None leaves a fact as it is."""
        self.model = self.model if model is None else model
        self.permission_mode = self.permission_mode if permission_mode is None else permission_mode
        self.cwd = self.cwd if cwd is None else cwd
        self.session_id = self.session_id if session_id is None else session_id
        self.resumed_turns = self.resumed_turns if resumed_turns is None else resumed_turns
        self.label = self.label if label is None else label
        self.ahead = self.ahead if ahead is None else ahead
        self.options = self.options if options is None else dict(options)
        self._builder.touch()

    def ask(self, request: PermissionRequest) -> PermissionBlock:
        """Shows that a person is asked; the turn waits until every request has an answer."""
        block = self._requests.show(request)
        self.set_state(TurnState.WAITING)
        return block

    def decide(self, block: PermissionBlock, decision: Decision) -> None:
        """Shows the answer to a request; the turn goes on when none is open. One withdrawn stays so."""
        if block.withdrawn:
            return
        self._requests.decide(block, decision)
        if self._state is TurnState.WAITING and not self.pending:
            self.set_state(TurnState.RUNNING)

    def output(self, call_id: str, text: str) -> None:
        """Shows what a tool of ours gives while it runs; its result takes the place of it.

        A thread may call it while the loop stands still.
        """
        tool = self._builder.tools.get(call_id)
        if tool is not None and not tool.state.is_over:
            self._builder.show_output(tool, text)
            for listener in self.urgent:
                listener()

    def note(self, call_id: str, line: str) -> None:
        """Puts a line of ours on a call's card, in the place of the one before."""
        tool = self._builder.tools.get(call_id)
        if tool is not None:
            tool.note = line
            self._builder.touch(tool)

    def preview(self, call_id: str, preview: Preview) -> None:
        """Shows what a tool of ours has changed."""
        tool = self._builder.tools.get(call_id)
        if tool is not None:
            tool.preview = preview
            self._builder.touch(tool)

    def unreachable(self, why: str) -> None:
        """Says why the API cannot be reached, with the attempts and at the end."""
        self._reducer.unreachable(why)

    def notice(self, text: str, level: Level = "info") -> None:
        """Adds a line of ours; the same line twice in a row is one."""
        self._builder.notice(text, level)

    def break_off(self) -> None:
        """Closes what is open: the process has ended, or the turn has. What had come is kept."""
        self._reducer.break_off()
        self._requests.withdraw()

    def finish(self, result: Result, context_left: float | None = None) -> None:
        """Ends the turn with what it came to.

        Args:
            result: The turn's value; `error` is shown unless the transcript ends with it already.
            context_left: Share of the context window still free, 0 to 1.
        """
        ended = self._ending(result)
        self._reducer.break_off(failed=ended is TurnState.FAILED)
        self._requests.withdraw()
        if ended is TurnState.CANCELLED:
            self.notice(result.error or "Dropped before its turn.")
        elif ended is TurnState.INTERRUPTED and result.error:  # a person's own wish the state says
            self.notice(result.error, "warning")
        elif ended is TurnState.FAILED:
            self._fail(result.error or "The turn failed.")
        self.footer = Footer(
            requests=result.num_turns,
            seconds=result.duration,
            tokens=result.usage.total,
            cached=result.usage.cache_read_input_tokens,
            cost_usd=result.cost_usd,
            context_left=context_left,
        )
        self.set_state(ended)
        self._builder.touch()

    def _ending(self, result: Result) -> TurnState:
        if result.interrupted:
            return TurnState.CANCELLED if self._state is TurnState.QUEUED else TurnState.INTERRUPTED
        return TurnState.FAILED if result.is_error else TurnState.DONE

    # --- what the CLI tells

    def apply(self, event: Event) -> None:
        """Takes in one event; those that are not for the reader change nothing."""
        facts = self._reducer.apply(event)
        if facts is None:
            return
        if any(facts):
            self.update(**{fact: value for fact, value in facts._asdict().items() if value})
        if self._state in {TurnState.QUEUED, TurnState.STARTING}:
            self.set_state(TurnState.RUNNING)

    def _fail(self, error: str) -> None:
        for block in self.blocks[-3:]:
            if isinstance(block, NoticeBlock) and block.text == error:
                block.level = "error"
                self._builder.touch(block)
                return
        self.notice(error, "error")
