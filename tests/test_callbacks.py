"""Callbacks: somebody else's code, which may fail as often as it likes."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from claude_magic.processes.exit_reason import start_error
from claude_magic.processes.manager import ProcessManager
from claude_magic.support.callbacks import Callbacks


def test_a_callback_that_raises_400_times_is_told_of_once_for_each_kind_of_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[str] = []
    heard: list[object] = []
    callbacks = Callbacks(told.append)
    callbacks.add("output", lambda value: 1 / (value - 7 * (value // 7)))
    callbacks.add("output", heard.append)
    for value in ("text", *range(400)):
        callbacks.emit("output", value)
    assert len(told) == len(caplog.records) == 2  # what is no number, and a division by zero
    assert told[1] == "A callback for 'output' raised ZeroDivisionError('division by zero')."
    assert heard == ["text", *range(400)]


def test_taking_a_callback_off_twice_leaves_what_was_added_again() -> None:
    heard: list[object] = []
    callbacks = Callbacks()
    off = callbacks.add("exit", heard.append)
    callbacks.add("exit", heard.append)
    off()
    off()
    callbacks.emit("exit", 1)
    assert heard == [1]


def test_a_process_managers_callback_can_be_taken_off_twice() -> None:
    off = ProcessManager().on("exit", print)
    off()
    off()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EAGAIN, errno.ENOMEM, errno.EIO])
def test_what_could_not_be_started_is_named(number: int) -> None:
    error = start_error("/usr/bin/git", Path("/"), OSError(number, "no"))
    assert "git" in str(error)
    assert "claude" not in str(error)
