"""The CLI's events, reduced to the blocks that a person sees: the one place that tells them apart for that.

The promise: `apply` takes any sequence of events without raising, at a cost linear in their size. Pure.

Partial answers (`stream_event`) build a block; the `assistant` event that follows settles it, or adds it
where there were no partials. In both generations of the CLI it comes before the block's own stop event.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from claude_magic.transcript.blocks import (
    Block,
    GrowingBlock,
    NoticeBlock,
    Picture,
    RetryBlock,
    TextBlock,
    ThinkingBlock,
    ToolBlock,
    ToolState,
)
from claude_magic.transcript.builder import Builder, Scope
from claude_magic.transcript.explain import explained, silence, turn_error
from claude_magic.transcript.notices import cut_line, lines_of
from claude_magic.transcript.todos import TodoList
from claude_magic.transcript.tool_results import result_text, state_after, worth_keeping
from claude_magic.wire import events as wire

__all__ = ["Listener", "Reducer", "Told"]

_NO_CONTENT = "(no content)"
_SILENT_DELTAS = {"signature_delta", "citations_delta"}
_SILENT_BLOCKS = {"redacted_thinking"}
_REMEMBERED = 50  # lines that would be said twice
_UNKNOWN_LIMIT = 100
_NAME_LIMIT = 200

Listener = Callable[[Block, str], object]
"""Takes what comes of the main agent: a piece of text; the end of a text ("") or a call, with its block."""


class Told(NamedTuple):
    """What an event that shows the turn at work says of it; "" for what it does not say."""

    model: str = ""
    permission_mode: str = ""
    cwd: str = ""
    session_id: str = ""


_AT_WORK = Told()


class Reducer:
    """Reduces a turn's events to its blocks.

    Args:
        builder: Makes and changes the blocks.
    """

    def __init__(self, builder: Builder) -> None:
        self.unknown: Counter[str] = Counter()  # what is not known here, by kind
        self.error = ""  # what went wrong in the turn
        self.listeners: list[Listener] = []
        self._builder = builder
        self._retry: RetryBlock | None = None
        self._todos = TodoList()
        self._list: ToolBlock | None = None  # where it is shown
        self._has_result = False
        self._halt = ""  # why the CLI goes no further, if it said so
        self._unreachable = ""  # why the API cannot be reached, if that is known
        self._matters: deque[str] = deque(maxlen=_REMEMBERED)
        self._hooks_said: deque[str] = deque(maxlen=_REMEMBERED)

    def apply(self, event: wire.Event) -> Told | None:  # noqa: C901  # the one place that tells them apart
        """Takes in one event; those that are not for the reader change nothing.

        Returns:
            None if it does not show that the turn is at work.
        """
        match event:
            case wire.StreamEvent():
                self._on_stream(event)
                return _AT_WORK
            case wire.AssistantMessage():
                self._on_assistant(event)
                return _AT_WORK
            case wire.SystemInit():
                return Told(event.model, event.permission_mode, event.cwd, event.session_id)
            case wire.UserMessage():
                self._on_user(event)
            case wire.ApiRetry():
                self._on_retry(event)
            case wire.SystemEvent():
                self._on_system(event)
            case wire.ResultEvent():
                self._on_result(event)
            case wire.ConversationReset():
                self._builder.notice("The conversation begins anew.")
            case wire.LocalCommandOutput():
                self._settle(self._builder.main, None, "text", event.content)
            case wire.Unknown():
                self._count(f"{event.type}/{event.subtype}" if event.subtype else event.type)
            case wire.HookResponse():
                self._on_notice(event, by_hook=True)
            case _ if isinstance(event, wire.Notice):
                self._on_notice(event)
                return self._mode_told(event)
        return None

    @property
    def doing(self) -> str:
        """What is worked on, by the to-do list; "" if there is none."""
        return self._todos.doing

    def unreachable(self, why: str) -> None:
        """Says with the attempts from now on, and at the end, why the API cannot be reached."""
        self._unreachable = why
        if self._retry is not None and self._retry.status is None:
            self._retry.cause = why
            self._builder.touch(self._retry)

    def break_off(self, *, failed: bool = False) -> None:
        """Closes what is open: the process has ended, or the turn has. What had come is kept."""
        self._builder.break_off()
        self._end_retry(failed=failed)

    def _tell(self, scope: Scope, block: Block, piece: str = "") -> None:
        if scope is self._builder.main:
            for listener in self.listeners:
                listener(block, piece)

    def _count(self, kind: str) -> None:
        kind = kind[:_NAME_LIMIT]
        has_room = kind in self.unknown or len(self.unknown) < _UNKNOWN_LIMIT
        self.unknown[kind if has_room else "other"] += 1

    def _on_stream(self, event: wire.StreamEvent) -> None:
        self._end_retry()
        scope, raw = self._builder.scope(event.parent_tool_use_id), event.event
        if raw.type == "message_start":
            self._builder.begin(scope, raw.message.id if raw.message else None)
        elif raw.type == "content_block_start" and raw.content_block is not None:
            self._open(scope, raw.index, raw.content_block)
        elif raw.type == "content_block_delta" and raw.delta is not None:
            self._grow(scope, raw.index, raw.delta)
        elif raw.type == "content_block_stop":
            self._builder.finish(scope.open.pop(raw.index, None))
        elif raw.type == "message_delta" and raw.delta is not None and scope is self._builder.main:
            self._on_cut(raw.delta.stop_reason)

    def _open(self, scope: Scope, index: int, content: wire.Block) -> None:
        if content.type == "tool_use":
            self._builder.write(scope, index, self._builder.tool(scope, content.id or "", content.name or ""))
        elif content.type in {"text", "thinking"}:
            block = self._builder.growing(scope, content.type)
            self._builder.write(scope, index, block)
            self._append(scope, block, content.text or content.thinking or "")
        elif content.type not in _SILENT_BLOCKS:
            self._count(f"block {content.type}")

    def _grow(self, scope: Scope, index: int, delta: wire.Delta) -> None:
        block = scope.open.get(index)
        if delta.type == "input_json_delta":
            if isinstance(block, ToolBlock):
                block.partial.append(self._builder.budget.text(delta.partial_json or ""))
                self._builder.touch(block)
        elif delta.type in {"text_delta", "thinking_delta"}:
            if not isinstance(block, GrowingBlock):
                block = self._builder.growing(scope, delta.type.removesuffix("_delta"))
                self._builder.write(scope, index, block)
            self._append(scope, block, delta.text or delta.thinking or "")
        elif delta.type not in _SILENT_DELTAS:
            self._count(f"delta {delta.type}")

    def _append(self, scope: Scope, block: GrowingBlock, piece: str) -> None:
        self._builder.append(block, piece)
        if self.listeners:
            self._tell(scope, block, piece)

    def _on_assistant(self, event: wire.AssistantMessage) -> None:
        self._end_retry(failed=bool(event.error))
        if event.error:
            text = "\n".join(block.text for block in event.message.blocks if block.text)
            self._tell(
                self._builder.main, self._builder.notice(explained(text, None, self._unreachable), "error")
            )
            return
        scope = self._builder.scope(event.parent_tool_use_id)
        for content in event.message.blocks:
            if content.type == "tool_use":
                call = self._builder.tool(scope, content.id or "", content.name or "")
                self._builder.run(call, content.input or {})
                self._tell(scope, call)
            elif content.type in {"text", "thinking"}:
                self._settle(scope, event.message.id, content.type, content.text or content.thinking or "")
            elif content.type not in _SILENT_BLOCKS:
                self._count(f"block {content.type}")

    def _settle(self, scope: Scope, message_id: str | None, kind: str, text: str) -> None:
        block = scope.confirmed(message_id, TextBlock if kind == "text" else ThinkingBlock)
        if block is None:
            if not text or text == _NO_CONTENT:
                return
            block = self._builder.growing(scope, kind)
            self._append(scope, block, text)
        elif block.text != text:
            self._builder.replace(block, text)
        self._builder.finish(block)
        self._tell(scope, block)

    def _on_user(self, event: wire.UserMessage) -> None:
        if event.is_replay:
            return
        self._end_retry()
        for content in event.message.blocks:
            if content.type == "tool_result":
                self._on_tool_result(content, event.tool_use_result)
                if event.parent_tool_use_id is None:
                    self._on_list(self._builder.tools.get(content.tool_use_id or ""))

    def _on_list(self, call: ToolBlock | None) -> None:
        """Shows the to-do list with the first call that was about it, and there only."""
        if call is None or call.state is not ToolState.OK:
            return
        todos = self._todos.handle(call.name, call.input, call.details)
        if todos is None:
            return
        call.superseded = True
        if self._list is None and todos:
            self._list = call
        if self._list is not None:
            self._list.todos, self._list.superseded = todos, not todos
            self._builder.touch(self._list)
        self._builder.touch(call)

    def _on_tool_result(self, content: wire.Block, details: object) -> None:
        tool = self._builder.tools.get(content.tool_use_id or "")
        if tool is None:
            self._count("result of an unknown tool call")
            return
        text = result_text(content.content, details)
        state = state_after(text, failed=content.is_error is True)
        tool.pictures = tuple(self._pictures(content.content))
        tool.details = self._builder.budget.json(worth_keeping(details))
        if state is not ToolState.INTERRUPTED:  # of which the text says nothing; what had come is kept
            tool.result = self._builder.budget.ends(text)
        self._builder.length += len(tool.result)
        self._builder.end_tool(tool, state)
        self._builder.touch(tool)

    def _on_retry(self, event: wire.ApiRetry) -> None:
        if self._retry is None:
            self._retry = self._builder.add(self._builder.main, RetryBlock())
        retry = self._retry
        retry.attempt, retry.max_retries = event.attempt, event.max_retries
        retry.delay_s = event.retry_delay_ms / 1000
        retry.status = event.error_status
        retry.reason = event.error[:200] if isinstance(event.error, str) else ""
        retry.cause = self._unreachable if event.error_status is None else ""
        self._builder.touch(retry)

    def _on_system(self, event: wire.SystemEvent) -> None:
        """A subagent that worked in the background reports: its words replace the launch message."""
        tool = self._builder.tools.get(event.tool_use_id or "")
        if tool is None or event.subtype != "task_notification":
            return
        if isinstance(tool.details, Mapping) and tool.details.get("isAsync"):
            tool.result = self._builder.budget.ends(event.summary or "")
            tool.details = {"status": event.status or ""}
            self._builder.touch(tool)

    def _on_cut(self, stop_reason: str | None) -> None:
        if line := cut_line(stop_reason):
            self._builder.notice(line.text, line.level)

    def _on_notice(self, event: wire.Notice, *, by_hook: bool = False) -> None:
        """Shows what is new in it; 2.1.332 says a hook's word twice, 2.1.191 only with its response."""
        for line in lines_of(event):
            if by_hook:
                self._hooks_said.append(line.text)
            elif line.text in self._hooks_said:
                self._hooks_said.remove(line.text)
                continue
            if line.about in self._matters:
                continue
            if line.about:
                self._matters.append(line.about)
            self._halt = line.text if line.halts else self._halt
            self._builder.notice(line.text, line.level)

    def _mode_told(self, event: wire.Notice) -> Told | None:
        """The mode that the turn goes on in; what is put back after it is not the turn's."""
        if isinstance(event, wire.StatusEvent) and event.permission_mode and not self._has_result:
            return Told(permission_mode=event.permission_mode)
        return None

    def _on_result(self, event: wire.ResultEvent) -> None:
        self._has_result = True
        self._end_retry(failed=event.is_error)
        for denial in event.permission_denials:
            tool = self._builder.tools.get(str(denial.get("tool_use_id")))
            if tool is not None and tool.state is ToolState.FAILED:
                tool.state = ToolState.DENIED
                self._builder.touch(tool)
        self.error, self._halt = turn_error(event, self._halt, self._unreachable), ""
        if not self.error:
            self._say_it_all(event)

    def _say_it_all(self, event: wire.ResultEvent) -> None:
        """A turn that ends well has a last word: the answer, the result's own text, or that there is none."""
        if event.structured_output is not None:  # which its call shows
            return
        if event.result and not self._builder.answer:
            self._settle(self._builder.main, None, "text", event.result)
        elif not event.result and self._is_silent(event):
            self._builder.notice(silence(event))

    def _is_silent(self, event: wire.ResultEvent) -> bool:
        """The model's last word is a call; or nothing came of a command, not even a line of the CLI's."""
        kinds = (TextBlock, ToolBlock) if event.num_turns else (TextBlock, NoticeBlock)
        spoken = (b for b in reversed(self._builder.blocks) if isinstance(b, kinds))
        last = next((b for b in spoken if not isinstance(b, TextBlock) or b.text.strip()), None)
        return last is None or isinstance(last, ToolBlock)

    def _end_retry(self, *, failed: bool = False) -> None:
        if self._retry is not None:
            self._retry.over, self._retry.given_up = True, failed
            self._builder.touch(self._retry)
            self._retry = None

    def _pictures(self, content: str | list[wire.Block] | None) -> Iterator[Picture]:
        for block in content if isinstance(content, list) else ():
            source = block.source or {}
            data, kind = source.get("data"), source.get("media_type")
            if block.type == "image" and isinstance(data, str) and isinstance(kind, str):
                picture = self._builder.picture(kind, data)
                if picture is not None:
                    yield picture
