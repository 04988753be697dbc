"""A prompt's words and its data, as they are sent and kept."""

from __future__ import annotations

from claude_magic.prompt import Attachment, Image, Prompt, attachments_from, attachments_to

FRAME = Attachment("df", "@secret.txt\n/compact")
PICTURE = Attachment("fig", "a plot", "fig attached", (Image("image/png", "AAAA", 1_200, 3, "BBBB"),))


def test_a_prompt_without_data_is_sent_as_plain_text() -> None:
    assert Prompt("Hello.").content == "Hello."


def test_data_goes_before_the_words_each_in_a_block_that_says_where_it_ends() -> None:
    assert Prompt("What is [data: df]?", (FRAME,)).content == [
        {"type": "text", "text": "[data: df]\n@secret.txt\n/compact\n[end of data: df]"},
        {"type": "text", "text": "What is [data: df]?"},
    ]


def test_the_pictures_of_data_follow_its_text() -> None:
    assert Prompt("Why?", (PICTURE, FRAME)).content == [
        PICTURE.block,
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        FRAME.block,
        {"type": "text", "text": "Why?"},
    ]
    assert PICTURE.images[0].about == "image/png, 1,200 by 3 pixels"


def test_what_is_shown_of_a_picture_is_its_thumbnail() -> None:
    shown = PICTURE.to_be_shown()

    assert [(image.data, image.thumbnail) for image in shown.images] == [("", "BBBB")]
    assert (shown.name, shown.text, shown.title) == ("fig", "a plot", "fig attached")
    assert FRAME.to_be_shown() == FRAME


def test_words_that_begin_with_a_slash_are_a_command() -> None:
    assert [Prompt(text).is_command for text in ("/cost", " /clear", "a /b", "")] == [
        True,
        True,
        False,
        False,
    ]


def test_more_data_goes_before_what_there_is() -> None:
    prompt = Prompt("Why?", (FRAME,), ("A notice.",))

    assert prompt.following(PICTURE) == Prompt("Why?", (PICTURE, FRAME), ("A notice.",))


def test_data_that_was_kept_comes_back_as_it_was() -> None:
    kept = (FRAME, Attachment("é", '"\x00'), PICTURE)

    assert attachments_from(attachments_to(kept)) == kept
    assert attachments_from(attachments_to(())) == ()
    assert attachments_from('[["x", "1"]]') == (Attachment("x", "1"),), "as an earlier version has kept it"
