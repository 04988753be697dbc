"""Pictures that fit a page: as they are, smaller, or none."""

from __future__ import annotations

import base64
from io import BytesIO

import pytest
from PIL import Image

from claude_magic.transcript.blocks import Picture
from claude_magic.views.html import pictures
from claude_magic.views.html.pictures import fitting

pytestmark = pytest.mark.fault(126, via="pure")

FILL = bytes(300_000)  # after the picture's end, where no reader looks


def picture(width: int, height: int, colour: object = "red", mode: str = "RGB", kind: str = "PNG") -> Picture:
    """One whose bytes are too many for a page."""
    Image.new(mode, (width, height), colour).save(made := BytesIO(), kind)  # type: ignore[arg-type]
    return Picture("image/png", base64.b64encode(made.getvalue() + FILL).decode())


def made(fit: Picture | None) -> Image.Image:
    assert fit is not None
    assert fit.media_type == "image/jpeg"
    return Image.open(BytesIO(base64.b64decode(fit.data)))


def test_a_small_picture_stays_as_it_is() -> None:
    small = Picture("image/png", "A" * 300_000)
    assert fitting(small) is small
    assert fitting(Picture("image/png", "A" * 300_001)) is None


def test_no_picture_of_more_than_two_megabytes_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_downscaled", lambda data: data[:1])

    assert fitting(Picture("image/png", "B" * 2_800_000)) == Picture("image/jpeg", "B")
    assert fitting(Picture("image/png", "B" * 2_800_001)) is None


@pytest.mark.parametrize(
    ("size", "shown"), [((2_560, 10), (1_280, 5)), ((10, 2_560), (5, 1_280)), ((1_280, 10), (1_280, 10))]
)
def test_a_large_picture_keeps_its_shape_within_twice_what_a_page_shows(
    size: tuple[int, int], shown: tuple[int, int]
) -> None:
    with made(fitting(picture(*size))) as fit:
        assert fit.size == shown
        assert fit.getpixel((0, 0)) == pytest.approx((255, 0, 0), abs=3)


def test_what_is_seen_through_a_picture_is_white() -> None:
    with made(fitting(picture(8, 8, (0, 0, 255, 0), "RGBA"))) as fit:
        assert fit.getpixel((0, 0)) == (255, 255, 255)


def test_a_picture_of_too_many_pixels_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_MOST_PIXELS", 400)

    assert fitting(picture(20, 20)) is not None
    assert fitting(picture(20, 21)) is None


def test_a_picture_that_pillow_warns_of_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60)

    assert fitting(picture(10, 10)) is None


@pytest.mark.parametrize(("kind", "shown"), [("JPEG", True), ("GIF", True), ("WEBP", True), ("TIFF", False)])
def test_only_decoders_of_the_web_see_what_somebody_sent(kind: str, shown: bool) -> None:  # noqa: FBT001
    assert (fitting(picture(8, 8, kind=kind)) is not None) is shown


def test_a_picture_loses_a_third_of_its_sides_until_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    large = picture(900, 600).data
    length = len(pictures._downscaled(large))

    for limit, size in ((length, (900, 600)), (length - 1, (600, 400)), (1_000, (52, 35))):
        monkeypatch.setattr(pictures, "_LIMIT", limit)
        with made(Picture("image/jpeg", pictures._downscaled(large))) as image:
            assert image.size == size
