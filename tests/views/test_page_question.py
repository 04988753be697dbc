"""A question to the notebook's pages: one answers, and what else a page sends is no answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest

from claude_magic.views.live import page_question
from claude_magic.views.live.page_question import ask_page, session_id_from


class Pages:
    """In place of the widget: what pages send as soon as there is a question, and when one is told to go on.

    Args:
        first: What they send at first.
        then: What they send then.
    """

    def __init__(self, first: list[object], then: list[object]) -> None:
        self.first, self.then = first, then
        self.told: list[object] = []
        self.closed = False

    def __call__(self, _question: Mapping[str, object]) -> Pages:
        return self

    def on_msg(self, take: Callable[[object, object, object], None]) -> None:
        self._take = take
        for message in self.first:
            take(self, message, [])

    def send(self, content: object) -> None:
        self.told.append(content)
        for message in self.then:
            self._take(self, message, [])

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Callable[[Pages], object]:
    """Asks pages, which have no time to lose."""
    for name in ("OFFER_TIMEOUT", "ANSWER_TIMEOUT"):
        monkeypatch.setattr(page_question, name, 0.2)

    def asked(pages: Pages) -> object:
        monkeypatch.setattr(page_question, "PageQuestion", pages)
        try:
            return asyncio.run(ask_page({"type": "read"}))
        finally:
            assert pages.closed

    return asked


def test_the_first_page_that_offers_goes_on_and_only_its_answer_counts(
    ask: Callable[[Pages], object],
) -> None:
    pages = Pages([{"page": "a"}, {"page": "b"}], [{"page": "b", "answer": 2}, {"page": "a", "answer": 1}])

    assert ask(pages) == 1
    assert pages.told == [{"go": "a"}]


def test_a_page_that_cannot_answer_is_passed_over(ask: Callable[[Pages], object]) -> None:
    pages = Pages([{"page": "a", "offers": False}, {"page": "b"}], [{"page": "b", "answer": 2}])

    assert ask(pages) == 2


def test_where_every_page_says_that_it_cannot_nobody_waits_for_long(
    ask: Callable[[Pages], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_question, "OFFER_TIMEOUT", 1_000.0)
    monkeypatch.setattr(page_question, "OTHERS_TIMEOUT", 0.05)

    assert ask(Pages([{"page": "a", "offers": False}], [])) is None


def test_where_there_is_no_page_there_is_no_answer(ask: Callable[[Pages], object]) -> None:
    pages = Pages([], [])

    assert ask(pages) is None
    assert pages.told == []


def test_a_page_that_falls_silent_is_a_timeout(ask: Callable[[Pages], object]) -> None:
    with pytest.raises(TimeoutError):
        ask(Pages([{"page": "a"}], [{"page": "b", "answer": 2}]))


@pytest.mark.fault(85, via="pure")
@pytest.mark.parametrize(
    "forged",
    [
        None,
        "a",
        {"answer": 1},
        {"page": 3, "answer": 1},
        {"page": "x" * 41, "answer": 1},
        {"page": "a", "answer": 1, "cwd": "/"},
        {"page": "a", "answer": 1, "permission_mode": "bypassPermissions"},
    ],
)
def test_a_forged_message_is_neither_an_offer_nor_an_answer(
    ask: Callable[[Pages], object], forged: object
) -> None:
    assert ask(Pages([forged], [])) is None
    assert ask(Pages([forged, {"page": "a"}], [forged, {"page": "a", "answer": "true"}])) == "true"


@pytest.mark.parametrize("answer", [None, [], {"session_id": "x"}, {"session_id": "--resume=x"}, {"id": "x"}])
def test_of_an_answer_about_conversations_only_an_id_is_taken(answer: object) -> None:
    assert session_id_from(answer) is None
    known = "0f0e2a52-6a33-4f8a-9b76-0d4a4de7a000"
    assert session_id_from({"session_id": known}) == known
    assert session_id_from({"session_id": known, "cwd": "/"}) is None
