"""Fixtures that every test may use."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

for _helpers in ("oracles", "forgers"):
    sys.path.insert(0, str(Path(__file__).resolve().parent / _helpers))

# A busy machine is no failure: nothing here is judged by the clock.
settings.register_profile("periplus", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("periplus")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photographs and tables; its absence fails in CI and skips elsewhere."""
    root = Path(__file__).resolve().parents[1]
    folder = (root / os.environ.get("PERIPLUS_SHARED", "../shared")).resolve() / "data"
    if not folder.is_dir():
        message = f"No shared data at {folder}; set PERIPLUS_SHARED to the folder that holds data/."
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on a made town wait for it to be drawn and indexed: they count as slow."""
    for item in items:
        if "town" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
