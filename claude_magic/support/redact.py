"""Secrets out of text that is going to be shown: stderr, errors, command lines. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["redact"]

_SECRET_NAME = re.compile(
    r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|COOKIE|AUTH(?!OR)", re.IGNORECASE
)
_SECRET_TEXT = re.compile(r"\bsk-ant-[\w-]+|(?<=Bearer )[^\s\"']+", re.IGNORECASE)
_SHORTEST = 6  # shorter values are words and numbers that would be replaced everywhere
_INSTEAD = "[redacted]"


def redact(text: str, env: Mapping[str, str]) -> str:
    """`text` without secrets, and with `~` for the home folder.

    Args:
        text: What is going to be shown.
        env: The process's environment. The values of variables that are named like secrets are taken out, as
            is whatever looks like a key or a bearer token.
    """
    home = env.get("HOME", "").rstrip("/")
    text = _without(home, text)  # first: a short secret may be part of the folder's name
    for secret in sorted({_without(home, secret) for secret in _secrets(env)}, key=len, reverse=True):
        text = text.replace(secret, _INSTEAD)
    return _SECRET_TEXT.sub(_INSTEAD, text)


def _without(home: str, text: str) -> str:
    return re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text) if home else text


def _secrets(env: Mapping[str, str]) -> Iterator[str]:
    for name, value in env.items():
        if _SECRET_NAME.search(name):
            yield from (line for line in value.splitlines() if len(line) >= _SHORTEST)
