"""What a training runs on: device, precision, threads, and the key that stops it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import torch

from periplus.errors import CannotRunError


def choose_device(wanted: str) -> torch.device:
    """The device of the settings; ``auto`` takes the GPU of this process where there is one.

    Raises:
        CannotRunError: a GPU is wanted and there is none.
    """
    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise CannotRunError("train.device 'cuda': there is no GPU that torch can use. Set it to 'auto' or 'cpu'.")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    torch.cuda.set_device(device)
    return device


def choose_precision(wanted: str, device: torch.device) -> tuple[torch.dtype, str]:
    """The network's precision, and a word on it for the log."""
    if wanted == "float32":
        return torch.float32, "float32"
    if _has_bfloat16(device):
        return torch.bfloat16, "bfloat16"
    return torch.float32, "float32, since this processor has no bfloat16"


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


@contextmanager
def processor_threads(wanted: int) -> Iterator[None]:
    """So many processor threads inside; 0 for one a core, shared with the other processes of this machine."""
    before = torch.get_num_threads()
    neighbours = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    torch.set_num_threads(wanted or max(1, len(os.sched_getaffinity(0)) // neighbours))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets instead of breaking in; a second one breaks in. Never set outside the main thread."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.getsignal(signal.SIGINT)

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
