"""What `-i` takes: figures, images, arrays, bytes, files; and what it says to anything else."""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.figure import Figure
from PIL import Image

from claude_magic.errors import UsageError
from claude_magic.kernel.values.pictures import image_of
from claude_magic.support.images import NoPictureError, fitted, media_type, thumbnail

mpl.use("agg")


def encoded(form: str = "PNG", size: tuple[int, int] = (6, 4), mode: str = "RGB", **how: Any) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size).save(file, form, **how)
    return file.getvalue()


def noise(side: int) -> Image.Image:
    return Image.effect_noise((side, side), 100).convert("RGB")


class Drawn:
    def _repr_png_(self) -> bytes:
        return encoded()


class Bundled:
    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        return {"text/plain": "a plot", "image/png": base64.b64encode(encoded()).decode()}


class Raises:
    def _repr_png_(self) -> bytes:
        raise RuntimeError("no renderer")


GOOD: dict[str, tuple[Callable[[], object], tuple[int, int] | None]] = {
    "a figure": (lambda: Figure(figsize=(3, 2)), None),
    "an axes": (lambda: Figure(figsize=(3, 2)).subplots(), None),
    "a line of a plot": (lambda: Figure().subplots().plot([1, 2])[0], None),
    "several axes": (lambda: Figure().subplots(2, 2), None),
    "an image": (lambda: Image.new("RGB", (6, 4)), (6, 4)),
    "an image with alpha": (lambda: Image.new("RGBA", (6, 4)), (6, 4)),
    "an image with a palette": (lambda: Image.new("P", (6, 4)), (6, 4)),
    "an image in print colours": (lambda: Image.new("CMYK", (6, 4)), (6, 4)),
    "an image of floats": (lambda: Image.new("F", (6, 4)), (6, 4)),
    "a huge image": (lambda: Image.new("RGB", (9_000, 3_000)), (1_568, 523)),
    "grey bytes": (lambda: np.zeros((4, 6), np.uint8), (6, 4)),
    "colours": (lambda: np.zeros((4, 6, 3), np.uint8), (6, 4)),
    "colours with alpha": (lambda: np.zeros((4, 6, 4), np.uint8), (6, 4)),
    "one channel": (lambda: np.zeros((4, 6, 1)), (6, 4)),
    "floats": (lambda: np.linspace(0, 1, 24).reshape(4, 6), (6, 4)),
    "half floats with holes": (lambda: np.full((4, 6), np.nan, np.float16), (6, 4)),
    "a mask": (lambda: np.eye(5, dtype=bool), (5, 5)),
    "a view of an array": (lambda: np.zeros((8, 12, 3), np.uint8)[::2, ::-2], (6, 4)),
    "a huge array": (lambda: np.zeros((20_000, 10), np.uint8), None),
    "PNG bytes": (encoded, (6, 4)),
    "JPEG bytes": (lambda: bytearray(encoded("JPEG")), (6, 4)),
    "GIF bytes": (lambda: memoryview(encoded("GIF")), (6, 4)),
    "WebP bytes": (lambda: encoded("WEBP"), (6, 4)),
    "what draws itself": (Drawn, (6, 4)),
    "what has a bundle": (Bundled, (6, 4)),
}


@pytest.mark.parametrize("what", GOOD)
async def test_a_picture_of_any_kind_is_sent(shell: InteractiveShell, what: str) -> None:
    make, size = GOOD[what]

    image = await image_of("x", make(), shell)

    assert size in {(image.width, image.height), None}
    data = base64.b64decode(image.data)
    assert image.media_type == media_type(data)
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.size == (image.width, image.height)
    assert media_type(base64.b64decode(image.thumbnail)) == "image/jpeg"


BAD: dict[str, tuple[Callable[[], object], str]] = {
    "a number": (lambda: 5, "int has no picture; -v attaches a description"),
    "no picture's bytes": (lambda: b"text", "it is no PNG, JPEG, GIF or WebP"),
    "a damaged picture": (lambda: encoded(size=(300, 300))[:60], "it is damaged"),
    "a PDF": (lambda: b"%PDF-1.7", "it is no PNG, JPEG, GIF or WebP"),
    "a bitmap": (lambda: encoded("BMP"), "it is no PNG, JPEG, GIF or WebP"),
    "an empty array": (lambda: np.zeros((0, 5)), "the array is empty (0 by 5)"),
    "a number of numpy": (lambda: np.float64(1).reshape(()), "the array has no dimension"),
    "a row": (lambda: np.zeros(5), "the array has 5, not height by width"),
    "five channels": (lambda: np.zeros((4, 6, 5)), "the array has 4 by 6 by 5, not"),
    "channels first": (lambda: np.zeros((3, 40, 60)), "Put the channels last"),
    "floats out of range": (
        lambda: np.full((4, 6), 3.5),
        "goes from 3.5 to 3.5; floats have to be from 0 to 1",
    ),
    "infinite floats": (lambda: np.full((4, 6), np.inf), "floats have to be from 0 to 1"),
    "integers": (lambda: np.zeros((4, 6), int), "the array has int64; use uint8, or floats from 0 to 1"),
    "text": (lambda: np.full((4, 6), "a"), "the array has <U1; use uint8"),
    "what raises": (Raises, "has no picture"),
}


@pytest.mark.parametrize("what", BAD)
async def test_what_is_no_picture_is_refused_in_one_line(shell: InteractiveShell, what: str) -> None:
    make, reason = BAD[what]

    with pytest.raises(UsageError) as raised:
        await image_of("x", make(), shell)

    assert str(raised.value).startswith("-i 'x' cannot be sent as a picture: ")
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)


async def test_a_file_is_read_if_it_is_a_picture_and_said_to_be_none_otherwise(
    shell: InteractiveShell, tmp_path: Path
) -> None:
    (tmp_path / "plot.png").write_bytes(encoded())
    (tmp_path / "wrong.txt").write_bytes(encoded("JPEG"))  # its bytes count, not its name
    (tmp_path / "secret.png").write_text("SESAME")
    (tmp_path / "drawing.svg").write_text("<svg/>")
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(60_000_000)
    refused = {
        "secret.png": "it is no PNG",
        "drawing.svg": "it is no PNG",
        "large.png": "the file has 60 MB",
        "none.png": "no such file",
        ".": "it is a folder",
        "/dev/zero": "it is no file",
    }

    assert (await image_of("p", tmp_path / "plot.png", shell)).media_type == "image/png"
    assert (await image_of("p", str(tmp_path / "wrong.txt"), shell)).media_type == "image/jpeg"
    for name, reason in refused.items():
        with pytest.raises(UsageError, match=reason):
            await image_of(name, tmp_path / name, shell)


def test_a_picture_that_fits_stays_byte_for_byte_and_another_is_made_smaller() -> None:
    small = encoded("GIF")
    assert fitted(small, side=100, size=10_000).data == small

    file = io.BytesIO()
    noise(400).save(file, "PNG")
    noisy = fitted(file.getvalue(), side=300, size=20_000)
    assert (noisy.media_type, len(noisy.data) <= 20_000, max(noisy.width, noisy.height) <= 300) == (
        "image/jpeg",
        True,
        True,
    )
    assert fitted(encoded(size=(500, 10)), side=100, size=10_000)[::2] == ("image/png", 100)
    assert len(thumbnail(file.getvalue(), side=240)) <= 8_000
    assert len(thumbnail(file.getvalue(), side=160)) <= 3_600


def test_a_photograph_is_turned_as_its_camera_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6

    turned = fitted(encoded("JPEG", (400, 200), exif=exif), side=100, size=10_000)

    assert (turned.width, turned.height) == (50, 100)


@pytest.mark.parametrize("side", [9_000, 20_000])
def test_a_picture_of_too_many_pixels_is_not_decoded(side: int) -> None:
    small = encoded()
    head = b"IHDR" + side.to_bytes(4) * 2 + small[24:29]
    claims = small[:12] + head + zlib.crc32(head).to_bytes(4) + small[33:]

    with pytest.raises(NoPictureError, match=r"too large|damaged"):
        fitted(claims, side=100, size=10_000)
