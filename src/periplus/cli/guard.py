"""From what goes wrong to one message and an exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import typer

from periplus.cli.text import say
from periplus.errors import CannotRunError, PeriplusError

Parameters = ParamSpec("Parameters")

STOPPED = 130


def verb(run: Callable[Parameters, int]) -> Callable[Parameters, None]:
    """Make a verb of a function that returns its exit status: errors become messages, never tracebacks."""
    return _guarded(run, "Stopped.")


def resumable(run: Callable[Parameters, int]) -> Callable[Parameters, None]:
    """The same for work that keeps what is done."""
    return _guarded(run, "Stopped. What was done is kept; run the same command to go on.")


def _guarded(run: Callable[Parameters, int], stopped: str) -> Callable[Parameters, None]:
    @wraps(run)
    def guarded(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            status = run(*args, **kwargs)
            sys.stdout.flush()
        except PeriplusError as error:
            say(str(error))
            status = error.exit_status
        except KeyboardInterrupt:
            say(stopped)
            status = STOPPED
        except BrokenPipeError:
            say("Stopped: nothing reads the output any more.")
            status = STOPPED
        except MemoryError:
            say("Out of memory. Run again with fewer --jobs, or on a larger machine.")
            status = CannotRunError.exit_status
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            say(f"The system refused: {where}{error.strerror or error}.")
            status = CannotRunError.exit_status
        if status:
            raise typer.Exit(status)

    return guarded
