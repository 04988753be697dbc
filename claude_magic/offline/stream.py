"""An answer in the public Messages format: as server-sent events, or as one message. Pure.

A pause in the answer is an item of the stream like an event; the server does the waiting.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from claude_magic.offline.parts import Error, Part, Pause, Stop, Text, Tool

__all__ = ["Event", "Reply", "error_body"]

Event = dict[str, object]
_WORDS: Final = re.compile(r"\S*\s+|\S+")
_JSON_PIECE: Final = 24


def error_body(error: Error) -> Event:
    """The body of an error, as a response or as an event."""
    return {"type": "error", "error": {"type": error.type, "message": error.message}}


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the model.

    Args:
        parts: What it says and does.
        model: The model's name, as it was asked for.
        input_tokens: Tokens of the request.
    """

    parts: Sequence[Part]
    model: str
    input_tokens: int

    @property
    def output_tokens(self) -> int:
        """The words of the answer."""
        return sum(len(_content(part).split()) for part in self.parts) or 1

    def message(self) -> Event:
        """The answer in one piece."""
        blocks = [block for part in self.parts if (block := _block(part)) is not None]
        return {
            **self._frame(blocks),
            "stop_reason": self._stop_reason,
            "usage": self._usage(self.output_tokens),
        }

    def events(self) -> Iterator[Event | Pause]:
        """The answer as it streams."""
        start = {**self._frame([]), "stop_reason": None, "usage": self._usage(1)}
        yield {"type": "message_start", "message": start}
        index = -1
        for part in self.parts:
            if isinstance(part, Pause):
                yield part
            elif isinstance(part, Error):
                yield error_body(part)
                return
            elif not isinstance(part, Stop):
                yield from _stop(index)
                index += 1
                yield from _block_events(part, index)
        yield from _stop(index)
        yield {
            "type": "message_delta",
            "delta": {"stop_reason": self._stop_reason, "stop_sequence": None},
            "usage": {"output_tokens": self.output_tokens},
        }
        yield {"type": "message_stop"}

    @property
    def _stop_reason(self) -> str:
        for part in self.parts:
            if isinstance(part, Stop):
                return part.reason
        return "tool_use" if any(isinstance(part, Tool) for part in self.parts) else "end_turn"

    def _frame(self, content: list[Event]) -> Event:
        head = {"id": f"msg_{_token()}", "type": "message", "role": "assistant", "model": self.model}
        return {**head, "content": content, "stop_sequence": None}

    def _usage(self, output_tokens: int) -> Event:
        cache = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
        return {"input_tokens": self.input_tokens, **cache, "output_tokens": output_tokens}


def _block(part: Part) -> Event | None:
    if isinstance(part, Tool):
        return {"type": "tool_use", "id": f"toolu_{_token()}", "name": part.name, "input": part.input}
    if isinstance(part, Text):
        signature = {"signature": "offline"} if part.kind == "thinking" else {}
        return {"type": part.kind, part.kind: part.text, **signature}
    return None


def _stop(index: int) -> Iterator[Event]:
    # As late as can be: silence after a text leaves its block unfinished, as a model that hangs does.
    if index >= 0:
        yield {"type": "content_block_stop", "index": index}


def _block_events(part: Text | Tool, index: int) -> Iterator[Event | Pause]:
    deltas = _tool_deltas(part) if isinstance(part, Tool) else _text_deltas(part)
    yield {"type": "content_block_start", "index": index, "content_block": _empty(part)}
    for delta in deltas:
        yield (
            delta
            if isinstance(delta, Pause)
            else {"type": "content_block_delta", "index": index, "delta": delta}
        )


def _empty(part: Text | Tool) -> Event:
    if isinstance(part, Tool):
        return {"type": "tool_use", "id": f"toolu_{_token()}", "name": part.name, "input": {}}
    return {"type": part.kind, part.kind: "", **({"signature": ""} if part.kind == "thinking" else {})}


def _text_deltas(part: Text) -> Iterator[Event | Pause]:
    for word in _WORDS.findall(part.text):
        yield {"type": f"{part.kind}_delta", part.kind: word}
        if part.rate is not None:
            yield Pause(1 / part.rate)
    if part.kind == "thinking":
        yield {"type": "signature_delta", "signature": "offline"}


def _tool_deltas(part: Tool) -> Iterator[Event]:
    text = json.dumps(part.input)
    for start in range(0, len(text), _JSON_PIECE):
        yield {"type": "input_json_delta", "partial_json": text[start : start + _JSON_PIECE]}


def _content(part: Part) -> str:
    if isinstance(part, Text):
        return part.text
    return json.dumps(part.input) if isinstance(part, Tool) else ""


def _token() -> str:
    return uuid4().hex[:24]
