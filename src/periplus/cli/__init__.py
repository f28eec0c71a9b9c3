"""The command line: one verb a file."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: after the program's name; those of the process by default.

    Returns:
        The exit status: 0 done, 1 done but some inputs could not be used, 2 wrong use, 3 cannot run, 130 stopped.
    """
    from periplus.cli.app import run

    for stream in (sys.stdout, sys.stderr):
        # A terminal of few letters gets escapes in place of those it lacks, not a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    status = run(list(sys.argv[1:] if arguments is None else arguments))
    try:
        sys.stdout.flush()
    except OSError:
        _forget_output()
    return status


def _forget_output() -> None:
    """Let what cannot be written any more go nowhere, or Python complains of it when it ends."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
