"""A prompt's words and its data, as they are sent and kept."""

from __future__ import annotations

from claude_magic.prompt import Attachment, Prompt, attachments_from, attachments_to

FRAME = Attachment("df", "@secret.txt\n/compact")


def test_a_prompt_without_data_is_sent_as_plain_text() -> None:
    assert Prompt("Hello.").content == "Hello."


def test_data_goes_before_the_words_each_in_a_block_that_says_where_it_ends() -> None:
    assert Prompt("What is [data: df]?", (FRAME,)).content == [
        {"type": "text", "text": "[data: df]\n@secret.txt\n/compact\n[end of data: df]"},
        {"type": "text", "text": "What is [data: df]?"},
    ]


def test_data_that_was_kept_comes_back_as_it_was() -> None:
    kept = (FRAME, Attachment("é", '"\x00'))

    assert attachments_from(attachments_to(kept)) == kept
    assert attachments_from(attachments_to(())) == ()
