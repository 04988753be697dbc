"""Lines out of chunks, whatever way they are cut."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_magic.errors import LineTooLongError
from claude_magic.wire.events import Event, decode
from claude_magic.wire.framing import LineFramer, encode

LIMIT = 64 * 1024 * 1024


def lines_of(chunks: list[bytes], limit: int = LIMIT) -> list[bytes]:
    framer = LineFramer(limit)
    lines = [line for chunk in chunks for line in framer.feed(chunk)]
    rest = framer.flush()
    return lines if rest is None else [*lines, rest]


def events_of(chunks: list[bytes]) -> list[Event]:
    return [decode(line) for line in lines_of(chunks)]


def assistant(text: str, *, ascii_only: bool = False) -> bytes:
    message = {"role": "assistant", "content": [{"type": "text", "text": text}]}
    return json.dumps({"type": "assistant", "message": message}, ensure_ascii=ascii_only).encode() + b"\n"


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), min_size=1, max_size=5)
places = st.lists(st.integers(min_value=0, max_value=10_000), max_size=12)


@pytest.mark.fault(13, via="pure")
def test_a_line_split_at_every_byte_gives_the_same_events() -> None:
    data = assistant("naïve — 東京 🎈\u00a0") + assistant("lone \ud83c\udf88 pair", ascii_only=True)
    whole = events_of([data])
    assert len(whole) == 2
    for place in range(len(data) + 1):
        assert events_of([data[:place], data[place:]]) == whole
    assert events_of([bytes([byte]) for byte in data]) == whole


@pytest.mark.fault(13, via="pure")
@settings(deadline=None)
@given(texts=texts, places=places, ascii_only=st.booleans(), crlf=st.booleans())
def test_any_cuts_give_the_same_events(
    texts: list[str], places: list[int], *, ascii_only: bool, crlf: bool
) -> None:
    data = b"".join(assistant(text, ascii_only=ascii_only) for text in texts)
    data = data.replace(b"\n", b"\r\n") if crlf else data
    assert events_of(cut(data, places)) == [decode(assistant(text).rstrip(b"\n")) for text in texts]


@pytest.mark.fault(13, via="pure")
@settings(deadline=None)
@given(data=st.binary(max_size=300), places=places)
def test_any_cuts_of_any_bytes_give_the_same_lines(data: bytes, places: list[int]) -> None:
    assert lines_of(cut(data, places)) == lines_of([data])


@pytest.mark.fault(14, via="pure")
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_character_cut_in_two_arrives_whole(*, ascii_only: bool) -> None:
    text = "é東🎈e\u0301"
    data = assistant(text, ascii_only=ascii_only)
    for place in range(len(data)):
        assert events_of([data[:place], data[place:]]) == [decode(assistant(text).rstrip(b"\n"))]


@pytest.mark.fault(15, via="pure")
@settings(deadline=None)
@given(space=st.text(" \t\u00a0\u3000\u2028\u0085\x0b\x0c", min_size=1, max_size=6), places=places)
def test_white_space_at_a_seam_stays(space: str, places: list[int]) -> None:
    data = f" {space}x{space} \n{space}y{space}\n".encode()
    expected = [f" {space}x{space} ".encode(), f"{space}y{space}".encode()]
    assert lines_of(cut(data, places)) == expected


@pytest.mark.fault(16, via="pure")
def test_many_lines_in_one_chunk_each_come_once_and_blank_ones_not_at_all() -> None:
    assert lines_of([b"a\nb\r\n\n\r\n  \nc\n\n"]) == [b"a", b"b", b"c"]


@pytest.mark.fault(16, via="pure")
def test_a_carriage_return_is_stripped_only_at_the_end() -> None:
    assert lines_of([b"a\rb\r", b"\nc\r\r\n"]) == [b"a\rb", b"c\r"]


@pytest.mark.fault(17, via="pure")
@pytest.mark.parametrize("size", [70 * 1024, 1024 * 1024, 20 * 1024 * 1024])
def test_long_lines_arrive_whole(size: int) -> None:
    line = b"x" * size
    chunks = [line[at : at + 65536] for at in range(0, size, 65536)]
    assert lines_of([*chunks, b"\nnext\n"]) == [line, b"next"]


def test_no_byte_of_a_long_line_is_copied_before_the_line_ends() -> None:
    framer, chunks = LineFramer(LIMIT), [bytes([65 + n % 26]) * 65536 for n in range(320)]
    for count, chunk in enumerate(chunks):
        assert framer.feed(chunk) == []
        # what was held stays the very same objects: nothing is joined, so the work per chunk is the chunk
        assert len(framer._pieces) == count + 1
        assert all(held is piece for held, piece in zip(framer._pieces, chunks, strict=False))
    assert framer.feed(b"\n") == [b"".join(chunks)]
    assert framer._pieces == []


@pytest.mark.fault(17, via="pure")
def test_a_line_at_the_limit_passes_and_one_byte_more_does_not() -> None:
    assert lines_of([b"12345", b"678\n12345678\n"], limit=8) == [b"12345678", b"12345678"]
    with pytest.raises(LineTooLongError, match="more than 8 bytes") as caught:
        lines_of([b"12345", b"6789\n"], limit=8)
    assert caught.value.limit == 8


@pytest.mark.fault(18, via="pure")
def test_output_without_end_is_stopped_at_the_limit_and_dropped() -> None:
    framer = LineFramer(1000)
    for _ in range(15):
        assert framer.feed(b"x" * 64) == []
    with pytest.raises(LineTooLongError):
        framer.feed(b"x" * 64)
    assert framer.flush() is None


@pytest.mark.fault(21, via="pure")
@pytest.mark.fault(22, via="pure")
def test_the_last_line_without_terminator_comes_by_flush_once() -> None:
    framer = LineFramer(LIMIT)
    assert framer.feed(b"whole\nlast") == [b"whole"]
    assert framer.flush() == b"last"
    assert framer.flush() is None


@pytest.mark.parametrize(
    ("text", "arrives"),
    [
        ("é東🎈", "é東🎈"),
        ("a\nb\r\0\u2028", "a\nb\r\0\u2028"),
        ("x\ud83cy", "x\ufffdy"),
        ("\ud83c\udf88", "🎈"),
    ],
)
def test_a_message_is_one_line_of_valid_utf8(text: str, arrives: str) -> None:
    line = encode({"type": "user", "message": [{"text": text}]})
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert json.loads(line.decode())["message"] == [{"text": arrives}]
