"""Randomness that has no past: every draw has a name, and the name alone decides it.

A generator is made for each thing that is drawn (this epoch's order, that step's crops), seeded by the trial and the
thing's name. So a resumed training draws what the uninterrupted one would have drawn, without any generator saved,
and every process of a group draws the same.
"""

from __future__ import annotations

import zlib

import numpy as np
import torch


def numpy_generator(trial: int, what: str, *numbers: int) -> np.random.Generator:
    """NumPy's generator for the thing ``what`` (``numbers`` tell which epoch, which step ...)."""
    return np.random.default_rng([trial, zlib.crc32(what.encode()), *numbers])


def torch_seed(trial: int, what: str, *numbers: int) -> int:
    """A seed of 63 bits of the same name, for ``torch.manual_seed``."""
    return int(
        np.random.SeedSequence([trial, zlib.crc32(what.encode()), *numbers]).generate_state(1, np.uint64)[0] >> 1
    )


def torch_generator(trial: int, what: str, *numbers: int) -> torch.Generator:
    """Torch's generator (on the processor, whatever the device) for the thing ``what``."""
    generator = torch.Generator()
    generator.manual_seed(torch_seed(trial, what, *numbers))
    return generator
