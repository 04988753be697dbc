"""Pictures made to fit: within so many pixels and bytes, by Pillow, which is imported when one is needed."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Fitted", "NoPictureError", "as_jpeg", "fitted", "media_type", "opened", "thumbnail"]

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")  # those of the Messages API: no other decoder gets to see the bytes
_MOST_PIXELS = 64_000_000  # 8,000 by 8,000, the most that the Messages API takes
_THUMBNAIL = 8_000 / 240**2  # bytes a pixel of the square that it fits into


class NoPictureError(Exception):
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
    image = opened(data, side=side, pixels=_MOST_PIXELS)
    if len(data) <= size and max(image.size) <= side:
        return Fitted(media_type(data), data, *image.size)
    from PIL import ImageOps  # noqa: PLC0415  # 20 ms, for few

    image = ImageOps.exif_transpose(image)
    image.thumbnail((side, side))
    if media_type(data) != "image/jpeg" and len(png := _as_png(image)) <= size:
        return Fitted("image/png", png, *image.size)
    return as_jpeg(image, size)


def thumbnail(data: bytes, *, side: int) -> bytes:
    """A small JPEG of a picture: at most 8 kB for 240 pixels, 3.5 kB for 160.

    Args:
        data: The picture.
        side: Pixels that its longer side may have.

    Raises:
        NoPictureError: As `fitted`.
    """
    image = opened(data, side=side, pixels=_MOST_PIXELS)
    image.thumbnail((side, side))
    return as_jpeg(image, int(_THUMBNAIL * side**2)).data


def opened(data: bytes, *, side: int, pixels: int) -> Image.Image:
    """A picture, decoded.

    Args:
        data: The picture.
        side: Pixels that are wanted of its longer side; a JPEG need not be decoded in full.
        pixels: Pixels that it may have.

    Raises:
        NoPictureError: It is none, is damaged, or has more pixels.
    """
    from PIL import Image  # noqa: PLC0415  # 20 ms, for few

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(BytesIO(data), formats=_FORMATS)
        _check_pixels(image, pixels)
        if max(image.size) > side:
            image.draft("RGB", (side, side))
        image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise NoPictureError("it is too large") from None
    except (OSError, ValueError, SyntaxError):  # whatever somebody gives for a picture
        reason = "it is damaged" if media_type(data) else "it is no PNG, JPEG, GIF or WebP"
        raise NoPictureError(reason) from None
    return image


def _check_pixels(image: Image.Image, most: int) -> None:
    if image.width * image.height > most:
        raise NoPictureError(f"it has {image.width:,} by {image.height:,} pixels, which is too large")


def as_jpeg(image: Image.Image, size: int) -> Fitted:
    """The picture on white as JPEG, smaller and smaller until it is within `size` bytes."""
    from PIL import Image as Pillow  # noqa: PLC0415

    whole = image.convert("RGBA")
    flat = Pillow.new("RGB", whole.size, "white")
    flat.paste(whole, mask=whole)
    while True:
        file = BytesIO()
        flat.save(file, "JPEG", quality=85, subsampling=0)
        if file.tell() <= size or max(flat.size) == 1:
            return Fitted("image/jpeg", file.getvalue(), *flat.size)
        flat.thumbnail((max(1, flat.width * 2 // 3), flat.height))


def _as_png(image: Image.Image) -> bytes:
    file = BytesIO()
    if image.mode not in {"1", "L", "LA", "P", "RGB", "RGBA"}:
        image = image.convert("RGBA")
    image.save(file, "PNG")
    return file.getvalue()
