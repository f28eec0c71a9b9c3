"""Embedders on disk: a folder in the hub's layout and a card."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from periplus.encode.known import find_model
from periplus.encode.models.backbone import architecture_config, load_backbone, quiet, random_backbone
from periplus.encode.models.embedder import Embedder
from periplus.encode.preprocess import PREPROCESS_FILE, Preprocess
from periplus.errors import CannotRunError, GalleryError, UsageError
from periplus.store import read_json, sync_file, sync_folder, write_json_atomic, writing

CARD_FILE = "periplus.json"
HEAD_FILE = "head.safetensors"
_FORMAT = 1
_KEYS = {"format", "pooling", "gem_p", "learn_p", "projection_dim", "card"}


def build_embedder(
    name: str,
    *,
    weights: Literal["random", "hub"],
    pooling: str,
    projection_dim: int = 0,
    seed: int = 0,
    gem_p: float = 3.0,
    learn_p: bool = False,
) -> Embedder:
    """A new embedder to train, in training mode.

    Args:
        name: a key of ``ARCHITECTURES`` or a local folder with a config.json; with weights ``hub`` a known model's
            name, a hub name or a local folder.
        weights: ``random``, drawn from ``seed``; or ``hub``, what the model was published with.
        pooling: a key of ``POOLINGS``, or ``auto``.
        projection_dim: length of the projected vectors; 0 for no projection.
        seed: of random weights, the projection's among them.
        gem_p: the power of GeM.
        learn_p: whether training moves it.

    Raises:
        UsageError: a name does not exist.
        CannotRunError: the model is not on this machine and cannot be fetched.
    """
    if weights not in ("random", "hub"):
        raise UsageError(f"Weights are random or hub, not {weights!r}.")
    known = weights == "hub"
    backbone = load_backbone(find_model(name)) if known else random_backbone(architecture_config(name), seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        embedder = Embedder(backbone, pooling, projection_dim=projection_dim, gem_p=gem_p, learn_p=learn_p)
    return embedder.train()


def save_embedder(embedder: Embedder, preprocess: Preprocess, folder: Path, card: Mapping[str, object]) -> None:
    """Write an embedder as a folder that transformers can load too, whole or not at all.

    A checkpoint that stood at ``folder`` is replaced. The card is any JSON: architecture, data, licence, metrics.

    Raises:
        CannotRunError: the system refused to write, or ``folder`` holds something else than a checkpoint.
    """
    with replacing_folder(folder) as fresh:
        _write(embedder, preprocess, fresh, card)


@contextmanager
def replacing_folder(folder: Path, card: str = CARD_FILE) -> Iterator[Path]:
    """A temporary folder that takes ``folder``'s place when the block succeeds, its files on the disk.

    What stood there must be empty or have a file named ``card``, so that nobody's folder is lost. A process killed
    between the two renames leaves both versions whole beside ``folder``, under temporary names.

    Raises:
        CannotRunError: the system refused to write, or ``folder`` holds something else.
    """
    target = Path(os.path.realpath(folder))
    if target.exists() and not ((target / card).is_file() or (target.is_dir() and not any(target.iterdir()))):
        raise CannotRunError(f"{target} holds something else than a model of Periplus. Choose another folder.")
    fresh, old = (target.with_name(f".periplus-{secrets.token_hex(6)}.tmp") for _ in range(2))
    with writing(target):
        try:
            fresh.mkdir(parents=True)
            yield fresh
            for path in fresh.rglob("*"):
                (sync_folder if path.is_dir() else sync_file)(path)
            sync_folder(fresh)
            if target.exists():
                target.rename(old)
            fresh.rename(target)
            sync_folder(target.parent)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)


def load_embedder(
    folder: Path, pooling: str = "auto", gem_p: float | None = None
) -> tuple[Embedder, Preprocess, dict[str, object]]:
    """An embedder, its preprocessing and its card, from :func:`save_embedder`'s folder or any of the hub's layout.

    Args:
        folder: of a model.
        pooling: ``auto`` takes what the checkpoint was saved with, else what its family is meant for.
        gem_p: the power of GeM; None takes the checkpoint's, else 3.

    Raises:
        CannotRunError: the folder holds no whole model.
        UsageError: another pooling or power was asked for than the projection was trained with.
    """
    backbone, preprocess = load_backbone(folder), Preprocess.from_folder(folder)
    if not (folder / CARD_FILE).is_file():
        return Embedder(backbone, pooling, gem_p=gem_p or 3.0).eval(), preprocess, {}
    saved = _read_card(folder)
    own, own_p, width = str(saved["pooling"]), float(str(saved["gem_p"])), int(str(saved["projection_dim"]))
    asked, asked_p = own if pooling == "auto" else pooling, own_p if gem_p is None else gem_p
    if width and (asked, asked_p) != (own, own_p):
        raise UsageError(
            f"The projection in {folder} was trained with pooling {own} and power {own_p:g}; "
            f"{asked} and {asked_p:g} do not fit it."
        )
    embedder = Embedder(backbone, asked, projection_dim=width, gem_p=asked_p, learn_p=bool(saved["learn_p"]))
    if width:
        _load_projection(embedder.projection, folder / HEAD_FILE)
    card = saved["card"]
    return embedder.eval(), preprocess, dict(card) if isinstance(card, dict) else {}


def _write(embedder: Embedder, preprocess: Preprocess, folder: Path, card: Mapping[str, object]) -> None:
    with quiet():
        embedder.backbone.save_pretrained(folder)
    if embedder.has_projection:
        head = {name: tensor.contiguous() for name, tensor in embedder.projection.state_dict().items()}
        save_file(head, folder / HEAD_FILE)
    write_json_atomic(folder / PREPROCESS_FILE, preprocess.to_hub())
    value = {
        "format": _FORMAT,
        "pooling": embedder.pooling,
        "gem_p": embedder.gem_p,
        "learn_p": embedder.gem.learnt,
        "projection_dim": embedder.dim if embedder.has_projection else 0,
        "card": dict(card),
    }
    write_json_atomic(folder / CARD_FILE, value)


def _read_card(folder: Path) -> dict[str, object]:
    try:
        saved = read_json(folder / CARD_FILE)
    except GalleryError as error:
        raise CannotRunError(f"{folder / CARD_FILE} cannot be read: train again, or restore it from a copy.") from error
    if saved.get("format") != _FORMAT or set(saved) != _KEYS:
        raise CannotRunError(f"{folder / CARD_FILE} is of another version than this Periplus reads ({_FORMAT}).")
    return saved


def _load_projection(projection: nn.Module, path: Path) -> None:
    try:
        projection.load_state_dict(load_file(path), strict=True)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise CannotRunError(f"The projection in {path} cannot be loaded: {error}. Restore it from a copy.") from error
