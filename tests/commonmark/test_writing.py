"""Markdown as it is written: what acts is text, and code is what it was, character by character."""

from __future__ import annotations

import pytest

from claude_magic.commonmark.writing import code_span, escaped, fenced, safe_markdown

pytestmark = pytest.mark.fault(124, via="pure")


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("Not <b>, </b>, <!-- or <?", "Not &lt;b>, &lt;/b>, &lt;!-- or &lt;?"),
        ("1 < 2 <3", "1 < 2 <3"),
        ("![x](y)", "&#33;[x]\\(y)"),
        ("[a](b) [a](HTTPS://b) [a](mailto:b)", "[a]\\(b) [a](HTTPS://b) [a](mailto:b)"),
        ("[a]: b:c", "[a]\\: b:c"),
        ("[a]: https://b", "[a]: https://b"),
        ("[a]: word", "[a]: word"),
        ("a ``` b", "a \\`\\`\\` b"),
        ("a ~~~ b", "a \\~\\~\\~ b"),
        ("a ~~b~~ c", "a ~~b~~ c"),
        ("$5 or $$", "\\$5 or \\$\\$"),
        ("\\` \\\\` a", "\\` \\\\\\` a"),
        ("`<b>` <b>", "`<b>` &lt;b>"),
        ("`a | <b>`", "`a | <b>`"),
        ("|a|\n|-|\n|`b | <c>`|", "|a|\n|-|\n|\\`b | &lt;c>\\`|"),
        ("|a|\n|-|\n|`<b>`|", "|a|\n|-|\n|`<b>`|"),
        ("So $a<b$ <i> $5", "So $a< b$ &lt;i> \\$5"),
        ("$$\na`b <i> [c](d)\n$$", "$$\na'b < i> [c] (d)\n$$"),
        ("a\x07\r\nb", "a\nb"),
        ("a `b` <c> `d` <e>", "a `b` &lt;c> `d` &lt;e>"),
        ("\n\n  aX\n\n", "  aX"),
        (" \n", ""),
    ],
)
def test_prose_is_text_and_code_within_it_stays(text: str, made: str) -> None:
    assert safe_markdown(text) == made


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("a\n\n    b <c>\n\nd", "a\n\n```\nb <c>\n```\n\nd"),
        ("-     a\n      b", "-\n\n```\na\nb\n```"),
        ("- ~~~ sh ~~~\n  a\n  ~~~", "-\n\n```sh\na\n```"),
        ("- a\n\n  ```py\n  b\n  ```\n  c\n- d", "- a\n\n```py\nb\n```\n\nc\n- d"),
        ("- a\n\n  ```py\n  b\n  ```\n  - c\n    d\ne\n    f", "- a\n\n```py\nb\n```\n\n- c\n  d\ne\n    f"),
        ("> ```\n> a\n> ```\n> b", "```\na\n```\n\n> b"),
        ("> - ```\n>   a\n>   ```", "> -\n\n```\na\n```"),
        ("1. ```\n   a\n   ```\n2. <b>", "1.\n\n```\na\n```\n\n2. &lt;b>"),
        ("- ```\n  a\n  ```\n  b\n\n  ```\n  c\n  ```\n  d", "-\n\n```\na\n```\n\nb\n\n```\nc\n```\n\nd"),
        ("```\nnever closed", "```\nnever closed\n```"),
    ],
)
def test_a_block_of_code_stands_by_itself_and_what_follows_it_goes_on(text: str, made: str) -> None:
    assert safe_markdown(text) == made


def test_plain_text_has_each_mark_escaped() -> None:
    assert escaped("\\`*_{}[]<>#|~$!& (a)-+.") == ("\\\\\\`\\*\\_\\{\\}\\[\\]\\<\\>\\#\\|\\~\\$\\!\\& (a)-+.")


def test_a_path_in_a_line_is_code() -> None:
    assert code_span(" a\n`b`_c ") == "`a 'b'_c`"


@pytest.mark.parametrize(
    ("code", "info", "made"),
    [
        ("a", "", "```\na\n```"),
        ("``", "py", "```py\n``\n```"),
        ("`\n````", 'c++ "><b>', "`````c++b\n`\n````\n`````"),
    ],
)
def test_a_fence_is_longer_than_any_in_its_code(code: str, info: str, made: str) -> None:
    assert fenced(code, info) == made
    assert fenced("a") == "```\na\n```"
