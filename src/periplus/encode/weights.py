"""Arrays by name in a file: safetensors, or a ``.pth`` of nothing but tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from periplus.encode.extras import require_packages
from periplus.errors import CannotRunError
from periplus.store import write_bytes_atomic


def save_arrays(arrays: Mapping[str, NDArray[np.floating]], path: Path) -> None:
    """Write arrays as ``.safetensors``, whole or not at all.

    Raises:
        MissingExtraError: safetensors is not installed.
        CannotRunError: the system refused to write.
    """
    require_packages("Writing weights", "learn", "safetensors")
    from safetensors.numpy import save

    write_bytes_atomic(path, save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))


def load_arrays(path: Path) -> dict[str, NDArray[np.floating]]:
    """The arrays in a ``.safetensors``; or in a ``.pth``, where nothing but tensors is unpickled.

    A ``.pth`` of one bare tensor gives it the empty name.

    Raises:
        CannotRunError: the file is missing, damaged, or holds something else than arrays of numbers.
        MissingExtraError: what reads it is not installed.
    """
    if path.suffix == ".pth":
        return _from_pth(path)
    require_packages("Reading weights", "learn", "safetensors")
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(path))
    except (OSError, SafetensorError, KeyError) as error:  # KeyError: a type of numbers that NumPy does not have.
        raise CannotRunError(f"{path} cannot be read: {error}. Restore it from a copy.") from error


def require_names(arrays: Iterable[str], wanted: Iterable[str]) -> None:
    """Refuse arrays that do not have exactly the wanted names.

    Raises:
        CannotRunError: one is missing, or one is too much.
    """
    missing, unknown = sorted(set(wanted) - set(arrays)), sorted(set(arrays) - set(wanted))
    told = [
        f"{len(names)} are {what}, the first is {names[0]!r}"
        for names, what in ((missing, "missing"), (unknown, "unknown"))
        if names
    ]
    if told:
        raise CannotRunError(f"These are other arrays than this model has: {'; '.join(told)}.")


def _from_pth(path: Path) -> dict[str, NDArray[np.floating]]:
    require_packages("Reading a .pth", "learn", "torch")
    import pickle

    import torch

    unreadable = (OSError, RuntimeError, ValueError, KeyError, EOFError, TypeError, pickle.UnpicklingError)
    try:
        value = torch.load(path, map_location="cpu", weights_only=True)
    except unreadable as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise CannotRunError(f"{path} cannot be read: {reason} Restore it from a copy.") from error
    tensors = {"": value} if isinstance(value, torch.Tensor) else value
    if not isinstance(tensors, dict) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in tensors.items()
    ):
        raise CannotRunError(f"{path} holds something else than tensors by name. Restore it from a copy.")
    return {name: tensor.detach().float().numpy() for name, tensor in tensors.items()}
