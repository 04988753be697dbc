"""Pictures that fit a page and a saved notebook.

A picture travels and is saved more than once, and Jupyter's server drops what is over 3 MB in 3 s: a larger
one is made smaller first, by Pillow, which is imported then.
"""

from __future__ import annotations

import base64
import warnings
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING

from claude_magic.transcript.blocks import Picture

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["fitting"]

_LIMIT = 300_000  # characters of base64
_LARGEST = 2_800_000  # of base64: 2 MB
_MOST_PIXELS = 20_000_000  # decoded in 0.2 s
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")  # the decoders that somebody else's bytes may reach
_SIDE = 1_280  # pixels: twice what a page shows


@lru_cache(maxsize=8)
def fitting(picture: Picture) -> Picture | None:
    """The picture itself, or a smaller one; None if it is over 2 MB or 20 megapixels, or is none."""
    if len(picture.data) <= _LIMIT:
        return picture
    if len(picture.data) > _LARGEST:
        return None
    data = _downscaled(picture.data)
    return Picture("image/jpeg", data) if data else None


def _downscaled(data: str) -> str:
    from PIL import Image  # noqa: PLC0415  # 20 ms, for few

    try:
        raw = BytesIO(base64.b64decode(data))
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(raw, formats=_FORMATS)
        with opened:
            if opened.width * opened.height > _MOST_PIXELS:
                return ""
            opened.draft("RGB", (_SIDE, _SIDE))
            opened.thumbnail((_SIDE, _SIDE))
            whole = opened.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return ""  # whatever somebody's server sends for a picture
    flat = Image.new("RGB", whole.size, "white")
    flat.paste(whole, mask=whole)
    return _small_enough(flat)


def _small_enough(image: Image.Image) -> str:
    """The picture as JPEG in base64, smaller and smaller until it is within the limit."""
    while True:
        encoded = BytesIO()
        image.save(encoded, "JPEG", quality=85, subsampling=0)
        data = base64.b64encode(encoded.getvalue()).decode()
        if len(data) <= _LIMIT:
            return data
        image.thumbnail((image.width * 2 // 3, image.height))
