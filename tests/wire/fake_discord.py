"""A small Discord over real HTTP and websocket: what it accepts, it keeps, whoever dies.

It holds one server and speaks the part of the protocol that the bot's client uses. A test presses
commands through `press`, may kill the client at the very moment its answer arrives, and lets
requests (`faults`) and the gateway (`cut`, `reconnect`, `invalidate`, `close_with`) go wrong.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import WSMsgType, web

from tests.wire.faults import Answer, Fault, reset, silence

APPLICATION, SERVER, BOT, OWNER = 111111111111111111, 222222222222222222, 111111111111111112, 3
SUPPORT, COMMITTEE = 333333333333333331, 333333333333333332
COMMITTEE_ROLE = 444444444444444441
EPOCH_MS = 1_420_070_400_000
MOST_EMOJI = 20
PUT_OFF = {5, 6}
"""Kinds of answers that only say that there will be one: to a command, and to a press."""
ALL_PERMISSIONS = str((1 << 52) - 1)


def snowflake(unix_seconds: float, number: int = 0) -> int:
    """Return an id as Discord makes them at an instant."""
    return ((int(unix_seconds * 1000) - EPOCH_MS) << 22) + number


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """An error as Discord answers it: HTTP status, its own code, and words."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass
class FakeDiscord:
    """The server's state, and every request it accepted, in order."""

    journal: list[tuple[str, str, Any]] = field(default_factory=list)
    messages: dict[int, dict[int, dict[str, Any]]] = field(default_factory=dict)
    commands: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[int, dict[str, Any]] = field(default_factory=dict)
    before_accepting: Callable[[str, str], None] | None = None
    after_accepting: Callable[[str, str], None] | None = None
    refuse_token: bool = False
    permissions: str = ALL_PERMISSIONS
    port: int = 0
    reactors: dict[tuple[int, str], dict[int, set[int]]] = field(default_factory=dict)
    """By message and emoji (`name:id`, or the character): users of each kind, 1 for super."""
    count_shown: int | None = None
    """What every message says of its reactions, whatever is true."""
    repeats_boundary: bool = False
    """Whether a page of users begins with the last of the page before."""
    threads: dict[int, int] = field(default_factory=dict)
    is_cut: bool = False
    """Whether the gateway takes no connections."""
    keeps_session: bool = False
    """Whether RESUME is granted: everything since the cut is told again, in order."""
    close_with: int = 0
    """The code with which every connection is closed that identifies itself, 0 for none."""
    invalidates: bool = False
    """Whether every session is invalid from the start."""
    sends_away: bool = False
    """Whether every client is asked at once to connect again."""
    archived: set[int] = field(default_factory=set)
    """Threads that take no reactions and no edits until they are opened again."""
    faults: list[Fault] = field(default_factory=list)
    loses_first_answers: bool = False
    """Whether the first answer to each post is lost: it is accepted, and the connection reset."""
    called: str = ""
    """What people who press something are called; empty for a name of each one's own."""
    gives_up_after: float = 60.0
    """Seconds after which a command cannot be answered any more, nor its answer put off."""
    is_slow_for: float = 0.0
    """Seconds that the answer to an interaction is on its way."""
    sent_back: set[int] = field(default_factory=set)
    """The interactions whose answers were sent back, because that was asked for."""
    connects: int = 0
    identifies: int = 0
    resumes: int = 0

    def __post_init__(self) -> None:
        self._sockets: list[web.WebSocketResponse] = []
        self._told: list[dict[str, Any]] = []
        self._over = asyncio.Event()
        self._lost: set[str] = set()
        self._ready = asyncio.Event()
        self._number = 0
        self._sequence = 0
        self._runner: web.AppRunner | None = None
        self._interactions: dict[int, asyncio.Event] = {}
        self._pressed: dict[int, float] = {}
        self._query: dict[str, str] = {}
        self._remembered: list[dict[str, Any]] = []

    # ------------------------------------------------------------ life

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/ws", self._gateway)
        app.router.add_get("/ws/", self._gateway)
        app.router.add_route("*", "/api/{tail:.*}", self._rest)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._over.set()
        for socket in self._sockets:
            await socket.close()
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def sockets(self) -> int:
        """How many clients are connected to the gateway."""
        return len(self._sockets)

    def is_left(self) -> None:
        """Note that the client is gone, before its connections are seen to end."""
        self._sockets.clear()
        self._ready.clear()

    async def until_ready(self, seconds: float = 30) -> None:
        """Wait until a client has connected and registered its commands."""
        await asyncio.wait_for(self._ready.wait(), seconds)

    # ------------------------------------------------------------ what goes wrong

    def fail(
        self,
        answer: Answer | None = None,
        *,
        method: str = "",
        part: str = "",
        times: int = 1,
        is_accepted: bool = False,
    ) -> Fault:
        """Let requests go wrong; without an answer they get none."""
        fault = Fault(answer or silence(self._over), method, part, times, is_accepted)
        self.faults.append(fault)
        return fault

    def _is_lost(self, body: Any) -> bool:
        """Whether this is the first answer to a post, where those are lost."""
        nonce = body.get("nonce") if isinstance(body, dict) else None
        if not self.loses_first_answers or nonce is None or nonce in self._lost:
            return False
        self._lost.add(nonce)
        return True

    @property
    def lost(self) -> int:
        """How many answers to posts were lost."""
        return len(self._lost)

    def forget_nonces(self) -> None:
        """Let some minutes pass: a repeat is no longer dropped by its nonce."""
        self._remembered.clear()

    async def reconnect(self) -> None:
        """Ask every client to connect again (op 7)."""
        await self._send({"op": 7, "d": None})

    async def invalidate(self, *, is_resumable: bool) -> None:
        """Call every session invalid (op 9)."""
        self.keeps_session = self.keeps_session and is_resumable
        await self._send({"op": 9, "d": is_resumable})

    async def archive(self, thread: int) -> None:
        """Let Discord archive a thread; a client that is connected is told."""
        self.archived.add(thread)
        await self._dispatch("THREAD_UPDATE", self._thread(thread))

    def _thread(self, number: int) -> dict[str, Any]:
        thread = _thread(number, self.threads[number], "")
        thread["thread_metadata"]["archived"] = number in self.archived
        return thread

    def _changed(self, number: int, body: dict[str, Any]) -> dict[str, Any]:
        if body.get("archived") is False:
            self.archived.discard(number)
        return self._thread(number) if number in self.threads else _channel(number, "")

    def _require_open(self, channel: int) -> None:
        if channel in self.archived:
            raise Refused(400, 50_083, "Thread is archived")

    # ------------------------------------------------------------ people

    async def press(
        self, command: str, options: dict[str, Any], *, user: int, at: float, roles: tuple[int, ...]
    ) -> int:
        """Send a slash command of a member; returns the interaction's id."""
        name, *path = command.split()
        typed = [{"name": key, **_typed(value)} for key, value in options.items()]
        for part in reversed(path):
            typed = [{"name": part, "type": 1, "options": typed}]
        data = {
            "id": "9",
            "name": name,
            "type": 1,
            "options": typed,
            "resolved": _resolved(options),
        }
        return await self._interact(2, data, user=user, at=at, roles=roles)

    async def click(
        self, custom_id: str, *, user: int, at: float, roles: tuple[int, ...] = ()
    ) -> int:
        """Press a button under a message of the bot; returns the interaction's id."""
        button = {"type": 2, "style": 1, "label": "Press", "custom_id": custom_id}
        message = self._message(SUPPORT, snowflake(1, 2), {"content": "press"})
        message["components"] = [{"type": 1, "components": [button]}]
        data = {"component_type": 2, "custom_id": custom_id}
        return await self._interact(3, data, user=user, at=at, roles=roles, message=message)

    async def _interact(
        self,
        kind: int,
        data: dict[str, Any],
        *,
        user: int,
        at: float,
        roles: tuple[int, ...],
        **more: Any,
    ) -> int:
        self._number += 1
        number = snowflake(at, self._number)
        self._interactions[number] = asyncio.Event()
        self._pressed[number] = time.monotonic()
        await self._dispatch(
            "INTERACTION_CREATE",
            {
                "id": str(number),
                "application_id": str(APPLICATION),
                "type": kind,
                "token": f"token{number}",
                "version": 1,
                "guild_id": str(SERVER),
                "channel_id": str(SUPPORT),
                "channel": _channel(SUPPORT, "support"),
                "locale": "en-US",
                "entitlements": [],
                "authorizing_integration_owners": {},
                "context": 0,
                "app_permissions": ALL_PERMISSIONS,
                "attachment_size_limit": 10_485_760,
                "member": {**_member(user, roles), "nick": self.called or None},
                "data": data,
                **more,
            },
        )
        return number

    async def answer_to(self, number: int, seconds: float = 20) -> str:
        """Wait for the answer to an interaction and return its text."""
        await asyncio.wait_for(self._interactions[number].wait(), seconds)
        return str(self.answers[number].get("content") or "")

    def texts(self, channel: int) -> list[str]:
        """Return what stands in a channel, titles of embeds included."""
        return [
            " ".join([m.get("content") or "", *(e.get("title", "") for e in m.get("embeds", []))])
            for m in self.messages.get(channel, {}).values()
        ]

    # ------------------------------------------------------------ reactions

    async def cut(self) -> None:
        """End every connection to the gateway and take no new one until `is_cut` is undone."""
        self.is_cut = True
        for socket in list(self._sockets):
            await socket.close(code=4000)

    async def drop(self) -> None:
        """End every connection to the gateway; it may come back at once."""
        for socket in list(self._sockets):
            self._sockets.remove(socket)
            await socket.close(code=4000)

    def write(self, channel: int, number: int, *, author: int) -> None:
        """Let somebody have written a message; nobody is told."""
        message = self._message(channel, number, {"content": "hello"})
        message["author"] = _user(author, f"user{author}")
        self.messages.setdefault(channel, {})[number] = message

    async def react(
        self, channel: int, message: int, emoji: str, user: int, *, burst: bool = False
    ) -> None:
        """Let somebody react; a client that is connected is told."""
        self.reactors.setdefault((message, emoji), {0: set(), 1: set()})[burst].add(user)
        await self._tell("MESSAGE_REACTION_ADD", channel, message, emoji, user, burst=burst)

    async def unreact(
        self, channel: int, message: int, emoji: str, user: int, *, burst: bool = False
    ) -> None:
        """Let somebody take a reaction away; a client that is connected is told."""
        self.reactors[message, emoji][burst].discard(user)
        await self._tell("MESSAGE_REACTION_REMOVE", channel, message, emoji, user, burst=burst)

    async def _tell(
        self, event: str, channel: int, message: int, emoji: str, user: int, *, burst: bool
    ) -> None:
        author = self.messages[channel][message]["author"]["id"]
        data = {
            "user_id": str(user),
            "channel_id": str(channel),
            "message_id": str(message),
            "guild_id": str(SERVER),
            "emoji": _emoji(emoji),
            "burst": burst,
            "type": int(burst),
        }
        if event == "MESSAGE_REACTION_ADD":
            data |= {"member": _member(user, ()), "message_author_id": author}
        await self._dispatch(event, data)

    def _reactors(self, message: int, emoji: str) -> list[dict[str, Any]]:
        """Return a page of users, by rising id, as `limit`, `after` and `type` say."""
        kinds = self.reactors.get((message, emoji), {0: set(), 1: set()})
        users = sorted(kinds[int(self._query.get("type", 0))])
        after = int(self._query.get("after", 0))
        page = [user for user in users if user > after or (self.repeats_boundary and user == after)]
        limit = int(self._query.get("limit", 25))
        return [_user(user, f"user{user}", bot=user == BOT) for user in page[:limit]]

    def _shown(self, channel: int, number: int) -> dict[str, Any]:
        """Return a message with its reactions, with a count that may be wrong."""
        message = self.messages.get(channel, {}).get(number)
        if message is None:
            raise Refused(404, 10_008, "Unknown Message")
        reactions = [
            {
                "emoji": _emoji(emoji),
                "count": sum(map(len, kinds.values()))
                if self.count_shown is None
                else self.count_shown,
                "count_details": {"normal": len(kinds[0]), "burst": len(kinds[1])},
                "me": BOT in kinds[0],
                "me_burst": False,
                "burst_colors": [],
            }
            for (message_id, emoji), kinds in self.reactors.items()
            if message_id == number and any(kinds.values())
        ]
        return {k: v for k, v in message.items() if k != "nonce"} | {"reactions": reactions}

    # ------------------------------------------------------------ boards

    async def delete(self, channel: int, number: int) -> None:
        """Let somebody delete a message; its nonce is remembered."""
        del self.messages[channel][number]
        await self._dispatch(
            "MESSAGE_DELETE",
            {"id": str(number), "channel_id": str(channel), "guild_id": str(SERVER)},
        )

    async def unpin(self, channel: int, number: int) -> None:
        """Let somebody unpin a message."""
        self.messages[channel][number]["pinned"] = False
        data = {**self._shown(channel, number), "guild_id": str(SERVER)}
        await self._dispatch("MESSAGE_UPDATE", data)

    def _react_self(self, channel: int, number: int, emoji: str) -> None:
        """Put the bot's reaction under a message; 20 different ones fit."""
        self._require_open(channel)
        self._shown(channel, number)
        there = {
            each
            for (message_id, each), kinds in self.reactors.items()
            if message_id == number and any(kinds.values())
        }
        if emoji not in there and len(there) >= MOST_EMOJI:
            raise Refused(400, 30_010, f"Maximum number of reactions reached ({MOST_EMOJI})")
        self.reactors.setdefault((number, emoji), {0: set(), 1: set()})[0].add(BOT)

    def _pin(self, channel: int, number: int) -> None:
        self._shown(channel, number)
        self.messages[channel][number]["pinned"] = True

    def _history(self, channel: int) -> list[dict[str, Any]]:
        """Return a page of messages, newest first, as `limit`, `before` and `after` say.

        History does not know of nonces.
        """
        before = int(self._query.get("before", 1 << 63))
        after, limit = int(self._query.get("after", 0)), int(self._query.get("limit", 50))
        numbers = sorted(n for n in self.messages.get(channel, {}) if after < n < before)
        page = numbers[:limit] if after else numbers[-limit:]
        return [self._shown(channel, number) for number in reversed(page)]

    # ------------------------------------------------------------ gateway

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        if self.is_cut:
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        self.connects += 1
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": 41_250}, "s": None})
        if self.sends_away:
            await socket.send_json({"op": 7, "d": None})
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                break
            message = json.loads(frame.data)
            if message["op"] == 1:
                await socket.send_json({"op": 11})
            elif message["op"] == 2:
                await self._identified(socket)
            elif message["op"] == 6:
                await self._resumed(socket, message["d"]["seq"])
        if socket in self._sockets:
            self._sockets.remove(socket)
        if not self._sockets:
            self._ready.clear()
        return socket

    async def _resumed(self, socket: web.WebSocketResponse, sequence: int) -> None:
        if not self.keeps_session:
            # The session is forgotten: what was missed is never told again.
            await socket.send_json({"op": 9, "d": False})
            return
        self.resumes += 1
        self._sockets = [socket]
        for frame in [each for each in self._told if each["s"] > sequence]:
            await socket.send_json(frame)
        await self._dispatch("RESUMED", {})
        self._ready.set()

    async def _identified(self, socket: web.WebSocketResponse) -> None:
        self.identifies += 1
        if self.invalidates:
            await socket.send_json({"op": 9, "d": False})
            return
        if self.close_with:
            await socket.close(code=self.close_with)
            return
        self._sockets, self._told = [socket], []
        await self._dispatch(
            "READY",
            {
                "v": 10,
                "user": _user(BOT, "stipend", bot=True),
                "guilds": [{"id": str(SERVER), "unavailable": True}],
                "session_id": "session",
                "resume_gateway_url": f"ws://127.0.0.1:{self.port}/ws",
                "application": {"id": str(APPLICATION), "flags": 0},
            },
        )
        await self._dispatch("GUILD_CREATE", self._server())
        self._ready.set()

    async def _dispatch(self, event: str, data: dict[str, Any]) -> None:
        self._sequence += 1
        frame = {"op": 0, "t": event, "s": self._sequence, "d": data}
        self._told.append(frame)
        await self._send(frame)

    async def _send(self, frame: dict[str, Any]) -> None:
        for socket in list(self._sockets):
            if not socket.closed:
                await socket.send_json(frame)

    # ------------------------------------------------------------ requests

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        method, path = request.method, "/" + request.match_info["tail"].split("/", 1)[1]
        body = await _body(request)
        if self.refuse_token:
            return _json({"message": "401: Unauthorized", "code": 0}, status=401)
        fault = next((each for each in self.faults if each.meets(method, path)), None)
        if fault is not None and not fault.is_accepted:
            return await fault.answer(request)
        try:
            if path.endswith("/callback"):
                await asyncio.sleep(self.is_slow_for)
            self._query = dict(request.query)
            if self.before_accepting is not None:
                self.before_accepting(method, path)
            self.journal.append((method, path, body))
            answer = self._accept(method, path.strip("/").split("/"), body)
        except Refused as refused:
            problem = {"code": refused.code, "message": str(refused)}
            return _json(problem, status=refused.status)
        if self.after_accepting is not None:
            self.after_accepting(method, path)
        if fault is not None:
            return await fault.answer(request)
        if self._is_lost(body):
            return await reset(request)
        if answer is None:
            return web.Response(status=204)
        return _json(answer)

    def _accept(self, method: str, parts: list[str], body: Any) -> Any:
        match method, *parts:
            case ["GET", "users", "@me"]:
                return _user(BOT, "stipend", bot=True)
            case ["GET", "oauth2", "applications", "@me"]:
                return _application()
            case ["GET", "users", "@me", "guilds"]:
                return [_partial_server()] if not body else []
            case ["GET", "guilds", _]:
                return self._server()
            case ["GET", "guilds", _, "channels"]:
                return self._server()["channels"]
            case ["GET", "guilds", _, "members", user]:
                return _member(int(user), ())
            case ["GET", "gateway"]:
                return {"url": f"ws://127.0.0.1:{self.port}/ws"}
            case ["PUT", "applications", _, "commands"]:
                self.commands = [_registered(command, n) for n, command in enumerate(body)]
                return self.commands
            case ["GET", "applications", _, "commands"]:
                return self.commands
            case ["POST", "interactions", number, _, "callback"]:
                return self._answered(int(number), body)
            case ["PATCH", "webhooks", _, token, "messages", _] | ["POST", "webhooks", _, token]:
                number = token.removeprefix("token")
                self.answers[int(number)] = body
                self._interactions[int(number)].set()
                return self._message(SUPPORT, snowflake(1, 1), body)
            case ["POST", "channels", channel, "messages"]:
                return self._posted(int(channel), body)
            case ["PATCH", "channels", channel]:
                return self._changed(int(channel), body)
            case ["PATCH", "channels", channel, "messages", number]:
                self._require_open(int(channel))
                stored = self.messages[int(channel)][int(number)]
                stored.update(body, content=body.get("content", stored["content"]) or "")
                return stored
            case ["PUT", "channels", channel, "messages", "pins", number]:
                self._pin(int(channel), int(number))
            case ["PUT", "channels", channel, "messages", number, "reactions", emoji, "@me"]:
                self._react_self(int(channel), int(number), emoji)
            case ["DELETE", "channels", _, "messages", number, "reactions", emoji, "@me"]:
                self.reactors[int(number), emoji][0].discard(BOT)
            case ["GET", "channels", channel] if int(channel) in self.threads:
                return self._thread(int(channel))
            case ["GET", "channels", channel, "messages"]:
                return self._history(int(channel))
            case ["GET", "channels", channel, "messages", number]:
                return self._shown(int(channel), int(number))
            case ["GET", "channels", channel, "messages", number, "reactions", emoji]:
                self._shown(int(channel), int(number))
                return self._reactors(int(number), emoji)
            case ["GET", "guilds", _, "threads", "active"]:
                listed = [_thread(number, parent, "") for number, parent in self.threads.items()]
                return {"threads": listed, "members": [], "has_more": False}
            case ["POST", "channels", channel, "messages", number, "threads"]:
                self.messages.setdefault(int(number), {})
                self.threads[int(number)] = int(channel)
                return _thread(int(number), int(channel), body["name"])
        return None

    def _answered(self, number: int, body: dict[str, Any]) -> dict[str, Any] | None:
        if time.monotonic() - self._pressed[number] > self.gives_up_after:
            raise Refused(404, 10_062, "Unknown interaction")
        self.answers[number] = body.get("data") or {}
        if body["type"] not in PUT_OFF:
            self._interactions[number].set()
        if not self._query.get("with_response"):
            return None
        self.sent_back.add(number)
        message = self._message(SUPPORT, snowflake(1, 1), self.answers[number])
        return {
            "interaction": {
                "id": str(number),
                "type": 2,
                "response_message_id": message["id"],
                "response_message_loading": False,
                "response_message_ephemeral": True,
            },
            "resource": {"type": 4, "message": message},
        }

    def _posted(self, channel: int, body: dict[str, Any]) -> dict[str, Any]:
        self.archived.discard(channel)  # a message opens its thread again
        stored = self.messages.setdefault(channel, {})
        for message in (*stored.values(), *self._remembered):
            # Within some minutes Discord returns the message that carries the nonce already,
            # also where it was deleted.
            if body.get("enforce_nonce") and message.get("nonce") == body.get("nonce"):
                return message
        self._number += 1
        message = self._message(channel, snowflake(1_800_000_000, self._number), body)
        stored[int(message["id"])] = message
        self._remembered.append(message)
        return message

    def _message(self, channel: int, number: int, body: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": str(number),
            "channel_id": str(channel),
            "author": _user(BOT, "stipend", bot=True),
            "content": body.get("content") or "",
            "embeds": body.get("embeds") or [],
            "nonce": body.get("nonce"),
            "timestamp": "2026-01-01T00:00:00.000000+00:00",
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "attachments": [],
            "pinned": False,
            "type": 0,
            "flags": body.get("flags") or 0,
            "components": [],
        }

    def _server(self) -> dict[str, Any]:
        roles = [
            _role(SERVER, "@everyone", self.permissions),
            _role(COMMITTEE_ROLE, "Committee", "0"),
        ]
        return {
            "id": str(SERVER),
            "name": "Server",
            "owner_id": str(OWNER),
            "roles": roles,
            "emojis": [],
            "stickers": [],
            "features": [],
            "channels": [_channel(SUPPORT, "support"), _channel(COMMITTEE, "committee")],
            "threads": [],
            "members": [_member(BOT, ())],
            "presences": [],
            "voice_states": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "member_count": 2,
            "large": False,
            "unavailable": False,
            "joined_at": "2026-01-01T00:00:00.000000+00:00",
            "preferred_locale": "en-US",
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "nsfw_level": 0,
            "premium_tier": 0,
            "system_channel_flags": 0,
            "afk_timeout": 300,
            "premium_progress_bar_enabled": False,
        }


def _json(value: Any, *, status: int = 200) -> web.Response:
    """Answer as Discord does: the client wants this content type to the letter."""
    headers = {"Content-Type": "application/json"}
    return web.Response(body=json.dumps(value).encode(), status=status, headers=headers)


async def _body(request: web.Request) -> Any:
    if not request.can_read_body:
        return None
    if request.content_type.startswith("multipart/"):
        form = await request.post()
        return json.loads(str(form.get("payload_json") or "{}"))
    text = await request.text()
    return json.loads(text) if text else None


def _emoji(text: str) -> dict[str, Any]:
    name, _, number = text.partition(":")
    return {"id": number or None, "name": name, "animated": False}


def _typed(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"type": 5, "value": value}
    if isinstance(value, int):
        return {"type": 6, "value": str(value)}
    return {"type": 3, "value": value}


def _resolved(options: dict[str, Any]) -> dict[str, Any]:
    users = [v for v in options.values() if isinstance(v, int) and not isinstance(v, bool)]
    return {
        "users": {str(user): _user(user, f"user{user}") for user in users},
        "members": {
            str(user): {k: v for k, v in _member(user, ()).items() if k != "user"} for user in users
        },
    }


def _user(number: int, name: str, *, bot: bool = False) -> dict[str, Any]:
    return {
        "id": str(number),
        "username": name,
        "discriminator": "0",
        "global_name": None,
        "avatar": None,
        "bot": bot,
    }


def _member(user: int, roles: tuple[int, ...]) -> dict[str, Any]:
    return {
        "user": _user(user, f"user{user}", bot=user == BOT),
        "roles": [str(role) for role in roles],
        "joined_at": "2026-01-01T00:00:00.000000+00:00",
        "deaf": False,
        "mute": False,
        "flags": 0,
        "permissions": ALL_PERMISSIONS if user == OWNER else "0",
        "nick": None,
        "avatar": None,
    }


def _partial_server() -> dict[str, Any]:
    return {
        "id": str(SERVER),
        "name": "Server",
        "icon": None,
        "owner": False,
        "permissions": "0",
        "features": [],
    }


def _application() -> dict[str, Any]:
    return {
        "id": str(APPLICATION),
        "name": "stipend",
        "description": "",
        "icon": None,
        "bot_public": True,
        "bot_require_code_grant": False,
        "owner": _user(OWNER, "owner"),
        "verify_key": "",
        "flags": 0,
    }


def _channel(number: int, name: str) -> dict[str, Any]:
    return {
        "id": str(number),
        "type": 0,
        "guild_id": str(SERVER),
        "name": name,
        "position": 0,
        "permission_overwrites": [],
        "nsfw": False,
        "parent_id": None,
        "topic": None,
        "last_message_id": None,
        "rate_limit_per_user": 0,
        "permissions": ALL_PERMISSIONS,
    }


def _thread(number: int, parent: int, name: str) -> dict[str, Any]:
    return {
        "id": str(number),
        "type": 11,
        "guild_id": str(SERVER),
        "parent_id": str(parent),
        "owner_id": str(BOT),
        "name": name,
        "last_message_id": None,
        "message_count": 0,
        "member_count": 1,
        "rate_limit_per_user": 0,
        "flags": 0,
        "thread_metadata": {
            "archived": False,
            "auto_archive_duration": 10_080,
            "archive_timestamp": "2026-01-01T00:00:00.000000+00:00",
            "locked": False,
        },
    }


def _role(number: int, name: str, permissions: str) -> dict[str, Any]:
    return {
        "id": str(number),
        "name": name,
        "permissions": permissions,
        "position": 0,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }


def _registered(command: dict[str, Any], number: int) -> dict[str, Any]:
    return {
        "description": "",  # what stands in a menu has none
        **command,
        "id": str(9000 + number),
        "application_id": str(APPLICATION),
        "version": "1",
        "default_member_permissions": command.get("default_member_permissions"),
    }
