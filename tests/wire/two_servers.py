"""The fake Discord with a second server, which is told of on another shard."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.wire.fake_discord import APPLICATION, BOT, COMMITTEE, SERVER, SUPPORT, FakeDiscord

SHARDS = 2
SESSIONS_EVERY = 1.0
"""Seconds between two sessions that processes begin; in earnest it is five."""
SECOND = SERVER + (1 << 22)
"""A server on the other shard."""
OTHERS = {SUPPORT: 343333333333333331, COMMITTEE: 343333333333333332}
"""Its channels, by those of the first."""


@dataclass
class TwoServers(FakeDiscord):
    """A Discord with two servers, each of which is told of on a shard of its own."""

    shards: dict[int, web.WebSocketResponse] = field(default_factory=dict)
    emojis: list[dict[str, Any]] = field(default_factory=list)
    takes_every: float = 0.0
    """Seconds between two sessions of the application; what begins sooner is invalid."""
    refused: int = 0
    taken_at: float = 0.0

    def _accept(self, method: str, parts: list[str], body: Any) -> Any:
        if parts[-1] == "emojis":
            return self.emojis
        return super()._accept(method, parts, body)

    async def tell(self, shard: int, event: str, data: dict[str, Any]) -> None:
        """Tell whoever has a shard of something."""
        self._sockets = [self.shards[shard]]
        await self._dispatch(event, data)

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": 41_250}, "s": None})
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                break
            message = frame.json()
            if message["op"] == 1:
                await socket.send_json({"op": 11})
            elif message["op"] == 2:
                number, count = message["d"]["shard"]
                assert count == SHARDS
                if time.monotonic() - self.taken_at < self.takes_every:
                    self.refused += 1
                    await socket.send_json({"op": 9, "d": False})
                    continue
                self.taken_at = time.monotonic()
                self.shards[number] = socket
                self._sockets = [socket]  # the one that is greeted now
                await self._greet(number)
        self.shards = {number: each for number, each in self.shards.items() if each is not socket}
        return socket

    async def _greet(self, number: int) -> None:
        server = self._server() if number == (SERVER >> 22) % SHARDS else self._second()
        user = {"id": str(BOT), "username": "stipend", "discriminator": "0"}
        ready = {
            "v": 10,
            "user": {**user, "avatar": None, "bot": True},
            "guilds": [{"id": server["id"], "unavailable": True}],
            "session_id": "session",
            "resume_gateway_url": f"ws://127.0.0.1:{self.port}/ws",
            "application": {"id": str(APPLICATION), "flags": 0},
            "shard": [number, SHARDS],
        }
        await self._dispatch("READY", ready)
        await self._dispatch("GUILD_CREATE", server)

    def _second(self) -> dict[str, Any]:
        server = self._server()
        channels = [
            {**each, "id": str(OTHERS[int(each["id"])]), "guild_id": str(SECOND)}
            for each in server["channels"]
        ]
        everyone, *roles = server["roles"]
        everyone = {**everyone, "id": str(SECOND)}
        return {**server, "id": str(SECOND), "channels": channels, "roles": [everyone, *roles]}
