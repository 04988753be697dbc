"""What a tool's result says: its text, how the call ended, what of the details is kept. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from claude_magic.transcript.blocks import ToolState

if TYPE_CHECKING:
    from claude_magic.wire import events as wire

__all__ = ["result_text", "state_after", "worth_keeping"]

_STOPPED_TOOL = "The user doesn't want to proceed with this tool use"
# What 2.1.330 puts before a subagent's report, for the model: a line in a tag of its own.
_ASIDE = re.compile(r"\A(?:\s*<([\w-]{1,40})>[^\n]{0,2000}</\1>[ \t]*(?:\n|\Z))+\s*")
# What 2.1.332 says after a picture that a tool of ours has given, for the model.
_PICTURE_FILE = re.compile(r"\[Image: source: [^\n]*\]")
_NEVER_SHOWN = {"originalFile", "file", "content", "stdout"}


def result_text(content: str | list[wire.Block] | None, details: object) -> str:
    """The text to show.

    Args:
        content: The result as the model gets it.
        details: The CLI's structured result; a subagent's last words are only there as they were said.
    """
    return _reported(details) or _text_of(content)


def _text_of(content: str | list[wire.Block] | None) -> str:
    if isinstance(content, list):
        texts = (block.text for block in content if block.text)
        content = "\n".join(text for text in texts if not _PICTURE_FILE.fullmatch(text))
    text = content or ""
    return text.removeprefix("<tool_use_error>").removesuffix("</tool_use_error>")


def _reported(details: object) -> str:
    """A subagent's last words; the result has words of the CLI around them, which are for the model."""
    content = details.get("content") if isinstance(details, Mapping) and "agentId" in details else None
    texts = (
        block.get("text")
        for block in (content if isinstance(content, list) else ())
        if isinstance(block, Mapping)
    )
    return _ASIDE.sub("", "\n\n".join(text for text in texts if isinstance(text, str)))


def state_after(text: str, *, failed: bool) -> ToolState:
    """How a call ended whose result has this text."""
    if not failed:
        return ToolState.OK
    if text.startswith(_STOPPED_TOOL):
        return ToolState.INTERRUPTED
    if text.startswith("Permission to use ") and "denied" in text[:400]:
        return ToolState.DENIED
    return ToolState.FAILED


def worth_keeping(details: object) -> object:
    """The structured result without what is never shown: whole files, pictures, what the result says too."""
    if not isinstance(details, Mapping):
        return None
    return {key: value for key, value in details.items() if key not in _NEVER_SHOWN}
