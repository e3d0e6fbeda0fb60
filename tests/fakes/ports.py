"""Ports for servers that stop and start again while others keep calling them.

A port that the system chooses lies in the range of calls out: who calls it while nobody listens may be given that very
port, be connected to itself, and keep the server from coming back.
"""

from __future__ import annotations

import random
import socket
from pathlib import Path

LOWEST = 10_000
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """Return a port of this machine that was free a moment ago and is never chosen for a call out."""
    beyond = int(RANGE.read_text().split()[0]) if RANGE.exists() else 32_768
    while True:
        port = random.SystemRandom().randrange(LOWEST, max(beyond, LOWEST + 1_000))
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
