"""A prompt: the person's words, and the data that these name. Pure.

The promise: what comes from the notebook is read by Claude and by nobody else. The CLI looks for `@path` and
for a leading `/command` in the last text of a message, and only there (measured: 2.1.191, 2.1.332). So data
goes before the words, each piece in a block of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from msgspec import Struct, convert, to_builtins
from msgspec.structs import replace

__all__ = ["Attachment", "Content", "Image", "Prompt", "attachments_from", "attachments_to"]

Content = str | list[dict[str, object]]
"""What is sent: plain text, or content blocks."""


class Image(Struct, frozen=True, array_like=True):
    """A picture that goes with a prompt.

    Args:
        media_type: Its format, as `image/png`.
        data: The picture, in base64.
        width: In pixels.
        height: In pixels.
        thumbnail: A small JPEG of it in base64, for pages; "" for none.
    """

    media_type: str
    data: str
    width: int
    height: int
    thumbnail: str = ""

    @property
    def about(self) -> str:
        """What it is, in words."""
        return f"{self.media_type}, {self.width:,} by {self.height:,} pixels"

    @property
    def block(self) -> dict[str, object]:
        """The content block that holds it."""
        source = {"type": "base64", "media_type": self.media_type, "data": self.data}
        return {"type": "image", "source": source}


class Attachment(Struct, frozen=True, array_like=True):
    """Data that goes with a prompt: the value of a variable, cells, an error, a picture.

    Args:
        name: What it is called in the words. Of our own making: it stands where the CLI looks for files.
        text: The data.
        title: What a person reads in its place; "" for its label.
        images: The pictures that follow the text.
    """

    name: str
    text: str
    title: str = ""
    images: tuple[Image, ...] = ()

    @property
    def label(self) -> str:
        """What stands for it in the words, and above it."""
        return f"[data: {self.name}]"

    @property
    def block(self) -> dict[str, object]:
        """The content block that holds its text."""
        return {"type": "text", "text": f"{self.label}\n{self.text}\n[end of data: {self.name}]"}

    @property
    def blocks(self) -> list[dict[str, object]]:
        """The content blocks that hold it."""
        return [self.block, *(image.block for image in self.images)]

    def to_be_shown(self) -> Attachment:
        """A copy as a transcript keeps it, with of each picture only the thumbnail."""
        return replace(self, images=tuple(replace(image, data="") for image in self.images))


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
        return [*(block for attachment in self.attachments for block in attachment.blocks), words]

    @property
    def is_command(self) -> bool:
        """The CLI takes the words for a command of its own."""
        return self.text.lstrip().startswith("/")

    def following(self, *attachments: Attachment) -> Prompt:
        """A copy with more data before what there is."""
        return replace(self, attachments=(*attachments, *self.attachments))


def attachments_to(attachments: Iterable[Attachment]) -> str:
    """Attachments as JSON, to be kept."""
    return json.dumps(to_builtins(list(attachments)))


def attachments_from(stored: str) -> tuple[Attachment, ...]:
    """Attachments as `attachments_to` has written them."""
    return convert(json.loads(stored), tuple[Attachment, ...])
