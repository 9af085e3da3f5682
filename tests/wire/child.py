"""Runs the unmodified program against the fake Discord whose port is in the environment."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading

import discord
import yarl

from bot import supervisor
from bot.__main__ import main

PORT = os.environ["FAKE_DISCORD_PORT"]
discord.http.Route.BASE = f"http://127.0.0.1:{PORT}/api/v10"
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"ws://127.0.0.1:{PORT}/ws")
if "FILE_BYTES" in os.environ:  # as on a disk with room for so much
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(os.environ["FILE_BYTES"]),) * 2)
supervisor.LAST_RESORT_SECONDS = float(os.environ.get("LAST_RESORT", "9"))
if "NEVER_ENDS" in os.environ:  # a thread that keeps the process, whatever the loop does
    threading.Thread(target=threading.Event().wait).start()
supervisor.FIRST_WAIT_SECONDS = float(os.environ.get("FIRST_WAIT", "5"))

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
