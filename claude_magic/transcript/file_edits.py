"""What Claude's file tools have changed in a turn, by the accounts that the CLI gives of their calls. Pure.

A subagent's results do not have the file's text before (measured: 2.1.191, 2.1.332); a hook's account has it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping

from msgspec import Struct

from claude_magic.result import FileChange
from claude_magic.tools import ToolKind, file_of, tool_called

__all__ = ["FileEdits"]

_BEFORE = ("originalFile", "original_file")  # the second is NotebookEdit's


class _Edited(Struct):
    """One file: its text before the first edit, and what was seen of it last; None stands for no file."""

    before: str | None
    after: str | None = None
    digest: bytes | None = None


class FileEdits:
    """The files that were changed, in the order in which they first were."""

    def __init__(self) -> None:
        self.undone = False  # the person has taken them back
        self._files: dict[str, _Edited] = {}
        self._empty: set[str] = set()

    @property
    def paths(self) -> list[str]:
        """Where they are, absolute."""
        return list(self._files)

    @property
    def files(self) -> tuple[FileChange, ...]:
        """The changes from before the first edit to what was seen last; what came to nothing is left out."""
        return tuple(
            FileChange(path=path, before=each.before, after=each.after)
            for path, each in self._files.items()
            if each.before != each.after
        )

    def to_change(self, account: Mapping[str, object]) -> str | None:
        """The file that a call is about to change, by what a hook is told before it; None for none."""
        path = _edited(account, "PreToolUse")
        return None if path in self._files else path

    def is_empty(self, path: str) -> None:
        """Takes in that a file is there and empty; after the call it is told as one that was not."""
        self._empty.add(path)

    def take(self, account: Mapping[str, object]) -> bool:
        """Takes in what a hook is told after a call; False if that has changed no file."""
        response, path = account.get("tool_response"), _edited(account, "PostToolUse")
        if path is None:
            return False
        facts = response if isinstance(response, Mapping) else {}
        before = next((facts[key] for key in _BEFORE if facts.get(key) is not None), None)
        nothing = "" if path in self._empty else None
        self._files.setdefault(path, _Edited(_plain(before) if isinstance(before, str) else nothing))
        return True

    def see(self, path: str, content: bytes | None) -> None:
        """Takes in what a file holds now; None if it is not there."""
        edited = self._files[path]
        edited.digest = digest(content)
        edited.after = None if content is None else text_of(content)

    def is_as_seen(self, path: str, content: bytes | None) -> bool:
        """Whether a file still holds what was seen last."""
        return self._files[path].digest == digest(content)


def _edited(account: Mapping[str, object], event: str) -> str | None:
    """The file that a call of the file tools is about, if a hook is told of it at this point."""
    is_edit = tool_called(str(account.get("tool_name"))).kind is ToolKind.EDIT
    path = file_of(account) if is_edit and account.get("hook_event_name") == event else None
    return None if path is None else os.path.normpath(path)


def text_of(content: bytes) -> str:
    """A file's text without its byte order mark, and with the line ends that the CLI gives it."""
    return _plain(content.decode("utf-8", "replace"))


def _plain(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n")  # an account may have the mark (2.1.332)


def digest(content: bytes | None) -> bytes | None:
    """What tells one content from another; None for no file."""
    return None if content is None else hashlib.sha256(content).digest()
