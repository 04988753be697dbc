"""Pictures made to fit: within so many pixels and bytes, by Pillow, which is imported when one is needed."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Fitted", "NoPictureError", "fitted", "media_type", "thumbnail"]

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")  # those of the Messages API: no other decoder gets to see the bytes
_MOST_PIXELS = 64_000_000  # 8,000 by 8,000, the most that the Messages API takes
_THUMBNAIL_SIDE = 240
_THUMBNAIL_SIZE = 8_000
_QUALITY = 85


class NoPictureError(ValueError):
    """Bytes that are no picture, or none that can be used; the message says what they are."""


class Fitted(NamedTuple):
    """A picture that fits."""

    media_type: str
    data: bytes
    width: int
    height: int


def media_type(data: bytes) -> str:
    """What kind of picture some bytes begin as; "" for none that Claude reads."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else ""


def fitted(data: bytes, *, side: int, size: int) -> Fitted:
    """A picture as it is if it fits, else a smaller one: a PNG, or where that is too large a JPEG.

    Args:
        data: A PNG, JPEG, GIF or WebP.
        side: Pixels that its longer side may have.
        size: Bytes that it may have.

    Raises:
        NoPictureError: It is none of these, is damaged, or has more than 64 megapixels.
    """
    image = _opened(data, side)
    if len(data) <= size and max(image.size) <= side:
        return Fitted(media_type(data), data, *image.size)
    from PIL import ImageOps  # noqa: PLC0415  # 20 ms, for few

    image = ImageOps.exif_transpose(image)
    image.thumbnail((side, side))
    if image.format != "JPEG" and len(png := _encoded(image, "PNG")) <= size:
        return Fitted("image/png", png, *image.size)
    return _as_jpeg(image, size)


def thumbnail(data: bytes) -> bytes:
    """A small JPEG of a picture, at most 8 kB.

    Raises:
        NoPictureError: As `fitted`.
    """
    image = _opened(data, _THUMBNAIL_SIDE)
    image.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
    return _as_jpeg(image, _THUMBNAIL_SIZE).data


def _opened(data: bytes, side: int) -> Image.Image:
    from PIL import Image  # noqa: PLC0415  # 20 ms, for few

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # what is too large is said below
            image = Image.open(BytesIO(data), formats=_FORMATS)
        if image.width * image.height > _MOST_PIXELS:
            raise NoPictureError(f"it has {image.width:,} by {image.height:,} pixels, which is too large")
        if max(image.size) > side:
            image.draft("RGB", (side, side))
        image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, NoPictureError):
            raise
        reason = "it is damaged" if media_type(data) else "it is no PNG, JPEG, GIF or WebP"
        raise NoPictureError(reason) from None
    return image


def _encoded(image: Image.Image, form: str) -> bytes:
    file = BytesIO()
    if form == "PNG" and image.mode not in {"1", "L", "LA", "I", "P", "RGB", "RGBA"}:
        image = image.convert("RGBA")
    image.save(file, form, **({"quality": _QUALITY} if form == "JPEG" else {}))
    return file.getvalue()


def _as_jpeg(image: Image.Image, size: int) -> Fitted:
    """The picture on white, smaller and smaller until it is within `size` bytes."""
    from PIL import Image as Pillow  # noqa: PLC0415

    whole = image.convert("RGBA")
    flat = Pillow.new("RGB", whole.size, "white")
    flat.paste(whole, mask=whole)
    while len(data := _encoded(flat, "JPEG")) > size and max(flat.size) > 1:
        flat.thumbnail((max(1, flat.width * 2 // 3), max(1, flat.height * 2 // 3)))
    return Fitted("image/jpeg", data, *flat.size)
