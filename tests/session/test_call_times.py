"""When a call began: never later than it did, however late the loop is."""

from __future__ import annotations

from claude_magic.session.call_times import CallTimes


def test_a_call_begins_no_earlier_than_the_moment_before_it_was_written() -> None:
    times = CallTimes()
    times.written(["one", "two"], 5.0)
    times.written(["one"], 9.0)  # the same message once more
    assert [times.earliest(call) for call in ("one", "two", "another")] == [5.0, 5.0, 0.0]


def test_a_call_that_a_person_was_asked_about_begins_when_that_is_decided() -> None:
    times = CallTimes(clock=lambda: 30.0)
    times.written(["one"], 5.0)
    times.decided("one")
    assert times.earliest("one") == 30.0


def test_only_the_newest_calls_are_remembered() -> None:
    times = CallTimes()
    times.written(map(str, range(5_000)), 5.0)
    assert [times.earliest(call) for call in ("0", "3999", "4000", "4999")] == [0.0, 0.0, 5.0, 5.0]
