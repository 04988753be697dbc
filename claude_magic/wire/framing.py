"""Bytes to lines, and messages to lines. Pure: no I/O; reading costs one split and one join of every byte.

What makes a line is its terminator alone (LF, or CRLF). Nothing else is stripped, so white space at the seam
of two chunks stays, and a character cut in two is whole again before anybody decodes it.
"""

from __future__ import annotations

import json

import msgspec

from claude_magic.errors import LineTooLongError

__all__ = ["LineFramer", "encode"]


def encode(message: dict[str, object]) -> bytes:
    """A message as one line. Lone surrogates, which no UTF-8 can hold, become U+FFFD."""
    try:
        return msgspec.json.encode(message) + b"\n"
    except UnicodeEncodeError:
        text = json.dumps(message, ensure_ascii=False).encode("utf-16", "surrogatepass")
        return text.decode("utf-16", "replace").encode() + b"\n"


class LineFramer:
    """Collects chunks and gives whole lines.

    Args:
        limit: Longest line accepted, in bytes without the LF (a CR before it counts).
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []  # of the unfinished line; joined once, so that long lines stay linear
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take in the next bytes.

        Args:
            chunk: What was read, cut anywhere.

        Returns:
            The lines that are complete now, without terminator; blank ones are left out.

        Raises:
            LineTooLongError: A line passed the limit. What was collected of it is dropped.
        """
        *ends, rest = chunk.split(b"\n")
        lines = []
        for end in ends:
            self._hold(end)
            lines.append(self._take())
        self._hold(rest)
        return [line for line in lines if _has_content(line)]

    def flush(self) -> bytes | None:
        """The last line, which the stream's end left without a terminator; None if there is none."""
        line = self._take()
        return line if _has_content(line) else None

    def _hold(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            self._take()
            raise LineTooLongError(self._limit)
        if piece:
            self._pieces.append(piece)

    def _take(self) -> bytes:
        line = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        return line.removesuffix(b"\r")


def _has_content(line: bytes) -> bool:
    return bool(line) and not line.isspace()
