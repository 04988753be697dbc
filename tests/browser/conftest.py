"""Chromium and the Jupyter servers, started when a test first wants them, and notebooks in pages."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab import FIGURES, TIMEOUT, NotebookPage
from playwright.sync_api import Browser, expect, sync_playwright
from scenarios import write_scenario
from servers import FrontEnd, JupyterServer

HERE = Path(__file__).parent
# Nothing may call home, and no name but this machine's is looked up.
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]

OpenNotebook = Callable[..., NotebookPage]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if lines := terminalreporter.config.stash.get(FIGURES, None):
        terminalreporter.section("bytes of a live turn, without its final bundle")
        for line in lines:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Chromium keeps what it has compiled of a front end, a quarter of what opening a page costs."""
    return tmp_path_factory.mktemp("chromium")


@pytest.fixture(scope="module")
def browser(profile: Path) -> Iterator[Browser]:
    """Chromium, as the system has it, for one file of tests.

    Playwright's loop runs as long as it is open, and pytest-asyncio's tests need the thread for theirs.
    """
    program = shutil.which("chromium")
    assert program, "Chromium is missing; make test installs it"
    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        person = playwright.chromium.launch_persistent_context(
            profile, executable_path=program, args=CHROMIUM, env={"HOME": str(profile)}
        )
        assert person.browser is not None
        for context in (person, person.browser.new_context()):  # and another person
            context.set_default_timeout(TIMEOUT)
        yield person.browser
        person.close()


@pytest.fixture(scope="session")
def server_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[FrontEnd], JupyterServer]]:
    """The server of a front end."""
    started: dict[FrontEnd, JupyterServer] = {}
    scenario = write_scenario(tmp_path_factory.mktemp("scenario"))

    def server(kind: FrontEnd) -> JupyterServer:
        if kind not in started:
            folder = tmp_path_factory.mktemp(kind)
            started[kind] = JupyterServer(kind, folder, [HERE / "scenario.toml", scenario])
        return started[kind]

    yield server
    for each in started.values():
        each.stop()


@pytest.fixture(scope="session", params=["lab", "notebook"])
def front_end(request: pytest.FixtureRequest) -> FrontEnd:
    """JupyterLab and Notebook 7, one after the other."""
    kind: FrontEnd = request.param
    return kind


@pytest.fixture(scope="session")
def server(server_of: Callable[[FrontEnd], JupyterServer], front_end: FrontEnd) -> JupyterServer:
    """The server of either front end."""
    return server_of(front_end)


@pytest.fixture(scope="session")
def lab_server(server_of: Callable[[FrontEnd], JupyterServer]) -> JupyterServer:
    """JupyterLab's server."""
    return server_of("lab")


@pytest.fixture
def open_in(browser: Browser) -> Iterator[Callable[..., NotebookPage]]:
    """Opens fresh notebooks on a server; at the end nothing may have left this machine."""
    opened: list[NotebookPage] = []

    def open_one(server: JupyterServer, *cells: str, **look: Any) -> NotebookPage:
        server.endpoint.mark()
        notebook = NotebookPage.fresh(browser, server, ["%load_ext claude_magic", *cells], **look)
        opened.append(notebook)
        notebook.run(0)
        return notebook

    yield open_one
    for notebook in opened:
        notebook.close()
    assert [notebook.traffic.outside for notebook in opened] == [[] for _ in opened]


@pytest.fixture(scope="module")
def desks(
    browser: Browser,  # noqa: ARG001  # outlives the notebooks, as the servers do
    server_of: Callable[[FrontEnd], JupyterServer],  # noqa: ARG001
) -> Iterator[dict[FrontEnd, NotebookPage]]:
    """One long-lived notebook a front end, since opening one takes seconds."""
    desks: dict[FrontEnd, NotebookPage] = {}
    yield desks
    for desk in desks.values():
        desk.close()


@pytest.fixture
def desk_on(
    browser: Browser, desks: dict[FrontEnd, NotebookPage]
) -> Iterator[Callable[[JupyterServer], NotebookPage]]:
    """The notebook that tests of a front end share: loaded, and without any cell but the first."""
    used: list[NotebookPage] = []

    def desk_of(server: JupyterServer) -> NotebookPage:
        server.endpoint.mark()
        if server.kind not in desks:
            desks[server.kind] = NotebookPage.fresh(browser, server, ["%load_ext claude_magic"])
            desks[server.kind].run(0)
        used.append(desks[server.kind])
        return desks[server.kind]

    yield desk_of
    for desk in used:
        outside, errors = list(desk.traffic.outside), list(desk.traffic.errors)
        if not desk.tidy():
            desks.pop(desk.server.kind).close()
        assert (outside, errors) == ([], [])


@pytest.fixture
def desk(desk_on: Callable[[JupyterServer], NotebookPage], server: JupyterServer) -> NotebookPage:
    """The shared notebook of either front end."""
    return desk_on(server)


@pytest.fixture
def lab(desk_on: Callable[[JupyterServer], NotebookPage], lab_server: JupyterServer) -> NotebookPage:
    """The shared notebook of JupyterLab."""
    return desk_on(lab_server)


@pytest.fixture
def reopen(browser: Browser) -> Iterator[Callable[..., NotebookPage]]:
    """Closes a saved notebook with its kernel and opens its file again; untrusted, without a kernel."""
    opened: list[NotebookPage] = []

    def reopen_one(notebook: NotebookPage, *, trusted: bool = False, **look: Any) -> NotebookPage:
        notebook.close()
        again = NotebookPage(browser, notebook.server, notebook.name, **look)
        opened.append(again)
        if trusted:
            again.open()
            again.wait_for_kernel()
        else:
            again.open_as_a_stranger()
        assert again.trusted is trusted
        return again

    yield reopen_one
    for notebook in opened:
        notebook.close()
    assert [notebook.traffic.outside for notebook in opened] == [[] for _ in opened]


@pytest.fixture
def shared_notebook(
    browser: Browser, server_of: Callable[[FrontEnd], JupyterServer]
) -> Iterator[Callable[..., tuple[NotebookPage, NotebookPage]]]:
    """Opens a fresh notebook in two pages that share it by jupyter-collaboration; the extension is loaded."""
    opened: list[NotebookPage] = []
    server = server_of("collaboration")

    def open_both(*cells: str) -> tuple[NotebookPage, NotebookPage]:
        server.endpoint.mark()
        one = NotebookPage.fresh(browser, server, ["%load_ext claude_magic", *cells])
        two = NotebookPage(browser, server, one.name, person=1)
        opened.extend((two, one))
        two.open()
        two.wait_for_kernel()
        one.run(0)
        return one, two

    yield open_both
    for notebook in opened:
        notebook.close(kernel=notebook is opened[-1])
    assert [notebook.traffic.outside for notebook in opened] == [[] for _ in opened]


@pytest.fixture
def in_lab(open_in: OpenNotebook, lab_server: JupyterServer) -> OpenNotebook:
    """Opens fresh notebooks in JupyterLab."""
    return lambda *cells, **look: open_in(lab_server, *cells, **look)
