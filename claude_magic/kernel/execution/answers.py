"""What comes of code, as Claude gets it: words within bounds, and pictures no larger than the API shows."""

from __future__ import annotations

import asyncio
import base64

from claude_magic.control_characters import shortened
from claude_magic.kernel.execution.outputs import Outputs
from claude_magic.kernel.values.bounded import without_secrets
from claude_magic.kernel.values.pictures import to_image
from claude_magic.support.images import NoPictureError
from claude_magic.tool_server import Call, Content, ToolError, text
from claude_magic.transcript.blocks import Picture

__all__ = ["answer"]

_OUTPUT = 20_000  # characters
_SIDE = 1_568  # pixels of a picture's longer side; what is larger the API makes smaller itself
_SIZE = 1_000_000  # bytes of a picture


async def answer(call: Call, outputs: Outputs, *words: str, nothing: str) -> list[Content]:
    """The answer to a call that has run code; an interrupt of the code is one of the turn.

    Args:
        call: The call.
        outputs: What the code printed and showed, and how it ended.
        words: What else is to be said.
        nothing: What is said if there is nothing else.

    Raises:
        ToolError: The code has raised.
    """
    if outputs.interrupted:
        call.interrupt()
    parts = (without_secrets(part) for part in (outputs.text, outputs.error, *words) if part)
    said = shortened("\n".join(parts), _OUTPUT)
    pictures = await asyncio.to_thread(lambda: list(map(_sized, outputs.pictures)))
    if outputs.error:
        raise ToolError(said, pictures)
    return [text(said or nothing), *pictures] if said or not pictures else pictures


def _sized(picture: Picture) -> Content:
    """A picture as Claude gets it: no larger than the API shows to it."""
    try:
        image = to_image(base64.b64decode(picture.data), side=_SIDE, size=_SIZE)
    except NoPictureError as error:
        return text(f"(a picture that cannot be shown: {error})")
    return {"type": "image", "data": image.data, "mimeType": image.media_type}
