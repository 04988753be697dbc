"""Control characters and other invisible things, made harmless. Pure; nothing of the package is imported."""

from __future__ import annotations

import re

__all__ = ["one_line", "printed", "shortened", "show_invisibles", "strip_controls"]

_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b\x9c\r\n]{0,8192}(?:\x07|\x1b\\|\x9c)"  # OSC, DCS: titles, links, clipboard
    r"|\x1b[ -/]*[0-Z\\^-~]"  # two-character sequences
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_MOVE = re.compile(r"(\r|\x08+|\x1b\[[0-2]?K)")
# The flags of England, Scotland and Wales: a black flag, and letters that nobody sees.
_FLAGS = tuple(
    "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in name) + "\U000e007f"
    for name in ("gbeng", "gbsct", "gbwls")
)
_UNSEEN = re.compile(
    rf"{'|'.join(_FLAGS)}|" r"[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)


def strip_controls(text: str) -> str:
    """`text` without control sequences and control characters; carriage returns become line ends.

    What a terminal would hide, overwrite or send elsewhere is so either gone or in plain sight. No sequence
    is longer than its line, so that lines once cleaned stay as they are while text is added.
    """
    if "\x1b" in text:
        text = _SEQUENCE.sub("", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))


def show_invisibles(text: str) -> str:
    """Like `strip_controls`, for commands, paths and names: what reorders or hides others is named."""
    return _UNSEEN.sub(_named, strip_controls(text))


def _named(match: re.Match[str]) -> str:
    return match[0] if match[0] in _FLAGS else f"⟦U+{ord(match[0]):04X}⟧"


def printed(text: str) -> str:
    """Like `strip_controls`, for a program's output: a line that rewrites itself is in its last state."""
    lines = re.sub(r"\r+\n", "\n", text).split("\n")
    return strip_controls("\n".join(_rewritten(line) if _MOVE.search(line) else line for line in lines))


def _rewritten(line: str) -> str:
    """One line as a terminal shows it in the end; in linear time."""
    cells: list[str] = []
    at = 0
    for part in _MOVE.split(line):
        if part == "\r":
            at = 0
        elif part.startswith("\x08"):
            at = max(0, at - len(part))
        elif part == "\x1b[2K":
            cells, at = [], 0
        elif part in {"\x1b[K", "\x1b[0K"}:
            del cells[at:]
        else:
            seen = _SEQUENCE.sub("", part)
            cells[at : at + len(seen)] = seen
            at += len(seen)
    return "".join(cells)


def one_line(text: str, limit: int | None = None) -> str:
    """Like `show_invisibles`, in one line of at most `limit` characters."""
    line = " ".join(show_invisibles(text).split())
    return line if limit is None or len(line) <= limit else f"{line[: limit - 1]}…"


def shortened(text: str, limit: int) -> str:
    """Head and tail of a text of more than `limit` characters, saying how much is left out."""
    if len(text) <= limit:
        return text
    head = limit * 2 // 3
    tail = limit - head
    return f"{text[:head]}\n… {len(text) - limit:,} characters hidden …\n{text[-tail:]}"
