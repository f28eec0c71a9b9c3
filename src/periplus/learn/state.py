"""The state of a training on disk, exact: what is loaded goes on as if it had never stopped.

One safetensors file: every tensor of network, loss, moving average and optimizer and the epoch's plan, and in its
header the position and history as JSON. It is replaced atomically, so a kill leaves the old state or the new one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from periplus.errors import CannotRunError, UsageError
from periplus.learn.settings import ModelConfig, TrainConfig
from periplus.learn.strict import from_table, to_table
from periplus.store import atomic_path

_FORMAT = "periplus-training-1"
_FREE = {
    *("resume", "output_dir", "workers", "threads", "device", "log_every_steps", "state_every_steps"),
    *("keep_best", "early_stopping_epochs"),
}
"""Settings of [train] that a resumed training may change."""


@dataclass
class Standing:
    """Where a training stands; JSON.

    Attributes:
        epoch: epochs done.
        batch: optimizer steps done in the epoch under way.
        step: optimizer steps done in all.
        sums: of the epoch's values so far, to be divided by ``batch``.
        history: values of each epoch done.
        kept: (value, epoch) of the best epochs, best first.
        waited: epochs since the best.
        settings: what it was begun with.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    kept: list[list[float]] = field(default_factory=list)
    waited: int = 0
    settings: dict[str, Any] = field(default_factory=dict)


def save_state(
    path: Path, modules: dict[str, nn.Module], optimizer: torch.optim.Optimizer, plan: Tensor, standing: Standing
) -> None:
    """Write the state, whole or not at all.

    Args:
        path: the file.
        modules: by a name without dots.
        optimizer: its state, too.
        plan: int64 (batches, batch size), of the epoch under way.
        standing: the rest.

    Raises:
        CannotRunError: the system refused to write.
    """
    tensors = {f"{name}/{key}": one for name, module in modules.items() for key, one in module.state_dict().items()}
    plain: dict[str, Any] = {}
    for key, value in _optimizer_state(optimizer):
        if isinstance(value, Tensor):
            tensors[key] = value
        elif value is not None:
            plain[key] = value
    tensors["plan"] = plan
    header = {"format": _FORMAT, "state": json.dumps({"standing": asdict(standing), "plain": plain}, allow_nan=False)}
    # Cloned: safetensors refuses tensors that share memory, as tied weights do.
    whole = {key: one.detach().cpu().contiguous().clone() for key, one in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(whole, temporary, header)


def load_state(path: Path, modules: dict[str, nn.Module], optimizer: torch.optim.Optimizer) -> tuple[Standing, Tensor]:
    """Put a saved state into modules and optimizer made by the same settings.

    Returns:
        Where it stands, and the plan.

    Raises:
        CannotRunError: the file is damaged or of another version.
        UsageError: it is of another network.
    """
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
        if header.get("format") != _FORMAT:
            raise CannotRunError(f"{path} is no state of this version. Delete the run's folder and train again.")
        state = json.loads(header["state"])
        standing = Standing(**state["standing"])
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CannotRunError(f"{path} cannot be read: {error}. Delete the run's folder and train again.") from error
    for name, module in modules.items():
        own = {key[len(name) + 1 :]: one for key, one in tensors.items() if key.startswith(f"{name}/")}
        try:
            module.load_state_dict(own, strict=True)
        except RuntimeError as error:
            raise UsageError(f"{path} is of another network than this {name}: {error}") from error
    _load_optimizer(optimizer, {**tensors, **state["plain"]})
    return standing, tensors["plan"]


def require_same_settings(begun: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Refuse to go on with other settings than a training was begun with.

    Raises:
        UsageError: something differs; the message names it.
    """
    if begun["photos"] != wanted["photos"]:
        raise UsageError("The run was begun with other photos or another validation part. Start a new run.")
    for section, kind in (("train", TrainConfig), ("model", ModelConfig)):
        # Settings that a run was begun before are at their defaults.
        before = to_table(from_table(kind, begun[section], section))
        for key, value in wanted[section].items():
            if before[key] != value and key not in _FREE:
                raise UsageError(
                    f"The run was begun with {section}.{key} = {before[key]!r}, not {value!r}. "
                    "Resume it with what it was begun with, or start a new run."
                )


def _parameters(optimizer: torch.optim.Optimizer) -> Iterator[tuple[int, nn.Parameter]]:
    return enumerate(one for group in optimizer.param_groups for one in group["params"])


def _optimizer_state(optimizer: torch.optim.Optimizer) -> Iterator[tuple[str, Any]]:
    for i, parameter in _parameters(optimizer):
        for key, value in optimizer.state[parameter].items():
            yield f"optimizer/{i}/{key}", value


def _load_optimizer(optimizer: torch.optim.Optimizer, saved: dict[str, Any]) -> None:
    by_parameter: dict[int, dict[str, Any]] = {}
    for key, value in saved.items():
        if key.startswith("optimizer/"):
            _, i, name = key.split("/")
            by_parameter.setdefault(int(i), {})[name] = value
    for number, parameter in _parameters(optimizer):
        for name, value in by_parameter.get(number, {}).items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                # In the parameter's own memory order: kernels round differently in another.
                value = torch.empty_like(parameter).copy_(value)
            optimizer.state[parameter][name] = value
