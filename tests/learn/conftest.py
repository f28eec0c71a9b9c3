"""Tiny photos and a tiny network to learn with."""

from __future__ import annotations

import pytest
from forger_training import made_photos, tiny_network

from periplus.learn import ModelConfig, TrainingPhotos


@pytest.fixture
def photos() -> TrainingPhotos:
    """96 photos of 6 landmarks, 16 px, 24 held out."""
    return made_photos()


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> ModelConfig:
    """A network of two small stages, with batch normalisation."""
    return tiny_network(tmp_path_factory.mktemp("tiny"))
