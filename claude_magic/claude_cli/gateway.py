"""Where the API is that the CLI talks to, and whether anybody is there.

What is said of it is host and port alone: an address may hold a password, and a path is nobody's business.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

__all__ = ["API", "Place", "api_of", "why_unreachable"]

API = "https://api.anthropic.com"
_PORTS = {"http": 80, "https": 443}
_ELSEWHERE = ("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_FOUNDRY", "CLAUDE_CODE_USE_VERTEX")
_CONNECT_TIMEOUT = 5.0  # seconds


class Place(NamedTuple):
    """Where something listens."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return self.host if self.port == _PORTS.get(self.scheme) else f"{self.host}:{self.port}"


def api_of(env: Mapping[str, str]) -> Place | None:
    """Where an environment sends the requests; None if a cloud provider says so, or if it is no address."""
    if any(env.get(name) for name in _ELSEWHERE):
        return None
    return _place(env.get("ANTHROPIC_BASE_URL") or API)


async def why_unreachable(env: Mapping[str, str]) -> str:
    """Why nothing can be sent to the API, in words; "" if a connection comes about, or none is tried.

    None is tried where a proxy stands between: what it can reach cannot be seen from here.
    """
    place = api_of(env)
    if place is None:
        return "ANTHROPIC_BASE_URL is no address" if env.get("ANTHROPIC_BASE_URL") else ""
    if _has_proxy(env, place):
        return ""
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT):
            _, writer = await asyncio.open_connection(place.host, place.port)
    except TimeoutError:
        return f"{place} cannot be reached: no answer within {_CONNECT_TIMEOUT:g} s"
    except (OSError, UnicodeError) as error:
        return f"{place} cannot be reached: {_cause(error)}"
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return ""


def _place(url: str) -> Place | None:
    try:
        parts = urlsplit(url.strip())
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    return Place(parts.scheme, parts.hostname, port) if parts.hostname else None


def _has_proxy(env: Mapping[str, str], place: Place) -> bool:
    import urllib.request  # noqa: PLC0415  # slow to import, and seldom needed

    names = (f"{place.scheme}_proxy", "all_proxy")
    if not any(env.get(name) or env.get(name.upper()) for name in names):
        return False
    direct = env.get("no_proxy") or env.get("NO_PROXY") or ""
    bypass: Callable[[str, dict[str, str]], bool] = vars(urllib.request)["proxy_bypass_environment"]
    return not bypass(place.host, {"no": direct})


def _cause(error: Exception) -> str:
    if isinstance(error, socket.gaierror | UnicodeError):
        return "no such host is known here"
    number = getattr(error, "errno", None)
    return os.strerror(number).lower() if number else "the connection failed"
