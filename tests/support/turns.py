"""Turns to look at, and readers of HTML that say what a browser would make of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from claude_magic.permissions import Behavior, Decision, PermissionRequest
from claude_magic.prompt import Attachment
from claude_magic.result import Result, Usage
from claude_magic.transcript import Transcript
from claude_magic.views.html.style import style
from claude_magic.wire import events as wire

TAGS = frozenset(
    {
        *(
            "a",
            "blockquote",
            "br",
            "code",
            "del",
            "details",
            "div",
            "em",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
        ),
        *(
            "img",
            "li",
            "ol",
            "p",
            "pre",
            "s",
            "span",
            "strong",
            "summary",
            "table",
            "tbody",
            "td",
            "th",
        ),
        *("thead", "tr", "ul"),
    }
)
ATTRIBUTES = frozenset({"class", "dir", "open", "href", "rel", "target", "start", "src", "alt"})


class Page(HTMLParser):
    """The elements of some HTML, its links and its visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self._text: list[str] = []
        self._in_style = False
        self.feed(str(html))  # what is joined to Markup would be escaped
        self.close()

    @property
    def text(self) -> str:
        return "".join(self._text)

    def values(self, name: str) -> list[str]:
        return [value for _, key, value in self.attributes if key == name]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._in_style = tag == "style"
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        self._in_style = self._in_style and tag != "style"

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self._text.append(data)


class Outline(HTMLParser):
    """HTML as `div.notice.info(text)`: elements with our classes, other attributes, and what is inside."""

    def __init__(self, made: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(str(made))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        classes = (facts.pop("class", "") or "").split()
        others = "".join(f"[{name}={value}]" for name, value in sorted(facts.items()))
        self.text += "".join([tag, *(f".{name.removeprefix('claude-')}" for name in classes), others])
        self.text += "" if tag in {"br", "img"} else "("

    def handle_endtag(self, _tag: str) -> None:
        self.text += ")"

    def handle_data(self, data: str) -> None:
        self.text += data


def outline(made: str) -> str:
    return Outline(made).text


def dangers(html: str) -> list[str]:
    """Everything in some HTML that could act: empty for what we make."""
    page = Page(html.replace(style(), ""))
    found = [f"<{tag}>" for tag in page.tags if tag not in TAGS]
    found += [f"{tag} {name}={value[:40]}" for tag, name, value in page.attributes if name not in ATTRIBUTES]
    found += [f"dir={value}" for value in page.values("dir") if value not in {"ltr", "rtl"}]
    found += [link for link in page.values("href") if not re.match(r"(?i)https?://|mailto:", link)]
    found += [
        src for src in page.values("src") if not re.match(r"data:image/(png|jpeg|gif|webp);base64,", src)
    ]
    found += [
        name
        for name in page.values("class")
        if not re.fullmatch(r"(claude-[a-z-]+|[a-z][a-z0-9]?|(mathjax|tex2jax)_(process|ignore)| )*", name)
    ]
    return found


def called(
    name: str, call: str = "t", *, parent: str | None = None, **given: object
) -> wire.AssistantMessage:
    content = [wire.Block(type="tool_use", id=call, name=name, input=given)]
    return wire.AssistantMessage(message=wire.Message(id="m", content=content), parent_tool_use_id=parent)


def returned(
    text: str, call: str = "t", *, failed: bool = False, details: object = None, parent: str | None = None
) -> wire.UserMessage:
    content = [wire.Block(type="tool_result", tool_use_id=call, content=text, is_error=failed)]
    message = wire.Message(content=content)
    return wire.UserMessage(message=message, tool_use_result=details, parent_tool_use_id=parent)


def said(text: str, message: str = "m", *, parent: str | None = None) -> wire.AssistantMessage:
    content = [wire.Block(type="text", text=text)]
    return wire.AssistantMessage(message=wire.Message(id=message, content=content), parent_tool_use_id=parent)


def growing(*pieces: str) -> list[wire.Event]:
    raw = [
        wire.RawStream(type="message_start", message=wire.Message(id="m")),
        wire.RawStream(type="content_block_start", index=0, content_block=wire.Block(type="text")),
    ]
    raw += [
        wire.RawStream(type="content_block_delta", index=0, delta=wire.Delta(type="text_delta", text=piece))
        for piece in pieces
    ]
    return [wire.StreamEvent(event=each) for each in raw]


def turn(*events: wire.Event, prompt: str = "What is wrong?", **facts: str) -> Transcript:
    transcript = Transcript(prompt, clock=lambda: 0.0, **facts)  # type: ignore[arg-type]  # facts of the header
    transcript.apply(
        wire.SystemInit(session_id="s", cwd="/home/ada", model="claude", permission_mode="default")
    )
    for event in events:
        transcript.apply(event)
    return transcript


def finished(*events: wire.Event, **facts: str) -> Transcript:
    transcript = turn(*events, **facts)
    usage = Usage(input_tokens=1_200, output_tokens=34)
    transcript.finish(Result(usage=usage, cost_usd=0.0016, duration=12.3, num_turns=2), 0.93)
    return transcript


def hostile(payload: str) -> Transcript:
    """A turn that says `payload` in every place where something from outside is shown."""
    transcript = Transcript(
        payload,
        attachments=(Attachment(payload, payload),),
        session=payload,
        label=payload,
        options={payload: payload},
        clock=lambda: 0.0,
    )
    transcript.apply(wire.SystemInit(session_id=payload, cwd=payload, model=payload, permission_mode=payload))
    transcript.apply(wire.ApiRetry(attempt=1, error=payload))
    thought = [wire.Block(type="thinking", thinking=payload), wire.Block(type="text", text=payload)]
    transcript.apply(wire.AssistantMessage(message=wire.Message(id="m", content=thought)))
    tools = ("Bash", "Read", "Edit", "Write", "TodoWrite", "Agent", "WebFetch", "Grep", payload)
    given: dict[str, object] = {
        "command": payload,
        "content": payload,
        "description": payload,
        "file_path": payload,
        "new_string": payload,
        "old_string": payload,
        "path": payload,
        "pattern": payload,
        "todos": [{"content": payload, "status": payload}],
        "url": payload,
        payload: [payload],
    }
    for number, name in enumerate(tools):
        call = f"t{number}"
        transcript.apply(called(name, call, parent=None, **given))
        transcript.apply(said(payload, parent=call))
        patch = {"structuredPatch": [{"newStart": payload, "lines": [payload, f"+{payload}"]}]}
        transcript.apply(
            returned(payload, call, failed=number % 2 == 0, details=patch if number % 3 else None)
        )
    source: dict[str, object] = {"media_type": payload, "data": payload}
    picture = [wire.Block(type="image", source=source)]
    transcript.apply(called("Read", "p", file_path=payload))
    result = [wire.Block(type="tool_result", tool_use_id="p", content=picture)]
    transcript.apply(wire.UserMessage(message=wire.Message(content=result)))
    ask(transcript, payload, "Bash", {"command": payload})
    question = {"question": payload, "options": [{"label": payload, "description": payload}, payload]}
    block = transcript.ask(request(payload, "AskUserQuestion", {"questions": [question]}))
    transcript.decide(block, Decision(behavior=Behavior.ALLOW, answers={payload: payload}, by=payload))
    ask(transcript, payload, "ExitPlanMode", {"plan": payload})
    block = transcript.ask(request(payload, payload, {payload: payload}))
    transcript.decide(block, Decision(behavior=Behavior.DENY, message=payload, by=payload))
    transcript.notice(payload, "error")
    return transcript


def request(payload: str, name: str, given: dict[str, object]) -> PermissionRequest:
    return PermissionRequest(
        id=payload,
        tool_use_id=payload,
        tool_name=name,
        input=given,
        description=payload,
        blocked_path=payload,
        reason=payload,
        agent_id=payload,
        agent=payload,
        suggestions=({"type": "addRules", "rules": [{"toolName": payload, "ruleContent": payload}]},),
    )


def ask(transcript: Transcript, payload: str, name: str, given: dict[str, object]) -> None:
    transcript.ask(request(payload, name, given))
