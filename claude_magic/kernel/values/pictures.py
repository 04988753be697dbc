"""Pictures that go with a prompt: of a figure, an array, an image, some bytes, a file. Sized for the API.

Nothing of the user's packages is imported: what a value is shows in its type, and what has made it is loaded.
"""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from io import BytesIO
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Any

from claude_magic.errors import UsageError
from claude_magic.kernel.values.static import kind, type_name
from claude_magic.prompt import Image
from claude_magic.support.images import NoPictureError, fitted, media_type, thumbnail

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["image_of", "to_image"]

_SIDE = 1_568  # pixels; what is larger the API makes smaller itself
_SMALL = 240  # and of the thumbnail
_SIZE = 3_500_000  # bytes; the API takes 5 MB of base64
_LARGEST_FILE = 50_000_000  # bytes
_MOST_ELEMENTS = 4_000  # of an array, along a side
_ARRAYS = {"jax", "jaxlib", "numpy", "tensorflow", "torch"}
_FIGURES = {"matplotlib", "seaborn"}


async def image_of(name: str, value: object, shell: InteractiveShell) -> Image:
    """The picture of a value, or of the file that a path names.

    Args:
        name: What it is called, for errors.
        value: A figure, an axes, an image, an array, bytes, a path, or what shows itself as a picture.
        shell: Knows how values show themselves.

    Raises:
        UsageError: It is no picture; the message says why, and what to do.
    """
    try:
        if isinstance(value, str | os.PathLike):
            return await asyncio.to_thread(_of_file, Path(value))
        return await asyncio.to_thread(_named, _bytes(value, shell))
    except NoPictureError as error:
        raise UsageError(f"-i {name!r:.200} cannot be sent as a picture: {error}.") from None


def to_image(data: bytes, *, side: int, size: int, small: int = 0) -> Image:
    """A picture as it is sent.

    Args:
        data: The picture.
        side: Pixels that its longer side may have.
        size: Bytes that it may have.
        small: Pixels of the longer side of its thumbnail; 0 for none.

    Raises:
        NoPictureError: It is none.
    """
    fit = fitted(data, side=side, size=size)
    shown = _base64(thumbnail(data, side=small)) if small else ""
    return Image(fit.media_type, _base64(fit.data), fit.width, fit.height, shown)


def _named(data: bytes) -> Image:
    return to_image(data, side=_SIDE, size=_SIZE, small=_SMALL)


def _of_file(path: Path) -> Image:
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            raise NoPictureError("it is a folder" if path.is_dir() else "it is no file")
        if status.st_size > _LARGEST_FILE:
            raise NoPictureError(f"the file has {status.st_size / 1e6:,.0f} MB")
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # a NUL in it, say
        raise NoPictureError((getattr(error, "strerror", "") or "it cannot be read").lower()) from None
    if not media_type(data):
        raise NoPictureError("it is no PNG, JPEG, GIF or WebP")
    return _named(data)


def _bytes(value: object, shell: InteractiveShell) -> bytes:
    """A value as the bytes of a picture."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    packages = {package for package, _ in kind(value)}
    try:
        if packages & _ARRAYS:
            return _of_array(value)
        if packages & _FIGURES and (figure := _figure(value)) is not None:
            return _saved(figure.savefig, format="png", bbox_inches="tight")
        if ("PIL", "Image") in kind(value):
            return _of_pillow(value)
        return _as_shown(value, shell)
    except NoPictureError:
        raise
    except Exception as error:  # noqa: BLE001  # anybody's code
        raise NoPictureError(f"drawing it raises {type(error).__name__}: {error!s:.200}") from None


def _figure(value: Any) -> Any:
    """The figure that something of matplotlib belongs to, or is."""
    figure = value if hasattr(value, "savefig") else getattr(value, "figure", None)
    return figure if hasattr(figure, "savefig") else None


def _of_pillow(image: Any) -> bytes:
    if image.mode in {"CMYK", "F", "HSV", "LAB", "YCbCr"}:
        image = image.convert("RGB")
    image = image.copy()
    image.thumbnail((_SIDE, _SIDE))
    return _saved(image.save, format="png")


def _of_array(value: Any) -> bytes:
    from PIL import Image as Pillow  # noqa: PLC0415  # 20 ms, for few

    numpy: Any = sys.modules["numpy"]
    array = numpy.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    if array.dtype == object and array.size and (figure := _figure(array.flat[0])) is not None:
        return _saved(figure.savefig, format="png", bbox_inches="tight")  # as `subplots` gives them
    _check_shape(array.shape)
    step = -(-max(array.shape[:2]) // _MOST_ELEMENTS)
    array = array[::step, ::step]
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    image = Pillow.fromarray(numpy.ascontiguousarray(_as_bytes(array, numpy)))
    return _saved(image.save, format="png")


def _check_shape(shape: tuple[int, ...]) -> None:
    sizes = " by ".join(map(str, shape)) or "no dimension"
    if 0 in shape:
        raise NoPictureError(f"the array is empty ({sizes})")
    if len(shape) == 2 or (len(shape) == 3 and shape[2] in {1, 3, 4}):
        return
    hint = ". Put the channels last" if len(shape) == 3 and shape[0] in {1, 3, 4} else ""
    raise NoPictureError(f"the array has {sizes}, not height by width, or these by 3 or 4{hint}")


def _as_bytes(array: Any, numpy: Any) -> Any:
    """The elements from 0 to 255."""
    if array.dtype == numpy.uint8:
        return array
    if array.dtype == bool:
        return array.astype(numpy.uint8) * 255
    if array.dtype.kind != "f":
        raise NoPictureError(f"the array has {array.dtype}; use uint8, or floats from 0 to 1")
    numbers = numpy.nan_to_num(array.astype(numpy.float32), nan=0.0)
    low, high = float(numbers.min()), float(numbers.max())
    if low < 0 or high > 1:
        raise NoPictureError(f"the array goes from {low:.4g} to {high:.4g}; floats have to be from 0 to 1")
    return (numbers * 255).round().astype(numpy.uint8)


def _as_shown(value: object, shell: InteractiveShell) -> bytes:
    """The picture that a cell would show for it."""
    data = shell.display_formatter.format(value, include={"image/png", "image/jpeg"})[0]
    picture = data.get("image/png") or data.get("image/jpeg")
    if picture is None:
        raise NoPictureError(f"{type_name(value)} has no picture; -v attaches a description")
    return picture if isinstance(picture, bytes) else base64.b64decode(picture)


def _saved(save: Any, **how: Any) -> bytes:
    file = BytesIO()
    save(file, **how)
    return file.getvalue()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
