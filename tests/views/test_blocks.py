"""What each block of a turn is as HTML, and the frame around them: elements, classes and words."""

from __future__ import annotations

from itertools import count

import pytest
from msgspec.structs import replace
from turns import called, finished, outline, returned, said, turn

from claude_magic.permissions import Behavior, Decision, PermissionRequest
from claude_magic.prompt import Attachment, Image
from claude_magic.transcript.blocks import (
    Block,
    NoticeBlock,
    PermissionBlock,
    Picture,
    RetryBlock,
    TextBlock,
    ThinkingBlock,
    ToolBlock,
    ToolState,
)
from claude_magic.views.html import markup, tool
from claude_magic.views.html import turn as html
from claude_magic.views.html.style import style


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Colours however busy the machine is."""
    monkeypatch.setattr(markup, "_HIGHLIGHT_TIME", 60.0)


def shown(block: Block) -> str:
    return outline(html.block(block, "/c"))


def framed(block: Block, *, asks: bool = False) -> str:
    return outline(html.frame(block, "/c", asks=asks))


def answer(text: str, *, whole: bool = True) -> TextBlock:
    block = TextBlock(finished=whole)
    block.append(text)
    return block


def thought(text: str, *, whole: bool = True) -> ThinkingBlock:
    block = ThinkingBlock(finished=whole, duration=2.0)
    block.append(text)
    return block


def call(name: str = "Bash", how: ToolState = ToolState.OK, **facts: object) -> ToolBlock:
    return ToolBlock(id="t", name=name, state=how, **facts)  # type: ignore[arg-type]


def bash(command: str, how: ToolState = ToolState.OK, result: str = "") -> ToolBlock:
    return call(how=how, input={"command": command}, result=result)


def todos(*states: str) -> dict[str, object]:
    return {"todos": [{"content": "a", "status": state} for state in states]}


def agent(how: ToolState, result: str = "", prompt: str = " p ", **facts: object) -> ToolBlock:
    return call("Agent", how, input={"description": "d", "prompt": prompt}, result=result, **facts)


FILE = {"file_path": "/c/a.py"}
LONG = "x" * 20_001
AGENT = "summary(span.tool-name(Agent) code.tool-argument(d) span.tool-state"


@pytest.mark.parametrize(
    ("block", "seen"),
    [
        (answer("**Yes**\x1b[31m"), "div.answer(p(strong(Yes))\n)"),
        (answer(" \n"), ""),
        (answer("*a*", whole=False), "div.answer(p(em(a))\n)"),
        (answer(LONG[1:], whole=False), f"div.answer(p({LONG[1:]})\n)"),
        (answer(f"*a*{LONG}", whole=False), f"div.answer(pre.plain(*a*{LONG}))"),
        (answer(f"*a*{LONG}"), f"div.answer(p(em(a){LONG})\n)"),
        (answer("$x$"), "div.answer(p(span.mathjax_process.tex2jax_process($x$))\n)"),
        (thought("*Hm*\x1b[1m "), "details.thinking(summary(Thought for 2.0 s)p(em(Hm))\n)"),
        (thought(" \n"), ""),
        (
            bash("ls", result="a\nb"),
            (
                "details.tool.tool-ok(summary(span.tool-name(Bash) code.tool-argument(ls) "
                "span.tool-state.ok(ok))pre.output(a\nb))"
            ),
        ),
        (
            bash("cd ~", ToolState.RUNNING),
            (
                "details.tool.tool-running(summary(span.tool-name(Bash) code.tool-argument(cd ~) "
                "span.tool-state.running(running)))"
            ),
        ),
        (
            bash("cd a\nls"),
            (
                "details.tool.tool-ok(summary(span.tool-name(Bash) code.tool-argument.brief(cd a …) "
                "span.tool-state.ok(ok))pre.code.command(code(span.nb(cd) a\nls)))"
            ),
        ),
        (
            bash("ls", ToolState.FAILED, "no"),
            (
                "details.tool.tool-failed[open=open](summary(span.tool-name(Bash) code.tool-argument(ls) "
                "span.tool-state.failed(failed))pre.output(no))"
            ),
        ),
        (
            call("mcp__a__b", input={"n": 1}),
            (
                "details.tool.tool-ok(summary(span.tool-name(b (a))  span.tool-state.ok(ok))"
                'pre.code(code({\n  span.nt("n"): span.mi(1)\n})))'
            ),
        ),
        (
            call("Read", input=FILE, result="x"),
            (
                "details.tool.tool-ok(summary(span.tool-name(Read) code.tool-argument(a.py) "
                "span.tool-state.ok(ok))pre.output(x))"
            ),
        ),
        (
            call("Write", input={**FILE, "content": "a\n-b"}),
            (
                "details.tool.tool-ok(summary(span.tool-name(Write) code.tool-argument(a.py) "
                "span.tool-state.ok(ok))div.counts(+2 -0 lines)pre.diff(span.added(+a\n)span.added(+-b\n)))"
            ),
        ),
        (
            call("Edit", input={**FILE, "old_string": "a", "new_string": "b"}),
            (
                "details.tool.tool-ok[open=open](summary(span.tool-name(Edit) code.tool-argument(a.py) "
                "span.tool-state.ok(ok))div.counts(+1 -1 lines)pre.diff(span.removed(-a\n)span.added(+b\n)))"
            ),
        ),
        (
            call("Edit", ToolState.WAITING, input={**FILE, "new_string": "b"}),
            (
                "details.tool.tool-waiting(summary(span.tool-name(Edit) code.tool-argument(a.py) "
                "span.tool-state.waiting(waiting for you))div.counts(+1 -0 lines)pre.diff(span.added(+b\n)))"
            ),
        ),
        (
            call("Bash", details={"structuredPatch": [{"newStart": 3, "lines": [" a"]}]}),
            (
                "details.tool.tool-ok(summary(span.tool-name(Bash)  span.tool-state.ok(ok))"
                "div.counts(+0 -0 lines)pre.diff(span.same(span.number(3 ) a\n)))"
            ),
        ),
        (
            call("TodoWrite", input=todos("completed", "in_progress", "pending")),
            (
                "details.tool.tool-ok[open=open](summary(span.tool-name(TodoWrite) "
                "code.tool-argument(1 of 3 done) span.tool-state.ok(ok))ul.todos(li.todo-done(✓ a (done))"
                "li.todo-in-progress(→ a (in progress))li.todo-to-do(○ a (to do))))"
            ),
        ),
        (
            call("TaskUpdate", todos=(("completed", "a"),)),
            (
                "details.tool.tool-ok[open=open](summary(span.tool-name(To do) "
                "code.tool-argument(1 of 1 done) span.tool-state.ok(ok))ul.todos(li.todo-done(✓ a (done))))"
            ),
        ),
        (
            agent(ToolState.RUNNING, children=[answer("x")]),
            (
                f"details.tool.tool-running[open=open]({AGENT}.running(running))"
                "pre.plain.asked(p)div.children(div.answer(p(x)\n)))"
            ),
        ),
        (
            agent(ToolState.OK, "*Two*", children=[answer("x")]),
            (
                f"details.tool.tool-ok({AGENT}.ok(ok))"
                "pre.plain.asked(p)div.children(div.answer(p(x)\n))div.answer(p(em(Two))\n))"
            ),
        ),
        (
            agent(ToolState.OK, "x ", "", children=[answer("x"), bash("ls")]),
            (
                f"details.tool.tool-ok({AGENT}.ok(ok))div.children(div.answer(p(x)\n)"
                "details.tool.tool-ok(summary(span.tool-name(Bash) code.tool-argument(ls) "
                "span.tool-state.ok(ok)))))"
            ),
        ),
        (
            agent(ToolState.FAILED, "*Two*"),
            f"details.tool.tool-failed[open=open]({AGENT}.failed(failed))pre.plain.asked(p)pre.output(*Two*))",
        ),
        (call("Agent", input={"description": "d"}), f"details.tool.tool-ok({AGENT}.ok(ok)))"),
        (
            call("Bash", ToolState.WRITING),
            (
                "details.tool.tool-running(summary(span.tool-name(Bash)  "
                "span.tool-state.running(being written)))"
            ),
        ),
        (
            call("Bash", input={"description": "List", "command": "ls"}),
            (
                "details.tool.tool-ok(summary(span.tool-name(Bash) span.tool-about(List) "
                "span.tool-state.ok(ok)brcode.tool-argument(ls)))"
            ),
        ),
        (NoticeBlock(text="a\u202e"), "div.notice.info(a⟦U+202E⟧)"),
        (NoticeBlock(text="a", level="warning"), "div.notice.warning(span.label(Warning:) a)"),
        (
            RetryBlock(attempt=1, max_retries=3, delay_s=2.0),
            (
                "div.retry(The API refused (no answer). Attempt 1 of 3 failed; the next is in "
                "span.countdown(2.0 s).)"
            ),
        ),
        (RetryBlock(attempt=1, over=True), "div.retry(The API refused 1 time (no answer).)"),
        (Block(), ""),
        (call(superseded=True), ""),
        (call("AskUserQuestion"), ""),
        (call("ExitPlanMode", ToolState.DENIED), ""),
        (
            call("AskUserQuestion", ToolState.FAILED, result="x"),
            (
                "details.tool.tool-failed[open=open](summary(span.tool-name(AskUserQuestion)  "
                "span.tool-state.failed(failed))pre.output(x))"
            ),
        ),
        (
            call("AskUserQuestion", ToolState.INTERRUPTED),
            (
                "details.tool.tool-interrupted(summary(span.tool-name(AskUserQuestion)  "
                "span.tool-state.interrupted(interrupted)))"
            ),
        ),
    ],
)
def test_a_block_is_shown_by_its_kind(block: Block, seen: str) -> None:
    assert shown(block) == seen


def test_a_long_output_is_folded_after_twenty_lines() -> None:
    whole = "\n".join(map(str, range(25)))

    assert f"pre.output({whole})" in shown(bash("ls", result=whole))
    folded = shown(bash("ls", result=f"{whole}\n25"))
    head, tail = "\n".join(map(str, range(20))), "\n".join(map(str, range(20, 26)))
    assert f"pre.output({head})details.more(summary(Show 6 more lines)pre.output({tail}))" in folded
    assert "(Show 1,000 more lines)" in shown(bash("ls", result="x" + "\n" * 1_019 + "x"))


def test_what_a_subagent_was_asked_is_shortened() -> None:
    assert "… 1 characters hidden …" in shown(agent(ToolState.OK, prompt="x" * 4_001))
    assert "hidden" not in shown(agent(ToolState.OK, prompt="x" * 4_000))


def test_agents_in_agents_are_shown_to_a_depth() -> None:
    nested: ToolBlock = agent(ToolState.OK, children=[answer("deep"), answer("deeper")])
    for _ in range(8):
        nested = agent(ToolState.OK, children=[nested])

    assert shown(nested).count("div.children") == 8
    assert "div.about(2 blocks of a nested agent)" in shown(nested)
    assert "deep" not in shown(nested)


def test_paths_count_from_the_folder_in_agents_too() -> None:
    inner = agent(ToolState.OK, children=[call("Read", input=FILE)])

    assert "span.tool-name(Read) code.tool-argument(a.py)" in shown(agent(ToolState.OK, children=[inner]))


@pytest.mark.parametrize(
    ("picture", "path", "seen"),
    [
        (Picture("image/png", "iVBO"), "", "img.picture[alt=image][src=data:image/png;base64,iVBO]"),
        (Picture("image/gif", "R0lG"), "/c/a", "img.picture[alt=image][src=data:image/gif;base64,R0lG]"),
        (
            Picture("image/svg+xml", "A" * 4_000),
            "a\u202e",
            "div.about(An image of 3 kB, not shown here; the original is a⟦U+202E⟧)",
        ),
        (Picture("image/bmp", "A" * 4_000_000), "", "div.about(An image of 3,000 kB, not shown here)"),
    ],
)
def test_a_picture_is_shown_where_a_browser_can(picture: Picture, path: str, seen: str) -> None:
    assert f"span.tool-state.ok(ok)){seen})" in shown(
        call("Read", input={"pages": "1", "file_path": path}, pictures=(picture,))
    )


def test_a_picture_that_was_made_smaller_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool, "fitting", lambda _picture: Picture("image/jpeg", "AA"))

    assert "img.picture[alt=image][src=data:image/jpeg;base64,AA]div.about(An image of 3 kB, downscaled)" in (
        shown(call("mcp__a__b", pictures=(Picture("image/png", "A" * 4_000),)))
    )


# --- what a live view puts into its boxes


@pytest.mark.parametrize(
    ("block", "seen"),
    [
        (answer("x"), "div.answer.box()"),
        (answer(" "), ""),
        (thought("*Hm*", whole=False), "details.thinking(summary(Thought for 2.0 s)pre.plain(*Hm*))"),
        (thought("*Hm*"), "details.thinking(summary(Thought for 2.0 s)p(em(Hm))\n)"),
        (
            agent(ToolState.RUNNING, children=[answer("x")]),
            (
                f"details.tool.tool-running[open=open]({AGENT}.running(running))"
                "pre.plain.asked(p)div.children.box())"
            ),
        ),
        (
            agent(ToolState.RUNNING),
            f"details.tool.tool-running[open=open]({AGENT}.running(running))pre.plain.asked(p))",
        ),
        (
            call("Read", input=FILE, children=[answer("x")]),
            (
                "details.tool.tool-ok(summary(span.tool-name(Read) code.tool-argument(a.py) "
                "span.tool-state.ok(ok))div.children.box())"
            ),
        ),
        (call("AskUserQuestion"), ""),
        (NoticeBlock(text="a"), "div.notice.info(a)"),
    ],
)
def test_a_frame_leaves_out_what_grows_by_itself(block: Block, seen: str) -> None:
    assert framed(block) == seen


def asked(name: str, **given: object) -> PermissionBlock:
    return PermissionBlock(
        request=PermissionRequest(id="r", tool_use_id="t", tool_name=name, input=given, reason="why")
    )


QUESTIONS = [{"question": "Q?", "options": ["a"]}]


@pytest.mark.fault(114, via="pure")
@pytest.mark.parametrize(
    ("block", "seen", "with_buttons", "decided"),
    [
        (
            asked("Bash", command="ls"),
            (
                "div.permission(span.label(Permission for Bash:) span.decision(waiting for your answer)"
                "div.about(Why it is asked: why)pre.code.command(code(ls)))"
            ),
            (
                "div.permission(span.label(Claude asks to use) span.tool-name(Bash)"
                "div.about(Why it is asked: why)pre.code.command(code(ls))div.box())"
            ),
            "div.permission.decided(span.label(Permission for Bash:) span.decision(allowed by you))",
        ),
        (
            asked("ExitPlanMode", plan="*a*"),
            "div.permission(span.label(Plan:) span.decision(waiting for your answer)div.plan(p(em(a))\n))",
            "div.permission(span.label(Claude has a plan)div.plan(p(em(a))\n)div.box())",
            "div.permission.decided(span.label(Plan:) span.decision(approved by you)div.plan(p(em(a))\n))",
        ),
        (
            asked("ExitPlanMode", plan=7),
            "div.permission(span.label(Plan:) span.decision(waiting for your answer))",
            "div.permission(span.label(Claude has a plan)div.box())",
            "div.permission.decided(span.label(Plan:) span.decision(approved by you))",
        ),
        (
            asked("AskUserQuestion", questions=QUESTIONS),
            (
                "div.question(div.question-text(Q?br- a)span.label(Question:) "
                "span.decision(waiting for your answer))"
            ),
            "div.question(div.box())",
            (
                "div.question.decided(div.question-text(Q?br- a)span.label(Question:) "
                "span.decision(allowed by you))"
            ),
        ),
    ],
)
def test_a_request_is_shown_with_buttons_without_and_with_its_answer(
    block: PermissionBlock, seen: str, with_buttons: str, decided: str
) -> None:
    assert shown(block) == framed(block) == seen
    assert framed(block, asks=True) == with_buttons
    allowed = PermissionBlock(request=block.request, decision=Decision(behavior=Behavior.ALLOW))
    assert shown(allowed) == decided


CALL = {"command": "git status\ngit log", "description": "See what changed", "timeout": 9}
WAITING = (
    "details.tool.tool-waiting[open=open](summary(span.tool-name(Bash) span.tool-about(See what changed) "
    "span.tool-state.waiting(waiting for you)brcode.tool-argument.brief(git status …))"
    "div.permission(div.about(Why it is asked: why)pre.code.command(code(git status\ngit log))"
    "div.about(timeout: 9)BOX))"
)
TOLD = (
    "details.tool.tool-ok(summary(span.tool-name(Bash) span.tool-about(See what changed) "
    "span.tool-state.ok(ok · allowed by you)brcode.tool-argument.brief(git status …))"
    "pre.code.command(code(git status\ngit log)))"
)


def test_leave_for_a_call_is_asked_and_told_at_the_call_itself_and_nothing_of_it_twice() -> None:
    waiting = asked("Bash", **CALL)
    waiting = PermissionBlock(request=replace(waiting.request, description="See what changed"))
    block = call(how=ToolState.WAITING, input=CALL, asked=waiting)

    assert framed(block, asks=True) == WAITING.replace("BOX", "div.box()")
    assert shown(block) == framed(block) == WAITING.replace("BOX", "")

    block.state, waiting.decision = ToolState.OK, Decision(behavior=Behavior.ALLOW)
    assert shown(block) == TOLD

    block.state, block.result = ToolState.DENIED, "not now"
    waiting.decision = Decision(behavior=Behavior.DENY, message="not now")
    assert "(denied by you: not now)" in shown(block)
    assert "output" not in shown(block)

    waiting.decision = Decision(behavior=Behavior.DENY, message="not now\nbut then")
    block.result = "not now\nbut then"
    assert shown(block).endswith("pre.output(not now\nbut then))")


def test_the_buttons_stand_above_what_is_tall_and_below_what_is_not() -> None:
    def card(lines: int) -> str:
        given = {"file_path": "a", "content": "x\n" * lines}
        return framed(call("Write", ToolState.WAITING, input=given, asked=asked("Write", **given)), asks=True)

    assert card(12).endswith("div.box()))")
    assert "div.about(Why it is asked: why)div.box()div.counts(+13 -0 lines)" in card(13)


# --- an answer that grows


@pytest.mark.parametrize(
    ("text", "growing", "whole"),
    [
        ("*a* $x$", *["p(em(a) span.mathjax_process.tex2jax_process($x$))\n"] * 2),
        (LONG[1:], *[f"p({LONG[1:]})\n"] * 2),
        (LONG, *[f"pre.plain({LONG})"] * 2),
        ("```r\n7", "pre.code(code(7))", "pre.code(code(span.m(7)))\n"),
        ("```r\n7\n```", *["pre.code(code(span.m(7)\n))\n"] * 2),
        ("  ```r\n7\n ````\n", *["pre.code(code(span.m(7)\n))\n"] * 2),
        ("~~~~r\n7\n~~~~", *["pre.code(code(span.m(7)\n))\n"] * 2),
        ("```q\n7\n8\n``", "pre.code(code(7\n8))", "pre.code(code(7\n8\n``))\n"),
        ("```q\n7\n``", "pre.code(code(7))", "pre.code(code(7\n``))\n"),
        ("~~~~q\n7\n~~~", "pre.code(code(7))", "pre.code(code(7\n~~~))\n"),
        ("~~~~q\n7\n `` ", "pre.code(code(7))", "pre.code(code(7\n `` ))\n"),
        ("```q\n7\n```x", "pre.code(code(7\n```x))", "pre.code(code(7\n```x))\n"),
        ("```\n", "pre.code(code())", "pre.code(code())\n"),
        ("```", "pre.code(code())", "pre.code(code())\n"),
        (f"```\n{LONG}", f"pre.code(code({LONG}))", f"pre.code(code({LONG}))\n"),
        ("    ```\nx", *["pre.code(code(```\n))\np(x)\n"] * 2),
        ("```a``` b", *["p(code(a) b)\n"] * 2),
    ],
    ids=count(),
)
def test_a_section_is_coloured_once_it_is_whole(text: str, growing: str, whole: str) -> None:
    assert outline(html.section(text, finished=False)) == growing
    assert outline(html.section(text, finished=True)) == whole


def test_code_within_a_section_that_grows_is_not_coloured_yet() -> None:
    assert outline(html.section("- a\n  ```r\n  7", finished=False)) == ("ul(\nli(apre.code(code(7))\n)\n)\n")


# --- the frame of a turn


def test_a_turn_is_its_style_and_its_parts_in_their_order() -> None:
    transcript = finished(called("Read", file_path="/home/ada/a.py"), returned("x"), said("Yes.", "n"))
    transcript.update(permission_mode="bypassPermissions")

    made = html.turn(transcript)

    assert made.startswith(style())
    assert outline(made.removeprefix(style())) == (
        f"details.static.of-{transcript.id}.mathjax_ignore.tex2jax_ignore[open=open]("
        "summary(div.header(span.name(Claude) span.fact(main) · "
        "span.fact(claude) · span.fact(bypassPermissions) · span.state.state-done(done)))"
        "div.notice.warning.banner(Permission checks are off (bypassPermissions): "
        "every tool runs without asking.)"
        "div.prompt(span.label(Prompt) span.prompt-line(What is wrong?))"
        "details.tool.tool-ok(summary(span.tool-name(Read) code.tool-argument(a.py) "
        "span.tool-state.ok(ok))pre.output(x))"
        "div.answer(p(Yes.)\n)"
        "div.footer(2 requests · 12 s · 1.2k tokens · $0.0016 · 93% of context left))"
    )


def test_the_header_of_a_live_turn_leaves_the_mode_to_its_control() -> None:
    assert outline(html.header(turn())) == (
        "div.header(span.name(Claude) span.fact(main) · span.fact(claude) · "
        "span.state.state-running(running))"
    )


def test_what_stands_around_a_live_turn_is_there_once_there_is_something_to_say() -> None:
    lines = html.frame_lines(turn(prompt="a"))
    assert lines == {"banner": "", "prompt": lines["prompt"], "hidden": "", "footer": ""}
    assert outline(lines["prompt"]) == "div.prompt(span.label(Prompt) span.prompt-line(a))"

    transcript = finished(said("x" * 2_100_000))
    transcript.update(permission_mode="bypassPermissions")

    seen = {name: outline(line) for name, line in html.frame_lines(transcript).items()}
    assert seen["banner"].startswith("div.notice.warning.banner(Permission checks are off")
    assert seen["hidden"] == "div.notice.warning(truncated, 100,000 characters hidden)"
    assert seen["footer"].startswith("div.footer(2 requests")


def test_a_prompt_is_folded_where_its_first_line_does_not_say_it_all() -> None:
    transcript = turn(prompt="one\ntwo")
    assert outline(html.frame_lines(transcript)["prompt"]) == (
        "details.prompt(summary(span.label(Prompt) span.prompt-line(one))pre(one\ntwo))"
    )
    assert outline(html.frame_lines(turn(prompt=" one\n"))["prompt"]).startswith("div.prompt(")

    transcript = turn(prompt="one")
    transcript.attachments = (Attachment("a", "b\u202e"),)
    transcript.update(options={"--model": "x"})

    assert outline(html.frame_lines(transcript)["prompt"]) == (
        "details.prompt(summary(span.label(Prompt) span.prompt-line(one))pre(one)"
        "div.options(Options: code(--model x))div.data(span.label([data: a] 2 characters)pre(b⟦U+202E⟧)))"
    )


def test_data_with_a_title_is_folded_under_it_whole_while_live_and_shortened_when_saved() -> None:
    transcript = turn(prompt="one")
    picture = Image("image/png", "", 4, 3, "AAAA")
    transcript.attachments = (Attachment("cells", "x" * 8_001, "3 cells <attached>", (picture,)),)

    live, saved = html.frame_lines(transcript)["prompt"], html.turn(transcript)

    assert outline(live).startswith(
        "div.prompt(span.label(Prompt) span.prompt-line(one))details.data(summary("
    )
    assert "<summary>3 cells &lt;attached&gt;</summary>" in live
    assert "x" * 8_001 in live
    assert "%claude_history has all of it." not in live
    assert "… 1 characters hidden …" in saved
    assert "%claude_history has all of it." in saved
    for made in (live, saved):
        assert 'alt="image/png, 4 by 3 pixels" src="data:image/jpeg;base64,AAAA"' in made
    transcript.attachments = (Attachment("cells", "x", "1 cell attached", (Image("image/png", "", 4, 3),)),)
    assert "<img" not in html.turn(transcript)


def test_a_long_prompt_is_shortened() -> None:
    assert "… 1 characters hidden …" in html.frame_lines(turn(prompt=f"a\n{LONG[2:]}"))["prompt"]
    assert "hidden" not in html.frame_lines(turn(prompt=f"a\n{LONG[3:]}"))["prompt"]


@pytest.mark.fault(74, via="pure")
def test_what_is_saved_while_a_turn_is_shown_live_says_how_to_see_it() -> None:
    transcript = finished(prompt="a")

    made = html.placeholder(transcript)

    assert outline(made.removeprefix(style())) == (
        f"details.static.of-{transcript.id}.mathjax_ignore.tex2jax_ignore[open=open]("
        "summary(div.header(span.name(Claude) span.fact(main) · "
        "span.fact(claude) · span.fact(default) · span.state.state-done(running)))"
        "div.prompt(span.label(Prompt) span.prompt-line(a))"
        "div.footer(The turn was still running when this was saved or shown. "
        "To see it live, the notebook has to be trusted.))"
    )
    assert made.startswith(style())


def test_a_document_is_typeset_by_itself() -> None:
    assert outline(html.document("*a* $x$")) == (
        "div.document.mathjax_ignore.tex2jax_ignore(p(em(a) span.mathjax_process.tex2jax_process($x$))\n)"
    )
