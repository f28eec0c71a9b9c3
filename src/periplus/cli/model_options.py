"""The encoder that a person asks for: weight-free by name, or a vision model with its options."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from periplus.errors import UsageError

if TYPE_CHECKING:
    from periplus.encode import EncoderConfig

EncoderOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="asmk (default) or vlad; or a vision model: a name of `periplus models` or of the hub, or a folder.",
    ),
]
ModelOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="KEY=VALUE",
        help="Of a vision model: pooling=gem, scales=0.7,1,1.4, flip=true, image_size_px=384, engine=onnx. Repeatable.",
    ),
]
_LARGEST_PX = 4096

Patches = Annotated[bool, typer.Option("--patches", help="Keep a vision model's patches, for search --rerank patches.")]


def encoder_config(name: str | None, options: list[str] | None, patches: bool) -> EncoderConfig:
    """The encoder of a new gallery.

    Raises:
        UsageError: an option is unknown, or does not belong to this encoder.
        CannotRunError: a vision model is not on this machine.
    """
    from periplus.encode import ENCODERS, EncoderConfig
    from periplus.pipeline import deep_encoder

    if name is None or name in ENCODERS:
        if options or patches:
            raise UsageError(f"--model and --patches are for vision models, not for {name or EncoderConfig.name}.")
        return EncoderConfig(name=name or EncoderConfig.name)
    return deep_encoder(name, model_options(options), patches=patches)


def model_options(options: list[str] | None) -> dict[str, object]:
    """What ``--model KEY=VALUE`` says, by key; whether a key exists is the model's to tell.

    Raises:
        UsageError: one is not of this form.
    """
    return dict(map(_option, options or []))


def _option(text: str) -> tuple[str, object]:
    key, sign, value = text.partition("=")
    if not key or not sign:
        raise UsageError(f"--model {text!r} is not KEY=VALUE, as in pooling=gem.")
    if key in _NOT_HERE:
        raise UsageError(f"--model {text!r}: {_NOT_HERE[key]}.")
    read, kind = _KINDS.get(key, (str, "text"))
    try:
        return key, read(value)
    except ValueError as error:
        raise UsageError(f"--model {text!r}: {key} is {kind}.") from error


def _scales(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


def _size_px(text: str) -> int:
    if not 8 <= int(text) <= _LARGEST_PX:
        raise ValueError(text)
    return int(text)


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


_KINDS: dict[str, tuple[Callable[[str], object], str]] = {
    "gem_p": (float, "a number"),
    "scales": (_scales, "a list of numbers, as in 0.7,1,1.4"),
    "flip": (_truth, "true or false"),
    "image_size_px": (_size_px, f"a whole number from 8 to {_LARGEST_PX}"),
}
"""How values are read that are no text; all other options are."""
_NOT_HERE = {
    "name": "--encoder names the model",
    "device": "world-wide galleries take a GPU where there is one, others the processor",
}
