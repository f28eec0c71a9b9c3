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
    geoclip: Annotated[
        str | None,
        typer.Option(metavar="CLIP", help="Write GeoCLIP with this CLIP ViT-L/14 (a name or a folder) as one folder."),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Where to.")] = None,
    model: ModelOptions = None,
    json: Json = False,
) -> int:
    """List the known models, and which are on this machine; or export one to ONNX.

    Any other vision model that transformers can load works too, by its name on the hub or as a folder.

    Examples: periplus models

    periplus models --export runs/best/best -o best.onnx

    periplus models --geoclip ~/clip-vit-large-patch14 -o geoclip
    """
    if export is not None and geoclip is not None:
        raise UsageError("Give --export or --geoclip, one at a time.")
    if (export is None and geoclip is None) != (output is None):
        raise UsageError("--output FOLDER goes with --export NAME or --geoclip CLIP.")
    if geoclip is not None and output is not None:
        return _convert_geoclip(geoclip, output, json)
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


def _convert_geoclip(clip: str, output: Path, json: bool) -> int:
    from periplus.encode import convert_geoclip

    model = convert_geoclip(None, output, clip)
    if json:
        emit({"model": "geoclip", "folder": str(output), "dim": model.location.dim, "fingerprint": model.fingerprint})
    else:
        say(f"Wrote {output}. Use it with: periplus index positions:FILE -o G.gallery --encoder {output}")
    return 0


def _list(json: bool) -> int:
    from periplus.encode import ENCODERS, GEO_MODELS, KNOWN, here

    found = [(known, here(known)) for known in KNOWN.values()]
    if json:
        facts = [
            {**vars(known), "size_mb": known.size_mb, "here": None if place is None else str(place)}
            for known, place in found
        ]
        emit({"weight_free": dict(ENCODERS), "models": facts, "geo_models": dict(GEO_MODELS)})
        return 0
    show("Without any download:", strong=True)
    for name, good_for in ENCODERS.items():
        show(f"{name:16s} {good_for}", indent=2)
    show("Vision models (extra learn):", strong=True)
    for known, place in found:
        size = f"{known.dim:5d}-d {known.input_px:4d} px {known.size_mb:6,.0f} MB  {known.licence:14s}"
        show(f"{known.name:16s} {size}  {'here' if place else 'not here'}  {known.good_for}", indent=2)
    show("Geo models, for world-wide galleries (extra learn):", strong=True)
    for name, good_for in GEO_MODELS.items():
        show(f"{name:16s} {good_for}", indent=2)
    return 0
