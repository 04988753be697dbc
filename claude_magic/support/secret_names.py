"""Which names of variables look like a secret's, by their whole words. Pure."""

from __future__ import annotations

import itertools
import re

__all__ = ["looks_secret"]

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+")
_ALWAYS = {
    "apikey", "apitoken", "credential", "credentials", "creds", "passcode", "passphrase", "passwd",
    "password", "passwords", "secret", "secrets", "token",
}  # fmt: skip
_KEYS = {  # before "key", which alone is that of a dict
    "access", "account", "anthropic", "api", "auth", "aws", "azure", "client", "deploy", "encryption",
    "gemini", "github", "google", "gpg", "hf", "host", "license", "master", "openai", "private",
    "secret", "service", "session", "shared", "signing", "ssh", "storage", "stripe", "wandb", "webhook",
}  # fmt: skip
_TOKENS = {
    "access",
    "api",
    "auth",
    "bearer",
    "refresh",
    "session",
}  # before "tokens": those of a text are none
_PAIRS = {
    "key": _KEYS,
    "keys": _KEYS,
    "tokens": _TOKENS,
    "header": {"auth", "authorization"},
    "cookie": {"auth", "session"},
}
_LAST = {"auth", "authorization"}
_MEASURES = {  # what tells of a secret, or of the tokens of a text, is none
    "budget", "cost", "costs", "count", "counts", "embedding", "freq", "frequency", "id", "ids",
    "index", "len", "length", "lengths", "limit", "max", "min", "n", "name", "names", "num", "number",
    "per", "policy", "price", "rate", "size", "total", "type", "types", "usage",
}  # fmt: skip


def looks_secret(name: str) -> bool:
    """Whether the value of a variable of this name is withheld from prompts.

    Args:
        name: `api_key`, `SECRET`, `authToken` look secret; `monkey`, `token_count`, `author` do not.
    """
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or _MEASURES & set(words):
        return False
    paired = any(first in _PAIRS.get(second, ()) for first, second in itertools.pairwise(words))
    return paired or bool(_ALWAYS & set(words)) or words[-1] in _LAST
