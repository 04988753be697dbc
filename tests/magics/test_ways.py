"""The two ways through the house: a prompt's to the process, an event's to the page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from magic_fixtures import MagicNotebook

pytestmark = pytest.mark.kernel

MOST = 10  # files on a way; who is only asked, as wording and settings are, is not on it

# Where a way goes on in another task, whoever hands over is found on the stack.
FOLLOW = '''
import ipywidgets, sys
from pathlib import Path
import claude_magic
from claude_magic.processes.child import ChildProcess
from claude_magic.session.queue import TurnQueue
from claude_magic.session.stream import Stream
from claude_magic.transcript.builder import Builder

ROOT = Path(claude_magic.__file__).parent
ways = {"prompt": [], "event": []}

def brought_by(frame):
    """The files of those who have brought it here, from the first to the last."""
    files = []
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT):
            files.insert(0, str(path.relative_to(ROOT)))
        frame = frame.f_back
    return files

def follow(owner, name, way, carries=lambda *_: True, after=""):
    function = getattr(owner, name)
    taker = Path(function.__code__.co_filename)
    def followed(self, *given, **more):
        files = brought_by(sys._getframe(1))
        if carries(*given) and (not after or after in (*files[-1:], *ways[way])):
            files += [str(taker.relative_to(ROOT))] if taker.is_relative_to(ROOT) else []
            ways[way] += [file for file in dict.fromkeys(files) if file not in ways[way]]
        return function(self, *given, **more)
    setattr(owner, name, followed)

follow(TurnQueue, "add", "prompt", lambda turn: "follow me" in turn.prompt)
follow(ChildProcess, "write", "prompt", lambda data: b"follow me" in data)
follow(ChildProcess, "read", "event", after="claude_cli/process.py")
follow(Stream, "handle", "event")
follow(Builder, "touch", "event", lambda *_: "session/stream.py" in brought_by(sys._getframe(2)))
follow(ipywidgets.Widget, "send", "event", lambda sent: sent.get("type") == "patch", "session/stream.py")
'''


def test_a_prompt_and_an_event_pass_at_most_ten_files_each(
    notebook: MagicNotebook, figure: Callable[[str], None]
) -> None:
    notebook.do(FOLLOW)
    notebook.do("%%claude\nsay follow me", allow_stdin=True)
    ways = notebook.value("ways")
    for way, files in ways.items():
        figure(f"{way}: {len(files)} files: " + " -> ".join(files))
    assert {"magics/sessions.py", "session/session.py", "processes/child.py"} <= {*ways["prompt"]}
    assert {"processes/child.py", "transcript/reducer.py", "views/live/view.py"} <= {*ways["event"]}
    assert all(len(files) <= MOST for files in ways.values())
