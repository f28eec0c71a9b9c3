"""``periplus models``: the vision models that are known by name, and their export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from periplus.cli.guard import verb
from periplus.cli.model_options import ModelOptions, model_options
from periplus.cli.options import Json
from periplus.cli.text import emit, say, show
from periplus.errors import UsageError


@verb
def models(
    export: Annotated[
        str | None, typer.Option(metavar="NAME", help="Write this model (a name or a folder) for ONNX Runtime.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Where to.")] = None,
    model: ModelOptions = None,
    json: Json = False,
) -> int:
    """List the known vision models, and which are on this machine; or export one to ONNX.

    Any other model that transformers can load works too, by its name on the hub or as a folder.

    Examples: periplus models

    periplus models --export runs/best/best -o best.onnx
    """
    if (export is None) != (output is None):
        raise UsageError("--export NAME and --output FOLDER go together.")
    if export is not None and output is not None:
        return _export(export, output, model, json)
    if model:
        raise UsageError("--model is for --export; without it the known models are listed.")
    return _list(json)


def _export(name: str, output: Path, options: list[str] | None, json: bool) -> int:
    from periplus.encode import model_spec_from
    from periplus.encode.onnx import export_onnx
    from periplus.encode.transformers import TransformersEncoder

    encoder = TransformersEncoder(model_spec_from({**model_options(options), "name": name}))
    export_onnx(encoder, output)
    if json:
        emit({"model": name, "folder": str(output), "dim": encoder.dim, "fingerprint": encoder.fingerprint})
    else:
        say(f"Wrote {output}. Use it with: periplus index SOURCE -o G.gallery --encoder {output} --model engine=onnx")
    return 0


def _list(json: bool) -> int:
    from periplus.encode import ENCODERS, KNOWN, here

    found = [(known, here(known)) for known in KNOWN.values()]
    if json:
        facts = [
            {**vars(known), "size_mb": known.size_mb, "here": None if place is None else str(place)}
            for known, place in found
        ]
        emit({"weight_free": dict(ENCODERS), "models": facts})
        return 0
    show("Without any download:", strong=True)
    for name, good_for in ENCODERS.items():
        show(f"{name:16s} {good_for}", indent=2)
    show("Vision models (extra learn):", strong=True)
    for known, place in found:
        size = f"{known.dim:5d}-d {known.input_px:4d} px {known.size_mb:6,.0f} MB  {known.licence:14s}"
        show(f"{known.name:16s} {size}  {'here' if place else 'not here'}  {known.good_for}", indent=2)
    return 0
