"""What goes on in a turn just now, for the line that stays in sight."""

from __future__ import annotations

from turns import ask, called, finished, growing, returned, turn

from claude_magic.transcript import Transcript
from claude_magic.wording.now import calls, now


def test_the_call_that_runs_is_named_by_what_it_is_for_and_of_several_the_first() -> None:
    transcript = turn(called("Bash", "a", command="make", description="Build it"))
    assert (now(transcript), calls(transcript)) == ("Build it", "1 call")

    transcript.apply(called("Read", "b", file_path="notes.txt"))
    assert (now(transcript), calls(transcript)) == ("Build it · 1 more", "2 calls")

    transcript.apply(returned("made", "a"))
    assert now(transcript) == "Read: notes.txt"


def test_a_subagents_call_stands_for_the_one_that_started_it() -> None:
    transcript = turn(called("Task", "t", description="Look"), called("Bash", "u", parent="t", command="ls"))

    assert (now(transcript), calls(transcript)) == ("Bash: ls", "2 calls")


def test_what_is_asked_goes_first_and_nothing_goes_on_at_the_end() -> None:
    transcript = turn(called("Bash", "a", command="make"))
    ask(transcript, "x", "Bash", {"command": "make"})
    assert now(transcript) == "asks: Bash"

    assert now(finished(called("Bash", "a", command="make"))) == ""
    assert (now(Transcript("in line")), calls(Transcript("in line"))) == ("", "")


def test_between_calls_it_says_what_the_model_does() -> None:
    transcript = turn()
    for event in growing("one ", "two"):
        transcript.apply(event)
        if now(transcript):
            break

    assert now(transcript) == "writing"


def test_a_calls_words_are_one_line_that_hides_nothing() -> None:
    transcript = turn(called("Bash", "a", command="make", description="Build\u202e\nall\x1b[1m"))

    assert now(transcript).isprintable()


def test_the_item_of_the_to_do_list_that_is_worked_on_goes_before_what_runs() -> None:
    item = {"content": "Test it", "status": "in_progress", "activeForm": "Testing\u202e it"}
    transcript = turn(called("TodoWrite", "l", todos=[item]), returned("ok", "l"))
    assert now(transcript) == "Testing⟦U+202E⟧ it"

    transcript.apply(called("Bash", "a", command="make", description="Build it"))
    assert now(transcript) == "Testing⟦U+202E⟧ it · Build it"
