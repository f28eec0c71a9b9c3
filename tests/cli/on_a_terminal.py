"""Runs a command on a made terminal and stops it with Ctrl-C."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from collections.abc import Mapping, Sequence


def interrupted(command: Sequence[str], words: bytes, environment: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    """Stop a command as soon as the terminal shows some words: its status, its output, all that the terminal showed."""
    leader, follower = pty.openpty()
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=follower,
        env={**environment, "TERM": "xterm"},
        # A test run in the background was told to ignore Ctrl-C, and its children would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        os.close(follower)
        seen = b""
        while words not in seen:
            seen += os.read(leader, 4096)
        process.send_signal(signal.SIGINT)
        try:
            while block := os.read(leader, 4096):
                seen += block
        except OSError:
            pass  # So Linux says that the other end is closed.
        os.close(leader)
        out, _ = process.communicate(timeout=60)
    return process.returncode, out, seen
