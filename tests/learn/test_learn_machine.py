"""Device and precision, and what happens where something is missing."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest
import torch

import periplus.learn
from periplus.errors import CannotRunError, MissingExtraError
from periplus.learn import machine
from periplus.learn.machine import choose_device, choose_precision

CPU = torch.device("cpu")


def test_bfloat16_falls_back_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_precision("float32", CPU) == (torch.float32, "float32")
    monkeypatch.setattr(machine, "_has_bfloat16", lambda _: True)
    assert choose_precision("bfloat16", CPU) == (torch.bfloat16, "bfloat16")
    monkeypatch.setattr(machine, "_has_bfloat16", lambda _: False)
    assert choose_precision("bfloat16", CPU) == (torch.float32, "float32, since this processor has no bfloat16")


def test_a_gpu_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == CPU
    with pytest.raises(CannotRunError, match=r"train.device 'cuda'"):
        choose_device("cuda")


def test_training_without_torch_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(MissingExtraError, match=r"periplus\[learn\]"):
        _ = periplus.learn.train
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = periplus.learn.trian


def test_experiments_are_read_without_torch() -> None:
    code = "import sys, periplus.learn as learn; learn.read_experiment; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
