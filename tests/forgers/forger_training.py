"""Tiny photos and a tiny network to learn with; run as a program, it trains on them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import ResNetConfig

from periplus.learn import ModelConfig, TrainConfig, TrainingPhotos, train
from periplus.learn.strict import from_table


def made_photos(n: int = 96, classes: int = 6, size_px: int = 16, seed: int = 0) -> TrainingPhotos:
    """Photos of a landmark share a picture, under noise, and lie within some km of it; a quarter is held out."""
    generator = np.random.default_rng(seed)
    pictures = generator.integers(0, 256, (classes, 3, size_px, size_px))
    labels = np.arange(n) % classes
    places = np.stack([generator.uniform(-80, 80, classes), generator.uniform(-180, 179, classes)], 1)
    noisy = pictures[labels] + generator.normal(0, 60, (n, 3, size_px, size_px))
    return TrainingPhotos(
        paths=tuple(f"{i}.jpg" for i in range(n)),
        labels=labels,
        classes=tuple(f"landmark {i}" for i in range(classes)),
        validation=np.arange(n) // classes % 4 == 3,
        size_px=size_px,
        fit="exact",
        stored=torch.from_numpy(noisy.clip(0, 255).astype(np.uint8)),
        lat_lon_deg=places[labels] + generator.normal(0, 0.1, (n, 2)),
    )


def tiny_network(folder: Path) -> ModelConfig:
    """Write the config of a residual network with two stages of 8 and 16 channels."""
    config = ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", downsample_in_first_stage=True
    )
    config.save_pretrained(folder)
    return ModelConfig(name=str(folder), pooling="gem", image_size_px=16)


if __name__ == "__main__":
    network, wanted = sys.argv[1:]
    tiny = ModelConfig(name=network, pooling="gem", image_size_px=16)
    for output, settings in json.loads(wanted).items():
        train(from_table(TrainConfig, settings, "train"), tiny, made_photos(), Path(output), resume=True)
