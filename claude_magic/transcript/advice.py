"""What the CLI tells a person to do, told for somebody at a notebook. Pure.

The CLI's messages name commands and keys of its own terminal; they are replaced by what can be typed here.
"""

from __future__ import annotations

import re

__all__ = ["typeable"]

_LOGIN = r"(?:`?claude auth login`?(?: \(or /login[^)]*\))?|`?/login`?(?: in Claude Code)?)"
_ENDS = r"(?![\w/-])"  # no path, no longer name
_INSTEAD = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (rf"\b(?:[Pp]lease run|Run) {_LOGIN}{_ENDS}", "Type: %claude_login"),
        (rf"\brun {_LOGIN}{_ENDS}", "type %claude_login"),
        (r"\bRun (?:--|/)model to (?:pick|choose) a different model\b", "Name another with --model"),
        (rf"/model to switch (?:models|to)\b|(?<!\S)/model{_ENDS}", "--model NAME"),
        (r"\bRun /rewind to recover the conversation\b", "%claude_restart --fresh begins another"),
        (r"\b(?:Run )?/(?:usage-credits|extra-usage) to", "See claude.ai/settings/usage to"),
        (r"/upgrade to", "upgrade at claude.ai/upgrade to"),
        (rf"(?<!\S)/status{_ENDS}", "%claude_status"),
        (rf"(?<!\S)/doctor{_ENDS}", "claude-magic doctor"),
        (rf"(?<!\S)/(compact|clear|context|cost){_ENDS}", r"%claude /\1"),
        (r"(?: ?[.·] ?)?\b(?:[Dd]ouble )?[Pp]ress esc\b[^.·]*", ""),
    )
)


def typeable(text: str) -> str:
    """A message of the CLI's in which each step is one that can be taken from a notebook."""
    for pattern, words in _INSTEAD:
        text = pattern.sub(words, text)
    return text
