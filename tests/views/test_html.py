"""A turn as HTML: nothing from outside acts, and it reads without a style sheet."""

from __future__ import annotations

import base64
import json
import random
import re
import time
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payloads import CONTROLS, ELEMENTS, IMAGES, LINKS
from PIL import Image
from places import RECORDINGS
from turns import Page, called, dangers, finished, growing, hostile, outline, request, returned, said, turn

from claude_magic.permissions import PermissionRequest
from claude_magic.result import Result
from claude_magic.transcript import Transcript
from claude_magic.views.html import turn as html
from claude_magic.views.html.markup import markdown, sections
from claude_magic.views.html.style import style
from claude_magic.wire import events as wire
from claude_magic.wording.markdown import markdown_of, plain_of


@pytest.mark.fault(77, via="pure")
@pytest.mark.parametrize("payload", ELEMENTS)
def test_html_in_the_answer_stays_text(payload: str) -> None:
    made = html.turn(finished(said(f"before {payload} after")))

    assert dangers(made) == []
    assert "after" in Page(made).text
    assert payload[:20] in Page(made).text


@pytest.mark.fault(78, via="pure")
@pytest.mark.parametrize("payload", LINKS)
def test_only_web_and_mail_addresses_become_links(payload: str) -> None:
    made = markdown(payload)

    assert dangers(made) == []
    assert "href" not in made
    assert "go" in Page(made).text or "script" in Page(made).text


@pytest.mark.fault(78, via="pure")
def test_a_link_opens_elsewhere_and_tells_nothing() -> None:
    made = markdown("[x](https://example.com/a?b=c) <mailto:ada@example.com>")

    assert Page(made).values("href") == ["https://example.com/a?b=c", "mailto:ada@example.com"]
    assert set(Page(made).values("rel")) == {"noopener noreferrer nofollow"}
    assert set(Page(made).values("target")) == {"_blank"}


@pytest.mark.fault(79, via="pure")
@pytest.mark.fault(80, via="pure")
@pytest.mark.parametrize("payload", CONTROLS)
def test_content_brings_no_attribute_of_its_own(payload: str) -> None:
    page = Page(markdown(payload))

    assert {name for _, name, _ in page.attributes} <= {"class", "href", "rel", "target"}
    assert "claude-allow" not in page.values("class")
    assert page.text.strip()


@pytest.mark.fault(81, via="pure")
@pytest.mark.parametrize("payload", IMAGES)
def test_an_image_is_never_fetched(payload: str) -> None:
    made = markdown(payload)

    assert "img" not in Page(made).tags
    assert not re.search(r"(?i)<[^>]*(src|srcset|style|poster|background)\s*=", made)


@pytest.mark.fault(81, via="pure")
def test_an_image_becomes_a_link_that_a_person_may_follow() -> None:
    page = Page(markdown("![a chart](https://example.com/c.png)"))

    assert (page.text.strip(), page.values("href")) == ("a chart", ["https://example.com/c.png"])


@pytest.mark.fault(82, via="pure")
@pytest.mark.parametrize("payload", ELEMENTS + LINKS + CONTROLS + IMAGES)
def test_the_same_payloads_are_inert_wherever_they_turn_up(payload: str) -> None:
    transcript = hostile(payload)

    made = html.turn(transcript)

    assert dangers(made) == []
    assert "img" not in Page(made).tags
    assert made.count(style()) == 1


@pytest.mark.fault(83, via="pure")
def test_a_payload_split_across_deltas_is_inert_at_every_step() -> None:
    payload = "text <img src=x onerror=alert(1)> [go](javascript:alert(1)) ```\ncode"
    for end in range(len(payload)):
        assert dangers(html.turn(turn(*growing(*payload[:end])))) == []


@pytest.mark.fault(83, via="pure")
@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000,
        "word " * 200_000,
        "- " * 10_000 + "bottom",
        ">" * 10_000 + " bottom",
        "\n".join("  " * depth + "- item" for depth in range(700)) + " bottom",
        "```python\n" + "x = 1\n" * 100_000,
        "```\ncode\n```\n```\n" * 10_000,
        "[" * 300_000,
        "![" * 100_000,
        "**a " * 50_000,
        "`" * 300_000,
        "```python\n" + "\n " * 9_000 + "\n```",
        "```typescript\n" + "a." * 9_000 + "\n```",
        *(
            "https://a.b " * 80_000,
            "https://a" + ")" * 900_000,
            "https://a" + ".)" * 400_000,
            "- [x] a\n" * 50_000,
        ),
    ],
    ids=lambda text: repr(text[:12]),
)
def test_hostile_text_takes_bounded_time_and_none_of_it_is_lost(text: str) -> None:
    began = time.process_time()

    made = markdown(text)

    assert time.process_time() - began < 8
    assert dangers(made) == []
    if text.endswith("bottom"):
        assert "bottom" in Page(made).text


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [*"<>[]()!`*_~|\\\"'&;:=\n -#", "javascript:", "https://a", "img", "onerror=", "&#x3C;"]
        )
        | st.text(max_size=3),
        max_size=25,
    ).map("".join)
)
def test_no_text_at_all_makes_dangerous_html(text: str) -> None:
    assert dangers(markdown(text)) == []
    assert "img" not in Page(markdown(text)).tags


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "\n", "\n\n", "- ", "```", "> ", "|a|b|\n|-|-|", "# ", "    "])).map(
        "".join
    )
)
def test_sections_leave_nothing_out(text: str) -> None:
    assert "\n".join(sections(text)) == text


# --- what a reader sees


@pytest.mark.parametrize("generation", ["2.1.327", "2.1.191"])
def test_every_recorded_turn_is_shown_and_harmless(generation: str) -> None:
    for path in sorted((RECORDINGS / generation).glob("*.jsonl")):
        made = html.turn(finished(*(wire.decode(line) for line in path.read_bytes().splitlines())))
        assert dangers(made) == []
        assert 'class="claude-static ' in made


def plainly(made: str) -> str:
    """What is left where style sheets are stripped."""
    apart = re.sub(r"(</(?:div|summary|pre|p|li)>)", r"\1 ", str(made))
    return " ".join(Page(apart).text.split())


@pytest.mark.fault(126, via="pure")
def test_a_task_list_shows_what_is_done_and_what_is_not() -> None:
    page = Page(made := markdown("- [x] one\n- [ ] **two**\n  - [X] three\n- four\n- [ ]five\n- \\[ ] six"))

    assert page.text.split() == ["✓", "one", "○", "two", "✓", "three", "four", "[", "]five", "[", "]", "six"]
    assert page.values("class") == ["claude-task"] * 3
    assert dangers(made) == []


@pytest.mark.fault(126, via="pure")
@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("See https://a.b/c_d_e?x=1&y=2.", "https://a.b/c_d_e?x=1&y=2"),
        ("(https://a.b/w_(v)), then", "https://a.b/w_(v)"),
        ("**https://a.b**", "https://a.b"),
        ("看https://a.b/c。", "https://a.b/c"),
        ("<https://a.b>", "https://a.b"),
        ("| HTTP://a.b |\n|-|", "HTTP://a.b"),
        ("[https://a.b](https://c.d)", "https://c.d"),
    ],
)
def test_a_bare_address_is_a_link(text: str, address: str) -> None:
    page = Page(markdown(text))

    assert page.values("href") == [address]
    assert page.values("rel") == ["noopener noreferrer nofollow"]


@pytest.mark.fault(78, via="pure")
@pytest.mark.parametrize(
    "text",
    [
        *(
            "`https://a.b`",
            "    https://a.b",
            "javascript://a.b/%0aalert(1)",
            "ftp://a.b",
            "https://",
            "www.a.b",
        ),
        *("xhttps://a.b", "a@b.c", "file:///etc/passwd", "$https://a.b$", "```\nhttps://a.b\n```"),
    ],
)
def test_nothing_but_a_web_address_is_a_link_by_itself(text: str) -> None:
    assert Page(markdown(text)).values("href") == []


@pytest.mark.fault(125, via="pure")
def test_the_style_of_a_saved_turn_is_small_and_has_no_text() -> None:
    made = html.turn(finished(said("Yes.")))

    assert made.startswith(style())
    assert len(json.dumps(style())) <= 1_000
    assert Page(style()).tags == ["link"]
    assert Page(style()).text == ""
    assert "{" not in Page(made).text


@pytest.mark.fault(73, via="pure")
def test_a_turn_reads_without_its_style_sheet() -> None:
    hunk = {"oldStart": 3, "newStart": 3, "lines": [" a", "-old", "+new"]}
    transcript = finished(
        called("Bash", command="pytest -q"),
        returned("1 failed", failed=True),
        called("Edit", "e", file_path="/home/ada/a.py", old_string="old", new_string="new"),
        returned("ok", "e", details={"structuredPatch": [hunk]}),
        called("TodoWrite", "d", todos=[{"content": "Look", "status": "completed"}]),
        returned("ok", "d"),
        said("All *done*."),
    )

    shown = plainly(html.turn(transcript))

    assert shown.startswith("Claude main · claude · default · done Prompt What is wrong?")
    assert "Bash pytest -q failed 1 failed" in shown
    assert "Edit a.py ok +1 -1 lines 3 a 4 -old 4 +new" in shown
    assert "✓ Look (done)" in shown
    assert shown.endswith("All done. 2 requests · 12 s · 1.2k tokens · $0.0016 · 93% of context left")


@pytest.mark.fault(74, via="pure")
def test_a_turn_saved_while_it_runs_says_so() -> None:
    made = html.turn(turn(*growing("Half an ans")))

    assert "Half an ans" in plainly(made)
    assert "The turn was still running when this was shown" in plainly(made)


@pytest.mark.fault(86, via="pure")
def test_a_turn_without_permission_checks_has_a_banner() -> None:
    transcript = turn(said("x"))
    assert "claude-banner" not in Page(html.turn(transcript)).text

    transcript.update(permission_mode="bypassPermissions")

    assert "Permission checks are off" in plainly(html.turn(transcript))


@pytest.mark.fault(103, via="pure")
def test_a_resumed_conversation_says_so() -> None:
    transcript = turn(said("x"))
    transcript.update(resumed_turns=7, label="offline model, scripted answers")

    assert "offline model, scripted answers · resumed, 7 earlier turns · running" in plainly(
        html.turn(transcript)
    )


@pytest.mark.fault(84, via="pure")
def test_characters_that_reorder_a_command_are_named_while_it_waits_for_approval() -> None:
    command = "rm -rf \u202egpj.txt\u202c \u200b/"
    transcript = turn(called("Bash", command=command))
    transcript.ask(request("t", "Bash", {"command": command}))

    made = html.turn(transcript)

    assert "rm -rf ⟦U+202E⟧gpj.txt⟦U+202C⟧ ⟦U+200B⟧/" in plainly(made)
    assert "\u202e" not in made


@pytest.mark.fault(84, via="pure")
def test_terminal_sequences_are_gone_from_text_and_output() -> None:
    text = "a\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\ "
    text += "\x1b]52;c;c2VjcmV0\x07b\x08\0c"
    made = html.turn(finished(said(text), called("Bash", command=text), returned(text, failed=True)))

    assert not re.search(r"[\x00-\x08\x0b-\x1f]", made)
    assert "evil.example" not in made
    assert "c2VjcmV0" not in made
    assert "ared link bc" in plainly(made)


@pytest.mark.fault(70, via="pure")
def test_a_full_transcript_shows_what_is_hidden() -> None:
    transcript = turn(said("x" * 2_100_000))

    assert "truncated, 100,000 characters hidden" in plainly(html.turn(transcript))


def test_a_picture_in_a_result_is_shown_without_a_click_from_its_own_data() -> None:
    source: dict[str, object] = {"media_type": "image/png", "data": "iVBORw0KGgo="}
    content = [wire.Block(type="image", source=source)]
    result = [wire.Block(type="tool_result", tool_use_id="t", content=content)]
    made = html.turn(
        finished(called("Read", file_path="p.png"), wire.UserMessage(message=wire.Message(content=result)))
    )

    assert Page(made).values("src") == ["data:image/png;base64,iVBORw0KGgo="]
    assert '<details class="claude-tool claude-tool-ok" open="open">' in made


@pytest.mark.fault(126, via="pure")
def test_text_from_right_to_left_takes_its_own_direction_and_other_text_costs_nothing() -> None:
    text = "# שלום\n\nשלום *world*\n\n- אחת\n- two\n\n> ציטוט\n\n| א | b |\n|---|---|\n| ג | d |"  # noqa: RUF001
    transcript = finished(said(text))
    transcript.prompt = "مرحبا\nيا"  # noqa: RUF001
    page = Page(html.turn(transcript))

    ways = [(tag, value) for tag, name, value in page.attributes if name == "dir"]
    assert [way for tag, way in ways if tag in {"li", "th"}] == ["rtl", "ltr", "rtl", "ltr"]
    assert {way for tag, way in ways if tag in {"h1", "p", "ul", "blockquote", "pre"}} == {"rtl"}
    assert {tag for tag, name, _ in page.attributes if name == "dir"} == {
        "blockquote",
        "h1",
        "li",
        "p",
        "pre",
        "span",
        "td",
        "th",
        "ul",
    }
    assert "dir=" not in html.turn(finished(said("# Hello\n\n- one\n- two")))


@pytest.mark.fault(126, via="pure")
def test_a_progress_bar_is_shown_in_its_last_state_in_every_view() -> None:
    output = "  0%|   |\r 50%|#  |\r\x1b[2K100%|###| 2/2\nsaved\n"
    transcript = finished(called("Bash", command="fit"), returned(output))

    for shown in (html.turn(transcript), markdown_of(transcript), plain_of(transcript)):
        assert "100%|###| 2/2" in shown
        assert "50%|#" not in shown


def noise(width: int, height: int, *, mode: str = "RGB") -> str:
    """A picture that no format makes small."""
    channels = len(mode)
    pixels = random.Random(1).randbytes(width * height * channels)
    Image.frombytes(mode, (width, height), pixels).save(made := BytesIO(), "PNG")
    return base64.b64encode(made.getvalue()).decode()


def with_picture(data: str, kind: str = "image/png") -> Page:
    source: dict[str, object] = {"type": "base64", "media_type": kind, "data": data}
    block = wire.Block(type="tool_result", tool_use_id="t", content=[wire.Block(type="image", source=source)])
    read = called("Read", file_path="/data/big\u202e.png")
    return Page(html.turn(finished(read, wire.UserMessage(message=wire.Message(content=[block])))))


@pytest.mark.fault(126, via="pure")
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_large_picture_is_downscaled_to_fit_and_the_original_is_named(mode: str) -> None:
    data = noise(800, 600, mode=mode)
    assert 1_000_000 < len(data) * 3 / 4 < 2_200_000

    page = with_picture(data)

    (source,) = page.values("src")
    assert len(source) < 300_100
    with Image.open(BytesIO(base64.b64decode(source.removeprefix("data:image/jpeg;base64,")))) as shown:
        assert shown.width / shown.height == pytest.approx(4 / 3, abs=0.02)
    assert "downscaled; the original is /data/big⟦U+202E⟧.png" in page.text


@pytest.mark.fault(126, via="pure")
@pytest.mark.parametrize(
    "data",
    [
        "A" * 2_800_001,
        "A" * 400_000,
        base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(400_000)).decode(),
        base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\x7f" * 8 + bytes(400_000)).decode(),
    ],
    ids=["too_large", "no_picture", "broken", "bomb"],
)
def test_what_is_too_large_or_no_picture_is_named_and_not_shown(data: str) -> None:
    page = with_picture(data)

    assert page.values("src") == []
    assert "not shown here; the original is /data/big" in page.text


def test_code_is_highlighted_by_classes_alone() -> None:
    made = markdown("```python\ndef f(): return 'x'\n```")

    assert '<span class="k">def</span>' in made
    assert Page(made).text.strip() == "def f(): return 'x'"


def test_what_a_subagent_was_asked_did_and_said_is_folded_into_its_card() -> None:
    events: list[wire.Event] = [
        called("Agent", "a", description="Count files", prompt="How many?"),
        called("Bash", "b", parent="a", command="ls | wc -l"),
        returned("2", "b", parent="a"),
    ]

    running = html.turn(turn(*events))
    made = html.turn(finished(*events, returned("**Two** files.", "a")))

    assert "Agent Count files ok How many? Bash ls | wc -l ok 2 Two files." in plainly(made)
    assert '<details class="claude-tool claude-tool-ok"><summary><span class="claude-tool-name">Agent' in made
    assert '<details class="claude-tool claude-tool-running" open' in running


def test_what_a_subagent_said_last_is_said_once() -> None:
    events: list[wire.Event] = [
        called("Agent", "a", description="Count files", prompt="How many?"),
        said("Two files.", "n", parent="a"),
        returned("Two files.", "a"),
    ]

    assert plainly(html.turn(finished(*events))).count("Two files.") == 1


def test_a_to_do_list_is_one_card_that_the_newest_call_shows() -> None:
    events: list[wire.Event] = []
    for number, subject in enumerate(["Look", "<b>Leap</b>"], 1):
        events += [
            called("TaskCreate", f"c{number}", subject=subject),
            returned("ok", f"c{number}", details={"task": {"id": str(number), "subject": subject}}),
        ]
    events += [called("TaskUpdate", "u", taskId="1", status="completed"), returned("ok", "u")]

    transcript = finished(*events)

    made = html.turn(transcript)
    assert "To do 1 of 2 done ok ✓ Look (done) ○ <b>Leap</b> (to do)" in plainly(made)
    assert "Task" not in plainly(made)
    assert "- Look (done)\n- \\<b\\>Leap\\</b\\> (to do)" in markdown_of(transcript)
    assert "[To do] 1 of 2 done (ok)\n    Look (done)\n    <b>Leap</b> (to do)" in plain_of(transcript)


@pytest.mark.fault(114, via="pure")
@pytest.mark.parametrize("asks", [True, False])
def test_a_card_says_who_asks_and_why(asks: bool) -> None:  # noqa: FBT001
    asked = PermissionRequest(
        id="r",
        tool_use_id="t",
        tool_name="Bash",
        input={"command": "ls"},
        description="List the files",
        reason="Somebody <b>wants</b> a look",
        reason_type="hook",
        agent_id="a1",
        agent="Explore: look around",
    )

    text = html.frame(turn().ask(asked), asks=asks)

    for line in (
        "List the files",
        "For a subagent (Explore: look around)",
        "A hook asks: Somebody &lt;b&gt;wants",
    ):
        assert line in text


def worked(calls: int) -> Transcript:
    """A turn of as many calls, each with a long result or a long change."""
    hunk = {"oldStart": 3, "newStart": 3, "lines": [f"-{'old words ' * 6}", f"+{'new words ' * 6}"] * 40}
    events: list[wire.Event] = []
    for number in range(calls):
        call, is_edit = f"t{number}", number % 4 == 0
        given = {"file_path": f"{number}.py"} if is_edit else {"command": f"run {number}\n" + "and on " * 300}
        events.append(called("Edit" if is_edit else "Bash", call, **given))
        details = {"structuredPatch": [hunk]} if is_edit else None
        events.append(returned("a line of words that is long enough\n" * 300, call, details=details))
    transcript = turn(*events, said("That is all."))
    transcript.finish(Result())
    return transcript


def test_a_turn_of_many_calls_is_saved_in_little_room_and_the_history_has_all_of_it() -> None:
    few, many = worked(2), worked(60)

    size = sum(map(len, (html.turn(many), markdown_of(many), plain_of(many))))
    assert size < 150_000
    assert len(html.turn(few)) > 15_000
    assert markdown_of(many, whole=True).count("a line of words") == 45 * 40
    assert "characters hidden" in html.turn(many)
    assert "more lines hidden" in html.turn(many)


def test_the_work_of_a_finished_turn_is_folded_above_its_answer() -> None:
    shown = outline(html.turn(worked(8)))

    assert "details.fold(summary(8 calls: 6 Bash, 2 Edit" in shown
    assert shown.index("details.fold") < shown.index("details.tool") < shown.index("That is all.")
