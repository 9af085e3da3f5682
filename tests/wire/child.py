"""Runs the unmodified program against the fake Discord whose port is in the environment."""

from __future__ import annotations

import os
import sys

import discord
import yarl

from bot.__main__ import main

PORT = os.environ["FAKE_DISCORD_PORT"]
discord.http.Route.BASE = f"http://127.0.0.1:{PORT}/api/v10"
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"ws://127.0.0.1:{PORT}/ws")

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
