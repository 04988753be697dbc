"""A notebook whose Claude is the real CLI on the scripted model, and what its outputs say."""

from __future__ import annotations

import ast
import contextlib
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import psutil
import pytest
from endpoint_log import Endpoint
from kernel_client import Cell, NotebookKernel
from places import SCENARIO

__all__ = [
    "FAILED",
    "MagicNotebook",
    "Page",
    "html",
    "markdown",
    "offline_environment",
    "read_page",
    "shown",
    "static",
]

OWN = ("claude_magic.offline", "claude_agent_sdk")  # in the command lines of the processes we start


def offline_environment(folder: Path) -> dict[str, str]:
    """Variables that put a kernel or a terminal on the scripted model; its log is `folder`/endpoint.jsonl."""
    return {
        "CLAUDE_MAGIC_OFFLINE": "1",
        "CLAUDE_MAGIC_OFFLINE_SCENARIO": str(SCENARIO),
        "CLAUDE_MAGIC_OFFLINE_LOG": str(folder / "endpoint.jsonl"),
        "IS_SANDBOX": "1",  # or the CLI refuses bypassPermissions to root
    }


FAILED = "claude_magic: The turn failed; the reason is above."
STOPPED = "claude_magic: The turn was stopped; the reason is above."


class MagicNotebook(NotebookKernel):
    """A kernel on the scripted model.

    Args:
        folder: Where all its folders go; it works in `folder`/work.
        offline: Whether the model is the scripted one.
        env: More variables.
        more: What else NotebookKernel takes.

    Its page answers at once, with `page_names`, which conversation a session's answers name.
    """

    def __init__(
        self, folder: Path, *, offline: bool = True, env: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        self.folder = folder
        self.work = more.setdefault("cwd", folder / "work")
        self.work.mkdir(exist_ok=True)
        self.endpoint = Endpoint("", folder / "endpoint.jsonl")
        self.page_names: dict[str, Any] = {"session_id": ""}
        variables = offline_environment(folder) if offline else {}
        super().__init__(folder, env=variables | dict(env or {}), **more)

    def load(self) -> None:
        """Loads the extension."""
        cell = self.do("%load_ext claude_magic")
        assert (cell.stderr, cell.displays) == ("", [])

    def forget(self) -> None:
        """Unloads the extension, and empties the namespace, the configuration and the folders."""
        self.do(f"%unload_ext claude_magic\nimport os; os.chdir({str(self.folder)!r})")
        self.do("get_ipython().config.pop('ClaudeMagics', None);")
        self.endpoint.log.unlink(missing_ok=True)
        self.endpoint.mark()
        for folder in (self.folder / "state", self.folder / "ipython/profile_default/db", self.work):
            shutil.rmtree(folder, ignore_errors=True)
        self.work.mkdir()
        self.do(f"os.chdir({str(self.work)!r})\n%reset -f")

    def do(self, code: str, **how: Any) -> Cell:
        """Runs a cell that must succeed."""
        cell = self.run(code, **how)
        assert cell.ok, (cell.error and cell.error.text, cell.stdout, cell.stderr)
        return cell

    def printed(self, code: str) -> str:
        """What a cell prints, or else shows, as plain text."""
        cell = self.do(code)
        return (cell.stdout or "\n".join(each.data["text/plain"] for each in cell.displays)).strip()

    def value(self, expression: str) -> Any:
        """The value of an expression, by way of its repr."""
        return ast.literal_eval(self.printed(f"print(ascii({expression}))"))

    def error(self, code: str, **how: Any) -> str:
        """What an error says that a cell ends in: in its one line, or in the turn to which that refers."""
        cell = self.run(code, **how)
        assert cell.error is not None, cell
        assert len(cell.error.traceback) == 1, cell.error.text
        assert cell.error.text.startswith("claude_magic: ")
        assert "\n" not in cell.error.text
        if cell.error.text in {FAILED, STOPPED}:
            assert cell.error.value in shown(cell)
        return cell.error.value

    def conversation_files(self, session_id: str = "*") -> list[Path]:
        """The conversations that the CLI has written down. A walk through its folder meets locks that go."""
        config = self.folder / "state" / "claude_magic" / "offline" / "config"
        return list(config.glob(f"projects/*/{session_id}.jsonl"))

    def children(self) -> list[psutil.Process]:
        """The processes of ours that the kernel has started, with all below them."""
        found = []
        for child in psutil.Process(self.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
                if any(name in " ".join(child.cmdline()) for name in OWN):
                    found += [child, *child.children(recursive=True)]
        return found

    def claude_pid(self, name: str = "main") -> int:
        """The process of a session, as `%claude_status` has it."""
        line = next(
            line for line in self.printed(f"%claude_status {name}").splitlines() if line.startswith("process")
        )
        return int(line.split()[-1])

    def press(self, cell: Cell, button: str) -> None:
        """Presses a button of the widget that a cell shows: stop, cancel, fresh."""
        (widget,) = (message for message in cell.comms if "snapshot" in _state(message))
        content = {"type": "do", "what": button}
        self.send_comm(widget["content"]["comm_id"], {"method": "custom", "content": content})

    def _file(self, message: dict[str, Any]) -> None:
        super()._file(message)
        question = _state(message).get("question", {}) if message["msg_type"] == "comm_open" else {}
        if question.get("type") == "conversation":
            for content in ({"page": "p"}, {"page": "p", "answer": self.page_names}):
                self.send_comm(message["content"]["comm_id"], {"method": "custom", "content": content})

    def status(self, name: str = "") -> dict[str, str]:
        """What `%claude_status` says, by its labels."""
        lines = self.printed(f"%claude_status {name}").splitlines()
        width = next(line.index(line.split()[1]) for line in lines if line.startswith("session"))
        return {line[:width].strip(): line[width:] for line in lines}


def _state(message: dict[str, Any]) -> dict[str, Any]:
    """What a widget is made with."""
    state: dict[str, Any] = message["content"].get("data", {}).get("state", {})
    return state


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MagicNotebook]:
    """One kernel for all tests of a file."""
    with MagicNotebook(tmp_path_factory.mktemp("kernel")) as kernel:
        yield kernel


@pytest.fixture
def notebook(kernel: MagicNotebook) -> MagicNotebook:
    """The kernel of the file, with the extension just loaded and nothing remembered."""
    kernel.forget()
    kernel.load()
    return kernel


@pytest.fixture
def shared(kernel: MagicNotebook) -> MagicNotebook:
    """The kernel of the file as the test before has left it, for tests that do not mind."""
    kernel.load()
    return kernel


@pytest.fixture
def own_kernel(tmp_path: Path) -> Iterator[MagicNotebook]:
    """A kernel of the test's own, with the extension not yet loaded."""
    with MagicNotebook(tmp_path) as kernel:
        yield kernel


def static(cell: Cell) -> dict[str, Any]:
    """The output that stays, of the last turn of a cell; a widget may be beside it."""
    return [display.data for display in cell.displays if "text/html" in display.data][-1]


def shown(cell: Cell) -> str:
    """The turn that a cell shows, as plain text."""
    return str(static(cell)["text/plain"])


def markdown(cell: Cell) -> str:
    """The turn that a cell shows, as Markdown."""
    return str(static(cell)["text/markdown"])


def html(cell: Cell) -> str:
    """The turn that a cell shows, as HTML."""
    return str(static(cell)["text/html"])


@dataclass
class Page(HTMLParser):
    """HTML as a browser takes it: its text, its elements and their attributes."""

    text: str = ""
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if not self.elements or self.elements[-1][0] != "style" or "</style" in data:
            self.text += data

    @property
    def tags(self) -> set[str]:
        """The names of all elements."""
        return {tag for tag, _ in self.elements}

    @property
    def attributes(self) -> set[str]:
        """The names of all attributes."""
        return {name for _, attributes in self.elements for name in attributes}


def read_page(source: str) -> Page:
    """Takes HTML apart."""
    page = Page()
    page.feed(source)
    page.close()
    return page
