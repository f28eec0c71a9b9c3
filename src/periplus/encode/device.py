"""Which device encoders run on."""

from __future__ import annotations

from periplus.encode.extras import has_package


def device_here(engine: str = "torch") -> str:
    """``cuda`` where torch runs the model and sees a GPU, else ``cpu``."""
    if engine != "torch" or not has_package("torch"):
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
