"""What may go wrong with a request, as Discord or the network between would have it."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
ALWAYS = 1 << 30
PAGE = "<!DOCTYPE html><html><head><title>{status}</title></head><body>Sorry</body></html>"


@dataclass
class Fault:
    """Answers what is asked for with `method` and has `part` in its path, so many times.

    With `is_accepted` the request is carried out first: only its answer goes wrong.
    """

    answer: Answer
    method: str = ""
    part: str = ""
    times: int = 1
    is_accepted: bool = False
    met: int = 0

    def meets(self, method: str, path: str) -> bool:
        """Whether this request goes wrong; counts it if so."""
        if self.met >= self.times or self.method not in {"", method} or self.part not in path:
            return False
        self.met += 1
        return True


def error(status: int, code: int = 0, message: str = "No") -> Answer:
    """Answer with an error in Discord's form."""
    return _with(status, json.dumps({"code": code, "message": message}), "application/json", {})


def page(status: int) -> Answer:
    """Answer with a page of HTML, as what stands before Discord does."""
    return _with(status, PAGE.format(status=status), "text/html", {})


def rate_limited(scope: str, retry_after: float) -> Answer:
    """Answer that there were too many requests; the scope is user, shared or global."""
    told = {
        "message": "You are being rate limited.",
        "retry_after": retry_after,
        "global": scope == "global",
    }
    headers = {"Via": "1.1 google", "Retry-After": str(retry_after), "X-RateLimit-Scope": scope}
    if scope == "global":
        headers["X-RateLimit-Global"] = "true"
    return _with(429, json.dumps(told), "application/json", headers)


async def reset(request: web.Request) -> web.StreamResponse:
    """Reset the connection (errno 104) instead of an answer."""
    if request.transport is not None:  # else the client has gone already
        peer = request.transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response()


def silence(over: asyncio.Event) -> Answer:
    """Never answer, until all is over."""

    async def wait(request: web.Request) -> web.StreamResponse:
        await over.wait()
        return await reset(request)

    return wait


def _with(status: int, text: str, content_type: str, headers: dict[str, str]) -> Answer:
    async def answer(_request: web.Request) -> web.StreamResponse:
        # The client wants the content type of JSON to the letter.
        return web.Response(
            body=text.encode(), status=status, headers={"Content-Type": content_type, **headers}
        )

    return answer
