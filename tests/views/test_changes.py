"""What becomes of some texts, as an output."""

from __future__ import annotations

from turns import Page, dangers, outline

from claude_magic.result import FileChange
from claude_magic.views import changes_output
from claude_magic.views.html.style import style

HOSTILE = "<img src=x onerror=alert(1)>\x1b[2J"


def card(verb: str, name: str, counts: str, lines: str, opened: str = "[open=open]") -> str:
    summary = f"summary(span.tool-name({verb}) code.tool-argument({name}))"
    return f"details.tool{opened}({summary}div.counts({counts} lines)pre.diff({lines}))"


def test_each_text_is_a_card_with_its_diff() -> None:
    changes = [
        FileChange(path="a.py", before="1\n2\n", after="1\n3\n"),
        FileChange(path="code cell 3", before="new", after=None),
        FileChange(path="code cell [4]", before=None, after="back\n"),
    ]
    output = changes_output("Undoing", changes, ["Not undone: x."])["text/html"]

    assert output.startswith(style())
    assert outline(output.removeprefix(style())) == "".join(
        [
            "div.static.mathjax_ignore.tex2jax_ignore(p(strong(Undoing))",
            card(
                "Changes",
                "a.py",
                "+1 -1",
                "span.same(span.number(1 ) 1\n)"
                "span.removed(span.number(2 )-2\n)span.added(span.number(2 )+3\n)",
            ),
            card("Goes", "code cell 3", "+0 -1", "span.removed(span.number(1 )-new\n)"),
            card("Comes back", "code cell [4]", "+1 -0", "span.added(span.number(1 )+back\n)"),
            "p(Not undone: x.))",
        ]
    )


def test_long_diffs_are_folded_and_cut_with_their_counts() -> None:
    long = "\n".join(map(str, range(1_000)))
    output = changes_output("Undoing", [FileChange(path="a", before=long, after="")] * 2, [])

    assert "open=" not in output["text/html"]
    assert outline(output["text/html"]).count("hunk(601 more lines hidden") == 2
    assert output["text/plain"].splitlines()[-1] == "… 1,606 more lines"


def test_hostile_names_texts_and_notes_are_only_text() -> None:
    change = FileChange(path=HOSTILE, before=HOSTILE, after="")
    output = changes_output(HOSTILE, [change], [HOSTILE])

    assert dangers(output["text/html"]) == []
    assert Page(output["text/html"]).text.count("<img src=x onerror=alert(1)>") == 4
    assert "\x1b" not in "".join(output.values())
    assert r"\<img src" in output["text/markdown"]
