"""A turn as a live widget, and beside it the static output that stays.

Two outputs make a turn. The widget is sent patches while the turn runs; the static one holds a line for a
notebook saved meanwhile, hidden by the widget's style, and in the end the whole turn, when the widget gives
way to it.

The promise: the page is a stranger. What it sends is taken only if it is one of `page_messages.Action`
and fits what is asked just then, and then only on the loop that the turn lives on, whichever thread it came
in by.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from IPython.display import publish_display_data

from claude_magic.permissions import Asker, Decision, PermissionRequest
from claude_magic.transcript import TurnState
from claude_magic.views.html import turn as html
from claude_magic.views.live import page_messages
from claude_magic.views.live.patches import Patch, TurnModel
from claude_magic.views.live.throttle import Throttle
from claude_magic.views.live.widget import TurnWidget
from claude_magic.views.output import StaticView

if TYPE_CHECKING:
    from markupsafe import Markup

    from claude_magic.transcript import Transcript

__all__ = ["Controls", "LiveView"]

log = logging.getLogger(__name__)
_HELLO_TIMEOUT = 4.0  # seconds that a page may take to show the widget before `input()` is used instead
_MOUNT_TIME = 2.0  # seconds in which a page that will show the widget has done so
_TAKING_TIME = 4.0  # seconds that a page has for putting the end into the notebook, before another may
_FIRST_SNAPSHOT = (
    2_000  # characters; where a page cannot ask for one, the next comes when there are four times as many
)


class Controls(Protocol):
    """What a page may do to the turn and its session."""

    def stop(self, *, again: bool = False) -> None:
        """Stops the turn, or takes it out of the queue; `again` while it stops, ends the process."""
        ...

    def set_mode(self, mode: str) -> None:
        """Sets the session's permission mode."""
        ...

    def start_fresh(self) -> None:
        """Has the next prompt begin a new conversation."""
        ...

    async def undo(self) -> str:
        """Takes back what the turn has changed, and says what came of it."""
        ...


class LiveView:
    """Shows one turn in a widget, and asks there.

    Args:
        transcript: The turn.
        controls: What the buttons do.
        ask: Asks where no message from the page arrives.
        hears: Messages from the page arrive while the turn runs; found out if they do all the same.
        waits: A request may wait until somebody opens the page: nobody waits for the cell.
        in_page: A page shows the turn, and follows its updates; found out by what the page says if not known.
        notify: The page may call the person when Claude asks or a long turn ends.
        publish: As `IPython.display.publish_display_data`.
        widget: Makes the widget from what gives its state.
        clock: The time in seconds.
    """

    def __init__(
        self,
        transcript: Transcript,
        controls: Controls,
        ask: Asker,
        *,
        hears: bool = True,
        waits: bool = False,
        in_page: bool = True,
        notify: bool = True,
        publish: Callable[..., None] = publish_display_data,
        widget: Callable[[Callable[[], Patch]], Any] = TurnWidget,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.transcript = transcript
        self._controls = controls
        self._ask = ask
        self._waits = waits
        self._in_page = in_page
        self._shown_anew = False
        self._end_free = 0.0  # when the end may be given to another page
        self._open_requests: dict[str, tuple[PermissionRequest, asyncio.Future[Decision]]] = {}
        self._model = TurnModel(transcript, self._open_requests)
        self._model.notify = notify
        self._heard = asyncio.Event()
        self._hears = hears
        self._static = StaticView(transcript, publish)
        self._publish = publish
        self._make_widget = widget
        self._display_id = f"claude-{uuid.uuid4().hex}"
        self._clock = clock
        self._throttle = Throttle(clock)
        self._news: object = None
        self._snapshot_due = _FIRST_SNAPSHOT
        self._complained = False
        self._set_reach()

    # The view

    def start(self) -> None:
        """Makes both outputs, in the cell that is executing."""
        self._loop = asyncio.get_running_loop()
        self._static.start_beside_widget()
        self._model.patch()
        self._widget = self._make_widget(self._model.snapshot)
        self._widget.on_msg(self._from_page)
        view = {"version_major": 2, "version_minor": 0, "model_id": self._widget.model_id}
        self._show_widget({"application/vnd.jupyter.widget-view+json": view, "text/plain": ""}, update=False)
        self._started = self._clock()
        self.transcript.urgent.append(self._push)

    async def follow(self) -> None:
        """Brings the widget up to date until the turn has ended; then the static output takes its place."""
        revision = -1
        while not self.transcript.state.is_over:
            revision = await self.transcript.changed(revision)
            revision = await self._rest(revision)
            await self._prepare()
            self._push()
        self._open_requests.clear()
        await self._prepare()
        self._push()
        self._show_widget({}, update=True)
        await self._static.show_end()
        if not self._waits and not await self._is_followed():
            self._show_anew()

    def publish_again(self) -> None:
        """Shows the end of the turn once more."""
        self._show_widget({}, update=True)
        self._static.publish_again()
        if not self._in_page and not self._heard.is_set():
            self._show_anew()

    async def _is_followed(self) -> bool:
        """Whether a page has shown the widget: the others never show the updates of an output."""
        if self._hears and not self._in_page:
            seconds = _MOUNT_TIME - (self._clock() - self._started)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._heard.wait(), max(seconds, 0))
        return self._in_page or self._heard.is_set()

    def _show_anew(self) -> None:
        self._shown_anew = True
        self._static.show_anew()

    # Asking

    async def __call__(self, request: PermissionRequest, /) -> Decision:
        """The person's decision, by a card where the page can answer, else by what was given to ask with."""
        if not await self._reaches_page():
            self._push()
            return await self._ask(request)
        answer: asyncio.Future[Decision] = self._loop.create_future()
        self._open_requests[request.id] = request, answer
        self._push()
        try:
            return await answer
        finally:
            self._open_requests.pop(request.id, None)

    async def _reaches_page(self) -> bool:
        if self._heard.is_set() or (self._waits and self._in_page):
            return True
        if not self._hears:
            return False
        try:
            await asyncio.wait_for(self._heard.wait(), _HELLO_TIMEOUT)
        except TimeoutError:  # a front end without widgets
            self._hears = False
            self._set_reach()
        return self._heard.is_set()

    def _set_reach(self) -> None:
        reaches = self._hears or self._heard.is_set()
        self._model.controls = reaches
        self._model.note = "" if reaches else "interrupt to stop"

    # Sending

    async def _rest(self, revision: int) -> int:
        """Waits until a message may go and is worth it."""
        while not self.transcript.state.is_over:
            if delay := self._throttle.delay():
                revision = await self._sleep(delay, revision)
            length, steps = self.transcript.length, self.transcript.steps
            if self._has_news() or self._throttle.is_due(length, steps):
                break
            try:
                async with asyncio.timeout(self._throttle.rest(length, steps)):
                    revision = await self.transcript.changed(revision)
            except TimeoutError:
                break
        return revision

    async def _sleep(self, seconds: float, revision: int) -> int:
        """Sleeps, but not past the end of the turn: the cell waits for that."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.transcript.state.is_over:
                    revision = await self.transcript.changed(revision)
        return revision

    def _has_news(self) -> bool:
        """Something is there that somebody waits for: anything but more text."""
        transcript = self.transcript
        last = transcript.blocks[-1] if transcript.blocks else None
        kind = type(last), last.number if last else 0
        now = (transcript.state, transcript.ahead, transcript.steps, kind, transcript.permission_mode)
        before, self._news = self._news, now
        return now != before

    async def _prepare(self) -> None:
        """Makes what takes long in a thread."""
        texts = self._model.heavy()
        self._model.markup = await asyncio.to_thread(_render_sections, texts) if texts else {}

    def _push(self) -> None:
        """Sends what is new."""
        start = time.perf_counter()
        patch = self._model.patch()
        if patch is None:
            return
        self._widget.send({"type": "patch", **patch})
        length = self.transcript.length
        self._throttle.record(len(msgspec.json.encode(patch)), length, time.perf_counter() - start)
        if not self._hears and not self._heard.is_set() and length >= self._snapshot_due:
            self._snapshot_due = 4 * length
            self._sync()

    def _sync(self) -> None:
        """Sends all that the page should be showing."""
        self._widget.send_state("snapshot")
        self._throttle.record(self.transcript.length, self.transcript.length, 0.0)

    def _show_widget(self, bundle: dict[str, object], *, update: bool) -> None:
        self._publish(bundle, transient={"display_id": self._display_id}, update=update)

    # What the page says

    def _from_page(self, _widget: object, content: object, _buffers: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._handle, content)

    def _handle(self, content: object) -> None:
        action = page_messages.action(content)
        if action is None:
            if not self._complained:
                log.warning("A message from the page was ignored: it is none that a turn takes.")
            self._complained = True
            return
        self._heard.set()
        self._set_reach()
        self._widget.send({"type": "heard"})
        try:
            self._do(action)
        except Exception as error:
            log.exception("A button failed")
            self.transcript.notice(f"That did not work: {error!r}", "error")

    def _do(self, action: page_messages.Action) -> None:
        state = self.transcript.state
        match action:
            case page_messages.Do("hello"):
                pass
            case page_messages.Do("sync"):
                self._push()
                self._sync()
            case page_messages.Decide():
                self._decide(action)
            case _ if state.is_over:
                self._do_at_the_end(action)
            case page_messages.Do("stop" | "kill" as what) if state is not TurnState.QUEUED:
                self._controls.stop(again=what == "kill")
            case page_messages.Do("cancel") if state is TurnState.QUEUED:
                self._controls.stop()
            case page_messages.Do("fresh"):
                self._controls.start_fresh()
            case page_messages.SetMode(mode):
                self._controls.set_mode(mode)
            case _:
                self._sync()

    def _do_at_the_end(self, action: page_messages.Action) -> None:
        match action:
            case page_messages.TakeEnd(page):
                self._give_end(page)
            case page_messages.Do("answer"):
                self._widget.send({"type": "answer", "text": self.transcript.answer})
            case page_messages.Do("undo"):
                self._undo_task = asyncio.ensure_future(self._undo())
            case _:
                self._sync()

    async def _undo(self) -> None:
        said = await self._controls.undo()
        self._widget.send({"type": "undo", "text": said, "left": self.transcript.can_be_undone})
        self._push()

    def _give_end(self, page: str) -> None:
        """Has one page put the end into the notebook: what several pages put into a shared one adds up."""
        if self._clock() >= self._end_free:
            self._end_free = self._clock() + _TAKING_TIME
            self._end_task = asyncio.ensure_future(self._send_end(page))

    async def _send_end(self, page: str) -> None:
        """Sends a page what the static output holds in the end, where its display id is forgotten."""
        end = {"data": {}, "metadata": {}} if self._shown_anew else await self._static.end()
        output = {"output_type": "display_data", **end}
        self._widget.send({"type": "end", "page": page, "model": self._widget.model_id, "output": output})

    def _decide(self, action: page_messages.Decide) -> None:
        request, answer = self._open_requests.get(action.id, (None, None))
        decision = page_messages.decision(request, action) if request else None
        if decision is None or answer is None or answer.done():
            self._sync()  # answered already, or never asked: the page is to show how it is
        else:
            answer.set_result(decision)


def _render_sections(texts: list[str]) -> dict[str, Markup]:
    return {text: html.section(text, finished=True) for text in texts}
