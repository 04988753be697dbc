"""The parts an answer is made of, and how a scenario's table becomes one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Literal

from claude_magic.errors import UsageError

__all__ = ["Error", "Part", "Pause", "Stop", "Text", "Tool", "code", "part_from", "prose"]


@dataclass(frozen=True, slots=True)
class Text:
    """A block of text or thinking.

    Args:
        text: What it says.
        kind: The block's type.
        rate: Words a second; as fast as the client reads if None.
    """

    text: str
    kind: Literal["text", "thinking"] = "text"
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool call.

    Args:
        name: The tool.
        input: What it is given.
        json: The same as JSON, for what a prompt says.
    """

    name: str
    input: Mapping[str, object] = field(default_factory=dict)
    json: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence.

    Args:
        seconds: How long; until the client hangs up if None.
        until: A file; the silence ends when it is there.
    """

    seconds: float | None = None
    until: str = ""


@dataclass(frozen=True, slots=True)
class Error:
    """An error: the response's status if it comes first in a step, an event in the stream if later.

    Args:
        status: The HTTP status.
        type: The API's name for it.
        message: What the client is told.
        times: Requests in a row that get it before the step goes on; every one if 0.
    """

    status: int
    type: str
    message: str
    times: int = 0


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the answer ends, if not because the model is through: `max_tokens`, `refusal` and the like."""

    reason: str


Part = Text | Tool | Pause | Error | Stop

_NUMBER = (int, float)
# For each kind of part, named by its first key: its keys and their types.
_KEYS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "text": {"text": str, "rate": _NUMBER},
    "thinking": {"thinking": str, "rate": _NUMBER},
    "words": {"words": int, "rate": _NUMBER},
    "lines": {"lines": int, "rate": _NUMBER},
    "tool": {"tool": str, "input": dict, "json": str},
    "pause": {"pause": _NUMBER},
    "stall": {"stall": bool},
    "until": {"until": str},
    "error": {"error": int, "type": str, "message": str, "times": int},
    "stop": {"stop": str},
}
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}
_VOCABULARY = ("the", "loop", "waits", "for", "an", "event", "and", "hands", "it", "to", "whoever", "asked")


def part_from(table: object, where: str) -> Part:
    """The part that a scenario's table describes.

    Args:
        table: The table as TOML gives it.
        where: What the message of an error begins with.

    Raises:
        UsageError: The table is no part; the message says why.
    """
    kinds = [key for key in table if key in _KEYS] if isinstance(table, dict) else []
    if not isinstance(table, dict) or len(kinds) != 1:
        raise UsageError(f"{where}: a part is a table with one of {', '.join(_KEYS)}; this is {table!r:.80}.")
    _check(table, kinds[0], where)
    return _MAKERS[kinds[0]](table)


def prose(words: int) -> str:
    """A text of so many words; the same each time, each of its words told from its neighbours by a number."""
    return " ".join(
        f"{word}-{number}" for number, word in enumerate(islice(cycle(_VOCABULARY), words), start=1)
    )


def code(lines: int) -> str:
    """A block of Python of so many lines; the same each time."""
    body = "\n".join(f'value_{number} = compute({number}, "line {number}")' for number in range(1, lines + 1))
    return f"```python\n{body}\n```"


def _check(table: Mapping[str, object], kind: str, where: str) -> None:
    keys = _KEYS[kind]
    for key, value in table.items():
        if key not in keys:
            raise UsageError(f"{where}: {key!r} does not belong to {kind}; known are {', '.join(keys)}.")
        if not isinstance(value, keys[key]) or (isinstance(value, bool) and keys[key] is not bool):
            raise UsageError(f"{where}: {key} is {value!r}; {_advice(keys[key])}.")
        if isinstance(value, (int, float)) and not value > 0:
            raise UsageError(f"{where}: {key} is {value!r}; {_advice(type(value))}.")
        if key == "error" and value not in range(400, 600):
            raise UsageError(f"{where}: error is {value!r}; give an HTTP status from 400 to 599.")


def _advice(kind: type | tuple[type, ...]) -> str:
    words = {str: "give a text", int: "give a whole number above 0", bool: "write true", dict: "give a table"}
    return words.get(kind, "give a number above 0") if isinstance(kind, type) else "give a number above 0"


def _text(table: Mapping[str, object], text: str, kind: Literal["text", "thinking"] = "text") -> Text:
    return Text(text, kind, _number(table.get("rate")))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _tool(table: Mapping[str, object]) -> Tool:
    value = table.get("input")
    return Tool(str(table["tool"]), value if isinstance(value, dict) else {}, str(table.get("json", "")))


def _error(table: Mapping[str, object]) -> Error:
    status = _whole(table["error"])
    kind = str(table.get("type", _ERROR_TYPES.get(status, "api_error")))
    return Error(status, kind, str(table.get("message", "Scripted error.")), _whole(table.get("times")))


_MAKERS: dict[str, Callable[[Mapping[str, object]], Part]] = {
    "text": lambda table: _text(table, str(table["text"])),
    "thinking": lambda table: _text(table, str(table["thinking"]), "thinking"),
    "words": lambda table: _text(table, prose(_whole(table["words"]))),
    "lines": lambda table: _text(table, code(_whole(table["lines"]))),
    "tool": _tool,
    "pause": lambda table: Pause(_number(table["pause"])),
    "stall": lambda _: Pause(),
    "until": lambda table: Pause(until=str(table["until"])),
    "error": _error,
    "stop": lambda table: Stop(str(table["stop"])),
}
