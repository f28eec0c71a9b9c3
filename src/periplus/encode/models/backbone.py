"""Backbones of transformers: loaded strictly from a folder, or built with random weights."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from torch import nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.utils import logging as hub_logging

from periplus.encode.models.architectures import ARCHITECTURES, FAMILIES, Family
from periplus.errors import CannotRunError, UsageError
from periplus.store import read_json

_TOWERS = {"clip": "clip_vision_model", "siglip": "siglip_vision_model"}
_BATCH_NORM_MOMENTUM = 0.1
_UNREADABLE = (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError)


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The safetensors of a model's folder, one file or its shards.

    Raises:
        CannotRunError: there are none, or only pickles.
    """
    index = folder / "model.safetensors.index.json"
    if (folder / "model.safetensors").is_file():
        return (folder / "model.safetensors",)
    if index.is_file():
        shards = read_json(index).get("weight_map")
        if isinstance(shards, dict):
            return tuple(folder / Path(str(name)).name for name in sorted(set(shards.values())))
    pickles = sorted(path.name for path in folder.glob("*.bin"))
    if pickles:
        raise CannotRunError(
            f"{folder} holds its weights only as {pickles[0]}, a pickle, which could run any code and is never opened. "
            "Take a revision of the model with model.safetensors, or convert it on a machine that trusts the file: "
            "AutoModel.from_pretrained(FOLDER).save_pretrained(NEW)."
        )
    raise CannotRunError(f"{folder} holds no model.safetensors. Give the folder of a model in the hub's layout.")


def load_backbone(folder: Path) -> PreTrainedModel:
    """The vision model in a folder of the hub's layout, float32; of CLIP and SigLIP the vision half.

    It comes in evaluation mode.

    Raises:
        CannotRunError: the folder holds no model that can be read, or weights that do not fill it.
    """
    weight_files(folder)
    with quiet():
        config = _vision_config(folder)
        model_class, arguments = _model_class(config)
    return _repaired(load_strictly(folder, model_class, config, arguments))


def load_strictly(
    folder: Path, model_class: Any, config: PretrainedConfig, arguments: Mapping[str, Any] | None = None
) -> PreTrainedModel:
    """A model of transformers from a folder, float32, in evaluation mode, every tensor of it from the folder's files.

    Raises:
        CannotRunError: the weights cannot be read, or do not fill the model.
    """
    weight_files(folder)
    with quiet():
        try:
            model, loaded = model_class.from_pretrained(
                folder,
                config=config,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                dtype=torch.float32,
                output_loading_info=True,
                **(arguments or {}),
            )
        except (*_UNREADABLE, SafetensorError) as error:
            first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise CannotRunError(f"The model in {folder} cannot be loaded: {first} Fetch it again, whole.") from error
    # Transformers would fill these with random numbers and go on.
    unfilled = sorted({*loaded["missing_keys"], *(str(key) for key in loaded["mismatched_keys"])})
    if unfilled:
        raise CannotRunError(
            f"The weights in {folder} do not fill the model: {len(unfilled)} tensors are missing, "
            f"the first is {unfilled[0]!r}. Fetch the model again, whole."
        )
    strict: PreTrainedModel = model.train(False)
    return strict


def random_backbone(config: PretrainedConfig, seed: int) -> PreTrainedModel:
    """A backbone with random weights, the same for the same seed; torch's own state of chance is left as it was."""
    model_class, arguments = _model_class(config)
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        make = model_class.from_config if model_class is AutoModel else model_class._from_config
        model = _repaired(make(config, **arguments))
        if config.model_type == "efficientnet":
            _initialise_efficientnet(model)
    return model


def architecture_config(name: str) -> PretrainedConfig:
    """The config of a name in ``ARCHITECTURES``, or of a local folder with a ``config.json``.

    Raises:
        UsageError: it is neither.
    """
    if name in ARCHITECTURES:
        return ARCHITECTURES[name]()
    if (Path(name) / "config.json").is_file():
        return _vision_config(Path(name))
    raise UsageError(f"No architecture {name!r}; there are {', '.join(ARCHITECTURES)}, or a folder with a config.json.")


def torch_device(name: str) -> torch.device:
    """A device that works.

    Raises:
        CannotRunError: it does not.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise CannotRunError(f"The device {name!r} is not here: {str(error).splitlines()[0]} Use cpu.") from error
    return device


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from writing bars, notices and load reports to the terminal."""
    verbosity, bars = hub_logging.get_verbosity(), hub_logging.is_progress_bar_enabled()
    hub_logging.set_verbosity(logging.CRITICAL)
    hub_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        hub_logging.set_verbosity(verbosity)
        if bars:
            hub_logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _model_class(config: PretrainedConfig) -> tuple[Any, dict[str, Any]]:
    """The class that loads a config's vision model, and what it is told besides."""
    family = FAMILIES.get(str(config.model_type), Family(""))
    model_class = getattr(transformers, family.tower) if family.tower else AutoModel
    return model_class, {"add_pooling_layer": False} if family.bare else {}


def whole_config(folder: Path) -> PretrainedConfig:
    """What a folder's ``config.json`` says, of all halves of the model.

    Raises:
        CannotRunError: it is missing, damaged or of a model that transformers does not know.
    """
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotRunError(f"{folder}/config.json describes no model that transformers knows: {error}") from error
    return config


def _vision_config(folder: Path) -> PretrainedConfig:
    config = whole_config(folder)
    if str(config.model_type).startswith("siglip2"):
        raise CannotRunError(
            f"{folder} is a SigLIP 2 of variable shape (naflex), which is not supported. Take one of a fixed size, "
            "such as google/siglip2-base-patch16-224."
        )
    if config.model_type not in _TOWERS:
        return config
    vision: PretrainedConfig = config.vision_config
    if config.model_type == "clip":
        # The vision half of a CLIP config keeps a default here; the whole knows the true width.
        vision.projection_dim = config.projection_dim
    return vision


def _repaired(model: PreTrainedModel) -> PreTrainedModel:
    if model.config.model_type == "efficientnet":
        # Its own pooler averages over a window of 1280 px: exporters refuse it, and what it gives is not used.
        model.pooler = nn.AdaptiveAvgPool2d(1)
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                # The config's 0.99 is Tensorflow's convention: in torch's it would forget all but the last batch.
                module.momentum = _BATCH_NORM_MOMENTUM
    return model


def _initialise_efficientnet(model: PreTrainedModel) -> None:
    """Random weights that can be trained: transformers draws the scales of batch norms from N(0, 0.02).

    Convolutions N(0, sqrt(2 / fan out)), batch norms 1 and 0: the reference implementation of Tan and Le, 2019.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = math.prod(module.kernel_size) * module.out_channels // module.groups
            nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
