"""Pictures that fit a page and a saved notebook.

A picture travels and is saved more than once, and Jupyter's server drops what is over 3 MB in 3 s: a larger
one is made smaller first, by Pillow, which is imported then.
"""

from __future__ import annotations

import base64
from functools import lru_cache

from claude_magic.support.images import NoPictureError, as_jpeg, opened
from claude_magic.transcript.blocks import Picture

__all__ = ["fitting"]

_LIMIT = 300_000  # characters of base64
_LARGEST = 2_800_000  # of base64: 2 MB
_MOST_PIXELS = 20_000_000  # decoded in 0.2 s
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
    """The picture as JPEG in base64; "" for what is none, whatever somebody's server sends for one."""
    try:
        image = opened(base64.b64decode(data), side=_SIDE, pixels=_MOST_PIXELS)
    except (NoPictureError, ValueError):
        return ""
    image.thumbnail((_SIDE, _SIDE))
    return base64.b64encode(as_jpeg(image, _LIMIT // 4 * 3).data).decode()
