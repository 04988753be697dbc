"""A prompt: the person's words, and the data that these name. Pure.

The promise: what comes from the notebook is read by Claude and by nobody else. The CLI looks for `@path` and
for a leading `/command` in the last text of a message, and only there (measured: 2.1.191, 2.1.332). So data
goes before the words, each piece in a block of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from msgspec import Struct

__all__ = ["Attachment", "Content", "Prompt", "attachments_from", "attachments_to"]

Content = str | list[dict[str, object]]
"""What is sent: plain text, or content blocks."""


class Attachment(Struct, frozen=True):
    """Data that goes with a prompt: the value of a variable, a cell, an error.

    Args:
        name: What it is called in the words. Of our own making: it stands where the CLI looks for files.
        text: The data.
    """

    name: str
    text: str

    @property
    def label(self) -> str:
        """What stands for it in the words, and above it."""
        return f"[data: {self.name}]"

    @property
    def block(self) -> dict[str, object]:
        """The content block that holds it."""
        return {"type": "text", "text": f"{self.label}\n{self.text}\n[end of data: {self.name}]"}


class Prompt(Struct, frozen=True):
    """What is asked.

    Args:
        text: The words.
        attachments: The data that goes before them.
        notices: What the person should know of it.
    """

    text: str
    attachments: tuple[Attachment, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def content(self) -> Content:
        """What is sent."""
        if not self.attachments:
            return self.text
        words: dict[str, object] = {"type": "text", "text": self.text}
        return [*(attachment.block for attachment in self.attachments), words]


def attachments_to(attachments: Iterable[Attachment]) -> str:
    """Attachments as JSON, to be kept."""
    return json.dumps([[each.name, each.text] for each in attachments])


def attachments_from(stored: str) -> tuple[Attachment, ...]:
    """Attachments as `attachments_to` has written them."""
    return tuple(Attachment(name, text) for name, text in json.loads(stored))
