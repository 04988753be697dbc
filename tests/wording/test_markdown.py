"""A turn as Markdown and as plain text: as safe as the HTML, in a renderer that allows everything."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from payloads import CONTROLS, ELEMENTS, IMAGES, LINKS
from turns import TAGS, Page, called, finished, hostile, returned, said, turn

from claude_magic.commonmark.writing import safe_markdown
from claude_magic.permissions import Behavior, Decision, PermissionRequest
from claude_magic.prompt import Attachment
from claude_magic.transcript import Transcript
from claude_magic.transcript.blocks import ToolBlock
from claude_magic.wire import events as wire
from claude_magic.wording.markdown import decisions_of, history_of, markdown_of, plain_of

PASSIVE = TAGS - {"details", "div", "img", "span", "style", "summary"}


def rendered(markdown: str) -> Page:
    """The worst a renderer can do: HTML allowed, every address a link."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.validateLink = lambda _url: True  # type: ignore[method-assign,assignment]
    return Page(str(parser.render(markdown)))


def dangers(page: Page) -> list[str]:
    links = [
        link
        for link in page.values("href")
        if not link.lower().startswith(("http://", "https://", "mailto:"))
    ]
    return links + [tag for tag in page.tags if tag not in PASSIVE]


@pytest.mark.fault(77, via="pure")
@pytest.mark.fault(78, via="pure")
@pytest.mark.fault(81, via="pure")
@pytest.mark.parametrize("payload", ELEMENTS + LINKS + CONTROLS + IMAGES)
@pytest.mark.parametrize(
    "around", ["{}", "- {}", "> {}", "`{}`", "\\{}", "\\`{}`", "1. ```\n   {}\n", "| a |\n|-|\n| {} |"]
)
def test_markdown_from_outside_is_passive_in_any_renderer(payload: str, around: str) -> None:
    assert dangers(rendered(safe_markdown(around.replace("{}", payload)))) == []


@pytest.mark.fault(82, via="pure")
@pytest.mark.parametrize("payload", ELEMENTS + LINKS + CONTROLS + IMAGES)
def test_a_whole_turn_is_passive_wherever_the_payload_turns_up(payload: str) -> None:
    assert dangers(rendered(markdown_of(hostile(payload)))) == []


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *"<>[]()!`~\\&:\n -#|$",
                "<b>",
                "```",
                "~~~",
                "javascript:x",
                "<img src=x>",
                "](",
                "![",
                "]: ",
                "    ",
            ]
        ),
        max_size=25,
    ).map("".join)
)
def test_no_text_at_all_makes_active_markdown(text: str) -> None:
    assert dangers(rendered(safe_markdown(text))) == []


CODES = [
    ("```cpp\nvector<int> v;\n```", "vector<int> v;"),
    ("    vector<int> v; // [a](b) ![c](d)\n\n    `x` <b>", "vector<int> v; // [a](b) ![c](d)\n\n`x` <b>"),
    ("1. Do:\n\n   ```html\n   <script>x</script>\n   ```\n   And go on.\n2. Then.", "<script>x</script>"),
    ("> - ~~~~ sh\n>   cat <<EOF\n>   ~~~\n>   ~~~~~", "cat <<EOF\n~~~"),
    ("- ````\n  ```\n  <b>\n  ```\n  ````", "```\n<b>\n```"),
]


@pytest.mark.fault(124, via="pure")
@pytest.mark.parametrize(("text", "code"), CODES)
def test_blocks_of_code_are_the_same_in_history_wherever_they_stand(text: str, code: str) -> None:
    page = rendered(made := safe_markdown(text))

    assert code in made
    assert code in page.text
    assert dangers(page) == []
    assert made.count("```") == made.count("\n```") + made.startswith("```") or "````" in made


@pytest.mark.fault(124, via="pure")
def test_code_in_a_line_is_as_it_is_and_prose_beside_it_is_not() -> None:
    text = "Not <b>, but `vector<int>`, ``a`<b>[c](d:e)`` and `![x](y)`; ` <i> and\n<u>` go on."

    made = safe_markdown(text)

    assert "`vector<int>`, ``a`<b>[c](d:e)`` and `![x](y)`" in made
    assert dangers(rendered(made)) == []
    assert rendered(made).text.strip() == text.replace("``a`<b>", "a`<b>").replace(
        "(d:e)``", "(d:e)"
    ).replace("`vector<int>`", "vector<int>").replace("`![x](y)`", "![x](y)")


@pytest.mark.fault(124, via="pure")
def test_code_in_a_tables_cells_ends_with_its_cell() -> None:
    page = rendered(safe_markdown("| `a | <img src=x onerror=y>` |\n|-|-|\n| `<b>` | `c | <i>` |"))

    assert dangers(page) == []
    assert "<b>" in page.text


@pytest.mark.fault(119, via="pure")
def test_formulas_stay_and_other_dollars_are_escaped() -> None:
    text = "It costs $5 and $10; $a<b$ and\n$$\nx \\\\ y<z\n$$\n\\(c<d\\) or `$e`."

    assert safe_markdown(text) == (
        "It costs \\$5 and \\$10; $a< b$ and\n$$\nx \\\\ y< z\n$$\n\\(c< d\\) or `$e`."
    )


def test_fenced_code_comes_through_unchanged() -> None:
    text = "Look:\n\n```html\n<b>x</b> ![i](u) [l](javascript:1)\n```\n\nDone."

    assert safe_markdown(text) == text


def test_a_fence_in_the_code_does_not_end_it() -> None:
    page = rendered(safe_markdown("~~~\n```\n<script>x</script>\n```\n~~~"))

    assert page.tags == ["pre", "code"]
    assert "<script>x</script>" in page.text


@pytest.mark.fault(83, via="pure")
@pytest.mark.parametrize(
    "text",
    [
        *("`" * 300_000, "``` \n" * 60_000, "]:" * 200_000, "![" * 200_000, "<a " * 200_000, "$a " * 200_000),
        *("`a " * 200_000, " ".join("`" * n for n in range(1, 800)), "- ```\n  a\n" * 20_000),
    ],
    ids=lambda text: repr(text[:12]),
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    began = time.process_time()

    safe_markdown(text)

    assert time.process_time() - began < 3


@pytest.mark.fault(73, via="pure")
def test_plain_text_tells_the_whole_turn() -> None:
    transcript = finished(
        called("Bash", command="pytest -q"), returned("1 failed", failed=True), said("Fixed.")
    )

    assert plain_of(transcript).split("\n\n") == [
        "Claude · main · claude · default · done",
        "> What is wrong?",
        "[Bash] pytest -q (failed)\n    1 failed",
        "Fixed.",
        "2 requests · 12 s · 1.2k tokens · $0.0016 · 93% of context left",
    ]


@pytest.mark.fault(84, via="pure")
def test_plain_text_has_no_control_characters() -> None:
    made = plain_of(hostile("a\x1b[31mb\x1b]52;c;eA==\x07\x08\0\r\x9bc"))

    assert not [character for character in made if ord(character) < 32 and character != "\n"]


def test_data_with_a_title_is_only_named_but_where_the_whole_turn_is_wanted() -> None:
    transcript = turn(prompt="What?")
    transcript.attachments = (Attachment("cells", "x" * 2_001, "3 *cells* attached"),)

    assert "\n\n3 \\*cells\\* attached\n" in markdown_of(transcript)
    assert "> What?\n3 *cells* attached" in plain_of(transcript)
    for text in (markdown_of(transcript), plain_of(transcript)):
        assert "xx" not in text
    assert f"3 \\*cells\\* attached\n\n```\n{'x' * 2_001}\n```" in markdown_of(transcript, whole=True)


def everything() -> Transcript:
    """A turn with a block of each kind."""
    transcript = turn(called("Bash", command="ls *"), returned("a*b\nc"), prompt="What *is*\n it?\n")
    transcript.attachments = (Attachment("a*b", "x `y`"),)
    transcript.update(permission_mode="bypassPermissions")
    for event in (
        *(called("Edit", "e", file_path="/home/ada/a.py", old_string="x", new_string="y"), returned("", "e")),
        *(called("TodoWrite", "d", todos=TODOS), returned("", "d"), called("Glob", "g"), returned("", "g")),
        wire.ApiRetry(attempt=1, max_retries=10, retry_delay_ms=2_000, error="over*loaded"),
        wire.AssistantMessage(message=wire.Message(id="n", content=THOUGHT)),
    ):
        transcript.apply(event)
    transcript.notice("It's *odd*", "warning")
    for name, call in ASKED:
        transcript.ask(PermissionRequest(id=name, tool_use_id=name, tool_name=name, input=call))
    return transcript


TODOS = [{"content": "Look*", "status": "completed"}, {"content": "Go", "status": "pending"}]
THOUGHT = [wire.Block(type="thinking", thinking="Hm"), wire.Block(type="text", text="\n  **Done** <b>X\n")]
ASKED: list[tuple[str, dict[str, object]]] = [
    ("AskUserQuestion", {"questions": [{"question": "Which?", "options": [{"label": "this"}]}]}),
    ("ExitPlanMode", {"plan": "Look."}),
    ("mcp__a__b", {"path": "/home/ada/x"}),
]


@pytest.mark.fault(73, via="pure")
def test_each_kind_of_block_has_its_words_in_markdown() -> None:
    assert markdown_of(everything()) == (
        "**Claude** · main · claude · bypassPermissions · waiting for you\n\n"
        "**Permission checks are off (bypassPermissions): every tool runs without asking.**\n\n"
        "> What \\*is\\*\n>  it?\n\n"
        "\\[data: a\\*b\\] 5 characters\n\n```\nx `y`\n```\n\n"
        "**Bash** ls \\* (ok)\n\n```\na*b\nc\n```\n\n"
        "**Edit** a.py (ok)\n\n```diff\n-x\n+y\n```\n\n"
        "**To do** 1 of 2 done (ok)\n\n- Look\\* (done)\n- Go (to do)\n\n"
        "**Glob**  (ok)\n\n"
        "The API refused 1 time (over\\*loaded).\n\n"
        "  **Done** &lt;b>X\n\n"
        "It's \\*odd\\*\n\n"
        "Which?\n- this\nQuestion: waiting for your answer\n\n"
        "Plan: waiting for your answer\n\n"
        "Permission for b (a): waiting for your answer\n\n"
        "*The turn was still running when this was shown, after 0.0 s.*\n"
    )


@pytest.mark.fault(73, via="pure")
def test_each_kind_of_block_has_its_words_in_plain_text() -> None:
    assert plain_of(everything()) == (
        "Claude · main · claude · bypassPermissions · waiting for you\n\n"
        "Permission checks are off (bypassPermissions): every tool runs without asking.\n\n"
        "> What *is*\n\n"
        "[data: a*b] 5 characters\nx `y`\n\n"
        "[Bash] ls * (ok)\n    a*b\n    c\n\n"
        "[Edit] a.py (ok)\n    -x\n    +y\n\n"
        "[To do] 1 of 2 done (ok)\n    Look* (done)\n    Go (to do)\n\n"
        "[Glob]  (ok)\n\n"
        "The API refused 1 time (over*loaded).\n\n"
        "  **Done** <b>X\n\n"
        "It's *odd*\n\n"
        "Which?\n- this\nQuestion: waiting for your answer\n\n"
        "Plan: waiting for your answer\n\n"
        "Permission for b (a): waiting for your answer\n\n"
        "The turn was still running when this was shown, after 0.0 s."
    )


def test_what_was_asked_in_a_turn_is_a_line_each_with_its_answer() -> None:
    transcript = everything()
    transcript.decide(transcript.pending[2], Decision(behavior=Behavior.DENY, message="No."))

    assert decisions_of(transcript) == [
        "AskUserQuestion Which?: waiting for your answer",
        "ExitPlanMode Look.: waiting for your answer",
        "b (a) x: denied by you: No.",
    ]


def test_a_long_result_has_its_last_forty_lines_where_nothing_folds() -> None:
    lines = [str(number) for number in range(42)]
    transcript = finished(called("Bash", command="seq"), returned("\n".join(lines)))

    assert "[Bash] seq (ok)\n    … 2 lines hidden …\n    2\n" in plain_of(transcript)
    assert "```\n… 2 lines hidden …\n2\n" in markdown_of(transcript)
    assert "\n41\n```" in markdown_of(transcript)


def test_a_full_turn_says_what_is_hidden_before_its_footer() -> None:
    transcript = finished(said("x" * 2_100_000))

    assert plain_of(transcript).split("\n\n")[-2:] == [
        "truncated, 100,000 characters hidden",
        "2 requests · 12 s · 1.2k tokens · $0.0016 · 93% of context left",
    ]
    assert markdown_of(transcript).endswith(
        "*truncated, 100,000 characters hidden*\n\n"
        "*2 requests · 12 s · 1.2k tokens · \\$0.0016 · 93% of context left*\n"
    )


def test_a_to_do_list_that_a_later_call_shows_is_shown_once() -> None:
    transcript = finished(called("Bash", command="ls"), returned("a"))
    (call,) = transcript.blocks
    assert isinstance(call, ToolBlock)
    call.superseded = True

    assert markdown_of(transcript) == markdown_of(finished())
    assert plain_of(transcript) == plain_of(finished())


def test_a_long_history_begins_with_what_is_in_it() -> None:
    turns = [
        finished(said(f"Answer {number}."), prompt=f"Ask *{number}*\nand more") for number in range(1, 5)
    ]

    assert history_of(turns[:3]) == "\n\n".join(markdown_of(turn, whole=True) for turn in turns[:3])
    index, *rest = history_of(turns).split("## Turn ")
    assert index.splitlines()[:2] == ["1. Ask \\*1\\* (done)", "2. Ask \\*2\\* (done)"]
    assert [part.partition("\n")[0] for part in rest] == ["1", "2", "3", "4"]
    assert all(f"Answer {number}." in part for number, part in enumerate(rest, start=1))
