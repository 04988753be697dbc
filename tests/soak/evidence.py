"""What a soak leaves to be looked at: what sessions heard, the CLI's own files, processes, locks."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
from waiting import wait_until

__all__ = ["MARK", "Heard", "locked", "marked", "said_in", "said_to_model", "until_none"]

MARK = "CLAUDE_MAGIC_SOAK"  # in the environment of a kernel and of everything that it starts

# Run in each kernel: what its sessions hear first of each turn goes into a file that outlives the kernel.
_LISTEN = """
from claude_magic.session.turn import Turn as _Turn

def _listening(turn, event, handle=_Turn.handle):
    handle(turn, event)
    delta = getattr(getattr(event, "event", None), "delta", None)
    what = "taken" if getattr(event, "is_replay", False) else "text" if delta and delta.text else ""
    if what and what not in turn.__dict__:
        turn.__dict__[what] = True
        with open(PATH, "a") as file:
            print(what, turn.prompt, file=file)

_Turn.handle = _listening
"""


class Heard:
    """What the sessions of a notebook have heard.

    Args:
        path: The file that the kernel writes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def listen(self) -> str:
        """A cell that begins to listen."""
        return _LISTEN.replace("PATH", repr(str(self.path)))

    def of(self, word: str) -> list[str]:
        """Of the turn whose prompt holds a word: "taken", "text"."""
        if not self.path.exists():
            return []
        return [line.split()[0] for line in self.path.read_text().splitlines() if word in line.split()]


def said_in(written: str) -> Iterator[str]:
    """What the person said in a conversation, as the CLI's file has it; without what the CLI added."""
    for line in written.splitlines():
        if '"type":"user"' not in line:
            continue
        try:
            record = json.loads(line)
        except ValueError:  # the CLI was killed while it wrote
            continue
        if record["type"] == "user" and not record.get("isMeta") and not record.get("isSidechain"):
            yield from _texts(record["message"]["content"])


def _texts(content: str | list[dict[str, str]]) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    else:
        yield from (block["text"] for block in content if block["type"] == "text")


def said_to_model(log: Path, word: str) -> list[str]:
    """What the person has said in the request that reached the model for the prompt with a word."""
    with log.open(encoding="utf-8") as file:
        *_, line = (line for line in file if f'"prompt": "soak {word} ' in line)
    messages = json.loads(line)["body"]["messages"]
    return [text for message in messages if message["role"] == "user" for text in _texts(message["content"])]


def marked(mark: str) -> list[psutil.Process]:
    """The processes with a mark that begins so: a kernel's, or all of a soak's."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK, "").startswith(mark) and _lives(process):
                found.append(process)
    return found


def until_none(left: Callable[[], list[psutil.Process]], bound: float = 10.0) -> float:
    """Waits until no process is left.

    Returns:
        Seconds it took.

    Raises:
        TimeoutError: Some are left after `bound` seconds.
    """
    began = time.monotonic()
    wait_until(lambda: not left(), bound, left)
    return time.monotonic() - began


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def locked(folder: Path) -> list[str]:
    """The databases below a folder that somebody holds."""
    found = []
    for path in folder.rglob("*.sqlite"):
        with contextlib.closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as database:
            try:
                database.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                found.append(path.name)
    return found
