"""A notebook in the browser: opened, run, saved, reloaded and closed as a person does it.

Every wait is a locator's or a condition in the page; nothing sleeps. Everything the page asks for is listened
to: what would leave this machine is kept in `Traffic.outside`.
"""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, WebSocket, expect
from servers import JupyterServer

__all__ = ["FIGURES", "Frame", "NotebookPage", "Traffic"]

FIGURES = pytest.StashKey[list[str]]()  # lines for the end of the run
TIMEOUT = 30_000  # milliseconds; a busy machine takes ten times what an idle one does
_LOCAL = {"127.0.0.1", "localhost"}
_DONE = re.compile(r"\[\d+\]")
_CONNECTED = """() => {
  const session = window.jupyterapp?.shell?.currentWidget?.sessionContext?.session;
  return session?.kernel?.connectionStatus === "connected";
}"""
_READY = """() => {
  const session = window.jupyterapp?.shell?.currentWidget?.sessionContext?.session;
  return session?.kernel?.connectionStatus === "connected" && session.kernel.status === "idle";
}"""
# Behind a gateway the page's first question is lost at times: "Unknown", until a person reconnects.
_REACHED = """() => {
  const kernel = window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel;
  if (kernel?.connectionStatus === "connected" && kernel.status === "unknown") void kernel.reconnect();
  return kernel?.status === "idle";
}"""
_RUN = """(index) => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.deselectAll();
  notebook.activeCellIndex = index;
  void window.jupyterapp.commands.execute("notebook:run-cell");
}"""
_ADD = """(source) => {
  const model = window.jupyterapp.shell.currentWidget.content.model.sharedModel;
  model.insertCell(model.cells.length, {cell_type: "code", source, metadata: {trusted: true}, outputs: []});
  return model.cells.length - 1;
}"""
_TRUSTED = """() => {
  const cells = [...window.jupyterapp.shell.currentWidget.content.model.cells];
  return cells.every((cell) => cell.trusted);
}"""
_TRUST = """() => {
  for (const cell of window.jupyterapp.shell.currentWidget.content.model.cells) { cell.trusted = true; }
}"""
_CLEAR = """() => {
  const model = window.jupyterapp.shell.currentWidget.content.model.sharedModel;
  while (model.cells.length > 1) { model.deleteCell(model.cells.length - 1); }
}"""


@dataclass(frozen=True, slots=True)
class Frame:
    """A message of a kernel's websocket as the page got it; `at` is when the kernel sent it, in seconds."""

    at: float
    kind: str
    size: int
    content: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, payload: str | bytes) -> Frame:
        """Takes a frame apart; protocol v1.kernel.websocket.jupyter.org where it is binary."""
        if isinstance(payload, str):
            message = json.loads(payload)
            header, content = message["header"], message["content"]
            return cls(_seconds(header), str(header["msg_type"]), len(payload), content)
        (count,) = struct.unpack_from("<Q", payload)
        offsets = struct.unpack_from(f"<{count}Q", payload, 8)
        header, content = (json.loads(payload[offsets[i] : offsets[i + 1]]) for i in (1, 4))
        return cls(_seconds(header), header["msg_type"], len(payload), content)


@dataclass
class Traffic:
    """What a page asks for and is sent."""

    outside: list[str] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    reading: bool = False

    def listen(self, page: Page) -> None:
        """Listens to a page and what it opens; of the person's other pages only to what they ask for."""
        page.context.on("request", self._on_request)
        self._on_page(page)

    def _on_page(self, page: Page) -> None:
        page.on("websocket", self._on_websocket)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("popup", self._on_page)

    def _on_request(self, request: Request) -> None:
        self._check(request.url)

    def _on_websocket(self, socket: WebSocket) -> None:
        self._check(socket.url)
        if "/channels" in socket.url:
            socket.on("framereceived", self._on_frame)

    def _on_frame(self, payload: str | bytes) -> None:
        if self.reading:
            self.frames.append(Frame.read(payload))

    def _check(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob", "about"} and parts.hostname not in _LOCAL:
            self.outside.append(url)


class NotebookPage:
    """A notebook that is open in a page.

    Args:
        browser: The browser, with a context for each person.
        server: Where the notebook is.
        name: Its file.
        size: The window, in pixels.
        dark: Jupyter's dark theme.
        motion: Whether the person likes things to move.
        person: Whose page. What one page has fetched, another of the same person need not fetch again.
    """

    def __init__(
        self,
        browser: Browser,
        server: JupyterServer,
        name: str,
        *,
        size: tuple[int, int] = (1280, 900),
        dark: bool = False,
        motion: bool = True,
        person: int = 0,
    ) -> None:
        self.server = server
        self.name = name
        self.traffic = Traffic()
        self.context = browser.contexts[person]
        self.page = self.context.new_page()
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.page.emulate_media(
            color_scheme="dark" if dark else "light", reduced_motion="no-preference" if motion else "reduce"
        )
        self.traffic.listen(self.page)

    @classmethod
    def fresh(cls, browser: Browser, server: JupyterServer, cells: list[str], **look: Any) -> Self:
        """Writes a notebook, opens it and waits until its kernel is idle."""
        notebook = cls(browser, server, server.write(cells), **look)
        notebook.open()
        notebook.wait_for_kernel()
        return notebook

    def open(self) -> None:
        """Opens the notebook."""
        self.page.goto(self.server.page_url(self.name))
        self.wait_until_shown()

    def open_as_a_stranger(self) -> None:
        """Opens the file as who has not run it gets it: nothing in it is trusted, and no kernel starts."""
        saved = self.file
        saved["metadata"] = {}  # no kernelspec to start, and another content than the signed one
        (self.server.notebooks / self.name).write_text(json.dumps(saved), encoding="utf-8")
        self.page.goto(self.server.page_url(self.name))
        dialog = self.page.locator(".jp-Dialog")
        dialog.locator("select").select_option(label="No Kernel")
        dialog.locator(".jp-mod-accept").click()
        self.wait_until_shown()

    @property
    def trusted(self) -> bool:
        """Whether all cells are."""
        return bool(self.page.evaluate(_TRUSTED))

    def trust(self) -> None:
        """Trusts the notebook, as the command of that name does once it is confirmed."""
        self.page.evaluate(_TRUST)

    def wait_until_shown(self) -> None:
        """The notebook is on the screen, with its cells."""
        expect(self.cells.first).to_be_visible(timeout=TIMEOUT)

    def wait_for_kernel(self) -> None:
        """The kernel is there and idle."""
        if self.server.gateway:
            self.page.wait_for_function(_REACHED, polling=3000)
        self.page.wait_for_function(_READY)
        self.traffic.errors.clear()  # Notebook 7 has one of its own when it opens

    def reload(self) -> None:
        """Loads the page again, as F5 does."""
        self.page.reload()
        self.wait_until_shown()
        self.page.wait_for_function(_CONNECTED)
        self.traffic.errors.clear()

    def close(self, *, kernel: bool = True) -> None:
        """Closes the page, and ends the kernel with `kernel`."""
        self.page.close()
        if kernel:
            self.server.shut_down(self.name)

    # Cells

    @property
    def cells(self) -> Locator:
        """All code cells."""
        return self.page.locator(".jp-Notebook .jp-CodeCell")

    def cell(self, index: int) -> Locator:
        """A cell."""
        return self.cells.nth(index)

    def output(self, index: int) -> Locator:
        """All outputs of a cell."""
        return self.cell(index).locator(".jp-Cell-outputWrapper")

    def add(self, source: str) -> int:
        """Adds a cell at the end and returns its index."""
        index = int(self.page.evaluate(_ADD, source))
        expect(self.cells).to_have_count(index + 1)
        return index

    def start(self, index: int) -> None:
        """Runs a cell, without waiting for its end."""
        self.page.evaluate(_RUN, index)

    def wait(self, index: int, timeout: float = TIMEOUT) -> None:
        """Waits until a cell that was started has ended."""
        expect(self.cell(index).locator(".jp-InputArea-prompt")).to_have_text(_DONE, timeout=timeout)

    def run(self, index: int, timeout: float = TIMEOUT) -> None:
        """Runs a cell to its end."""
        self.start(index)
        self.wait(index, timeout)

    def ask(self, prompt: str, options: str = "") -> int:
        """Adds a `%%claude` cell, runs it and does not wait; returns its index."""
        index = self.add(f"%%claude {options}\n{prompt}")
        self.start(index)
        return index

    def printed(self, code: str) -> str:
        """What a cell prints or shows."""
        index = self.add(code)
        self.run(index)
        expect(self.output(index).locator(".jp-RenderedMarkdown:empty")).to_have_count(0)  # filled later
        return self.output(index).inner_text().strip()

    def tidy(self) -> bool:
        """Makes it as it was when it was opened; False if that cannot be done."""
        self.traffic.reading = False
        for traces in (self.traffic.frames, self.traffic.outside, self.traffic.errors):
            traces.clear()
        if self.page.locator(".jp-InputArea-prompt", has_text="[*]").count() or self.ran() is not None:
            return False
        self.page.evaluate(_CLEAR)
        expect(self.cells).to_have_count(1)
        index = self.add("%reload_ext claude_magic\n%reset -f\nprint('tidy')")
        self.run(index)
        tidy = self.output(index).inner_text().strip() == "tidy"
        self.page.evaluate(_CLEAR)
        return tidy

    def tidy_after_stop(self) -> bool:
        """Stops what runs, and makes the notebook as it was."""
        self.run(self.add("%claude_stop --all"))
        return self.tidy()

    # Commands of the front end

    def command(self, name: str, **arguments: Any) -> None:
        """Executes a command of the front end, as its menu does."""
        self.page.evaluate(
            "([name, args]) => window.jupyterapp.commands.execute(name, args)", [name, arguments]
        )

    def save(self) -> dict[str, Any]:
        """Saves, and returns what is in the file."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")
        return self.file

    @property
    def file(self) -> dict[str, Any]:
        """The notebook's file."""
        saved: dict[str, Any] = json.loads((self.server.notebooks / self.name).read_text(encoding="utf-8"))
        return saved

    def use_theme(self, *, dark: bool) -> None:
        """Switches Jupyter's theme."""
        self.command("apputils:change-theme", theme=f"JupyterLab {'Dark' if dark else 'Light'}")
        expect(self.page.locator(f"body[data-jp-theme-light='{str(not dark).lower()}']")).to_be_attached()

    # What a test asserts

    def ran(self) -> Any:
        """What a script of a payload has left behind; None unless one ran."""
        return self.page.evaluate("() => window.ran ?? null")

    def listening(self) -> list[Frame]:
        """Begins to keep what the kernel's websocket brings, and returns the list that grows."""
        self.traffic.frames.clear()
        self.traffic.reading = True
        return self.traffic.frames


def _seconds(header: dict[str, str]) -> float:
    return datetime.fromisoformat(header["date"]).timestamp()
