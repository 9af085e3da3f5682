"""The demo in the browser: our page of controls, with simcord's preview of one channel in it.

The preview forbids to be framed and answers to its own address only. So it is passed on under the
address of our page, with that one header changed; and since every request to it goes through here,
what is pressed in the preview and what is pressed on our page never overlap.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from bot.demo import guide, season
from bot.demo.world import COMMITTEE, MENU, Event, Person, World, open_world

if TYPE_CHECKING:
    import simcord

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
CONFIGURATION = 78
PAGE = Path(__file__).with_name("page.html")
# A page of another site cannot send this header, nor read what is answered.
OURS = "X-Stipend-Demo"
PAGE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self';"
    " frame-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"
FILE_TYPES = {"html": "text/html", "csv": "text/csv", "json": "application/json"}
NOT_PASSED_ON = frozenset(
    {
        "connection", "content-encoding", "content-length", "date", "host", "keep-alive", "origin",
        "server", "transfer-encoding", "x-frame-options",
    }
)  # fmt: skip
DAY = timedelta(days=1)
LOOKS = {"": None, **{landmark.value: landmark for landmark in guide.Landmark}}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def serve(port: int) -> int:
    """Play the season and serve the page until cancelled; returns 78 where the port is taken."""
    try:
        socket.create_server((HOST, port)).close()  # before anybody waits for the season
    except OSError as error:
        return _refused(port, error)
    print("Stipend demo: a season is being played, a few seconds ...", flush=True)
    async with open_world() as world:
        await season.play_until_visitors_arrive(world)
        async with contextlib.AsyncExitStack() as stack:
            stage = Stage(world)
            stack.push_async_callback(stage.close)
            await stage.open()
            site = Site(stage)
            try:
                url = await site.start(port)
            except OSError as error:
                return _refused(port, error)
            stack.push_async_callback(site.close)
            print(f"Open {url} in a browser. Ctrl-C ends the demo.", flush=True)
            open_browser(url)
            await asyncio.Event().wait()
    return 0


def _refused(port: int, error: OSError) -> int:
    print(f"stipend: port {port} cannot be used: {error.strerror}", file=sys.stderr)
    return CONFIGURATION


def open_browser(url: str, environ: Mapping[str, str] = os.environ) -> None:
    """Open the page where somebody is likely to sit in front of a screen; never fails."""
    has_screen = sys.platform in {"darwin", "win32"} or any(
        environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    )
    if not has_screen or environ.get("CI") or environ.get("STIPEND_NO_BROWSER"):
        return

    def quietly() -> None:
        with contextlib.suppress(Exception):
            webbrowser.open(url)

    threading.Thread(target=quietly, daemon=True).start()


class Stage:
    """Which channel is shown to whom, and the one lock around everything that happens."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lock = asyncio.Lock()
        self.channel: simcord.ChannelHandle = world.support
        self.person: Person = world.people[guide.FIRST_PERSON]
        self.news: list[dict[str, str]] = []
        self.visit = guide.Visit()
        self.focus = ""
        self._preview: simcord.Preview | None = None
        self._opened = 0

    async def open(self) -> None:
        """Open the preview where the first suggestion begins."""
        await self.show(guide.where(self.world, guide.Place.THREAD), self.person)

    async def close(self) -> None:
        """Close the preview; its server and its key are gone with it."""
        if self._preview is not None:
            await self._preview.close()
            self._preview = None

    @property
    def address(self) -> str:
        """Where the preview listens, and its key: `http://127.0.0.1:5000/#key`; empty if closed."""
        return str(self._preview.url) if self._preview is not None else ""

    @property
    def frame(self) -> str:
        """The preview's address on our page; it changes whenever the preview is opened anew."""
        return f"/preview?{self._opened}#{self.address.partition('#')[2]}"

    async def show(
        self,
        channel: simcord.ChannelHandle,
        person: Person,
        *,
        look: guide.Landmark | None = None,
    ) -> None:
        """Show a channel as somebody sees it; who cannot see it gives way to somebody who can.

        With `look` it is shown at that message, else at its newest.
        """
        viewers = self.world.who_sees(channel)
        committee = (viewer for viewer in viewers if viewer.kind == COMMITTEE)
        self.person = person if person in viewers else next(committee)
        self.channel = channel
        self.news = []
        await self.close()
        preview = self.world.env.preview(
            channel, viewers=[self.person.actor], layout="channel", locale="en-GB"
        )
        await preview.__aenter__()
        self._preview, self._opened = preview, self._opened + 1
        seen = channel.history(viewer=self.person.actor)
        self.focus = ""
        if look:
            landmark = guide.message_at(self.world, look)
            self.focus = str(landmark.id)
            await preview.show(landmark)
        elif seen:
            await preview.show(seen[-1])

    async def thank_author(self, person: Person) -> None:
        """Use the menu of the message to look at; the answer is shown, also where it refuses."""
        await self.show(self.world.support, person)
        message = guide.message_at(self.world, guide.Landmark.MESSAGE)
        await person.actor.context_menu(self.world.support, MENU, message)
        assert self._preview is not None
        await self._preview.refresh()

    async def catch_up(self) -> None:
        """Let the bot do what its timer would do a few seconds later, such as seeding an emoji."""
        await self.world.move(self.world.now)
        if self._preview is not None:
            await self._preview.refresh()

    async def move(self, until: datetime) -> None:
        """Let time pass, and remember what the bot did meanwhile."""
        passed = await self.world.move(until)
        self.visit.has_moved = True
        self.news = [guide.news(self.world, event) for event in passed]
        assert self._preview is not None
        await self._preview.refresh()


class Site:
    """The web server: our page, its controls, the bot's files, and the preview passed on."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._world = stage.world
        self._app = web.Application(middlewares=[self._only_from_here])
        self._app.add_routes(
            [
                web.get("/", self._page),
                web.get("/demo/state", self._state),
                web.post("/demo/show", self._show),
                web.post("/demo/menu", self._menu),
                web.post("/demo/move", self._move),
                web.get("/demo/files/{name}", self._file),
                web.get("/preview", self._pass_on),
                web.route("*", "/{path:.*}", self._pass_on),
            ]
        )
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=1)
        self._client: aiohttp.ClientSession | None = None
        self._hosts: frozenset[str] = frozenset()

    async def start(self, port: int) -> str:
        """Listen on loopback and return the page's address; port 0 takes any free one."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        taken = self._runner.addresses[0][1]
        self._hosts = frozenset({f"{HOST}:{taken}", f"localhost:{taken}"})
        # Each preview has a server of its own: no connection outlives it.
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True), auto_decompress=False
        )
        return f"http://{HOST}:{taken}/"

    async def close(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()
        if self._client is not None:
            await self._client.close()

    @web.middleware
    async def _only_from_here(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse other names for this machine, and orders that another site's page gives."""
        is_order = request.method != "GET" and request.path.startswith("/demo/")
        if request.host not in self._hosts or (is_order and OURS not in request.headers):
            raise web.HTTPForbidden
        return await handler(request)

    async def _page(self, _request: web.Request) -> web.Response:
        return web.Response(
            text=PAGE.read_text(encoding="utf-8"),
            content_type="text/html",
            headers={"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-store"},
        )

    async def _state(self, _request: web.Request) -> web.Response:
        async with self._stage.lock:
            return await self._facts()

    async def _show(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        channels = {str(channel.id): channel for channel in self._world.channels}
        channel = channels.get(str(wanted.get("channel")))
        person = self._world.people.get(str(wanted.get("person")))
        if channel is None or person is None or wanted.get("look", "") not in LOOKS:
            raise web.HTTPBadRequest
        async with self._stage.lock:
            await self._stage.show(channel, person, look=LOOKS[wanted.get("look", "")])
            return await self._facts()

    async def _menu(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        person = self._world.people.get(str(wanted.get("person")))
        if person is None:
            raise web.HTTPBadRequest
        async with self._stage.lock:
            await self._stage.thank_author(person)
            return await self._facts()

    async def _move(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        async with self._stage.lock:
            event = await self._world.next_event()
            to_event = wanted.get("to") == "event" and event is not None
            await self._stage.move(event.at if to_event and event else self._world.now + DAY)
            return await self._facts()

    async def _facts(self) -> web.Response:
        stage, world = self._stage, self._world
        event = await world.next_event()
        facts: dict[str, Any] = {
            "now": _spoken(world.now, weekday=True),
            "next": event and _event(event, world.now),
            "frame": stage.frame,
            "focus": stage.focus,
            "channel": str(stage.channel.id),
            "person": stage.person.name,
            "channels": [
                {"id": str(channel.id), "name": channel.name, "thread": channel.is_thread}
                for channel in world.channels
            ],
            "people": [
                {"name": person.name, "kind": person.kind}
                for person in world.who_sees(stage.channel)
            ],
            "statements": [
                {
                    "title": posted.title,
                    "files": {kind: file.filename for kind, file in posted.files.items()},
                    "verdict": await guide.verdict(posted),
                }
                for posted in world.statements()
            ],
            "names": world.names(),
            "news": stage.news,
            "steps": await guide.steps(world, stage.visit),
        }
        return web.json_response(facts, headers={"Cache-Control": "no-store"})

    async def _file(self, request: web.Request) -> web.Response:
        wanted = request.match_info["name"]
        for posted in self._world.statements():
            for kind, file in posted.files.items():
                if file.filename == wanted and kind in FILE_TYPES:
                    return web.Response(
                        body=await file.read(),
                        content_type=FILE_TYPES[kind],
                        charset="utf-8",
                        headers={"Content-Security-Policy": FILE_POLICY},
                    )
        raise web.HTTPNotFound

    async def _pass_on(self, request: web.Request) -> web.Response:
        """Pass a request on to the preview; what changes anything waits for its turn."""
        if request.method in {"GET", "HEAD"}:
            return await self._ask_preview(request)
        async with self._stage.lock:
            answer = await self._ask_preview(request)
            if request.path == "/api/action":
                await self._stage.catch_up()
            return answer

    async def _ask_preview(self, request: web.Request) -> web.Response:
        origin = self._stage.address.partition("/#")[0]
        if self._client is None or not origin:
            raise web.HTTPServiceUnavailable
        path = "/" if request.path == "/preview" else request.path_qs
        headers = _kept(request.headers)
        if "Origin" in request.headers:
            headers["Origin"] = origin
        try:
            async with self._client.request(
                request.method,
                f"{origin}{path}",
                headers=headers,
                data=await request.read(),
                allow_redirects=False,
            ) as answer:
                kept = _framed(answer.headers)
                if request.path.startswith("/fonts/"):
                    kept["Cache-Control"] = "max-age=3600"
                return web.Response(status=answer.status, body=await answer.read(), headers=kept)
        except aiohttp.ClientError:
            raise web.HTTPServiceUnavailable from None


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in NOT_PASSED_ON}


def _framed(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the preview's headers, with leave for our own page to frame it."""
    kept = _kept(headers)
    name = "Content-Security-Policy"
    if name in kept:
        kept[name] = kept[name].replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    return kept


def _event(event: Event, now: datetime) -> dict[str, str]:
    when = "now" if event.at == now else _spoken(event.at)
    return {"what": guide.before(event), "when": when}


def _spoken(instant: datetime, *, weekday: bool = False) -> str:
    day = f"{instant.day} {instant:%B %Y}"
    time = f", {instant:%H:%M}" if weekday or (instant.hour, instant.minute) != (0, 0) else ""
    return f"{instant:%a} {day}{time} UTC" if weekday else f"{day}{time}"
