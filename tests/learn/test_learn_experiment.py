"""Experiments: strict reading, overriding, writing back."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.errors import CannotRunError, UsageError
from periplus.learn import Experiment, override, read_experiment, to_toml
from periplus.learn.settings import AboutConfig, DataConfig, TrainConfig

SMALL = Experiment(AboutConfig("e2"), DataConfig("gldv2:/data"), train=TrainConfig())


def written(folder: Path, text: str) -> Path:
    path = folder / "e.toml"
    path.write_text(text, encoding="utf-8")
    return path


HEAD = '[experiment]\nname = "e2"\n[data]\nsource = "gldv2:/data"\n'


def test_the_smallest_file(tmp_path: Path) -> None:
    read = read_experiment(written(tmp_path, HEAD))
    assert read == Experiment(AboutConfig("e2"), DataConfig("gldv2:/data"))
    assert read.train is None
    assert read.data.public == 350
    assert read.data.private == 650
    assert "train" not in read.to_dict()


def test_the_seed_options_have_their_usual_names(tmp_path: Path) -> None:
    options = """[train]
batch_size = 144
workers = 12
trial = 3
lr = 1.5e-4
opt_eps = 1e-8
output_dir = "output_e2"
start_epoch = 2
epochs = 20
resume = true
model_path = "output/checkpoint_2"
[model]
name = "efficientnet_b0"
"""
    read = read_experiment(written(tmp_path, HEAD + options))
    assert read.train is not None
    assert (read.train.batch_size, read.train.workers, read.train.trial, read.train.lr) == (144, 12, 3, 1.5e-4)
    assert (read.train.opt_eps, read.train.output_dir, read.train.start_epoch) == (1e-8, "output_e2", 2)
    assert (read.train.epochs, read.train.resume, read.train.model_path) == (20, True, "output/checkpoint_2")
    assert read.model.name == "efficientnet_b0"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[train]\nbatchsize = 4", "train.batchsize: there is no such setting. Did you mean 'batch_size'?"),
        ("[train.augment]\nmix_up = 0.2", "train.augment.mix_up: there is no such setting. Did you mean 'mixup'?"),
        ("[modle]\nname = 'a'", "modle: there is no such setting. Did you mean 'model'?"),
        ("[model]\nxyz = 1", "Known here: gem_p, image_size_px, location, name"),
        ("[train]\nlr = '0.1'", "train.lr is a number, not '0.1'"),
        ("[train]\nlr = 0", "train.lr is more than 0, not 0.0"),
        ("[train]\nlr = inf", "train.lr is a finite number"),
        ("[train]\nepochs = 2.5", "train.epochs is a whole number, not 2.5"),
        ("[train]\nepochs = true", "train.epochs is a whole number, not True"),
        ("[train]\nresume = 1", "train.resume is true or false, not 1"),
        ("[train]\nepochs = 0", "train.epochs is at least 1, not 0"),
        ("[train.loss]\njoint_weight = 1.5", "train.loss.joint_weight is at most 1, not 1.5"),
        ("[train]\nobjective = 'contrastiv'", "Did you mean 'contrastive'?"),
        ("[train]\nimage_sizes_px = [64, 4]", "train.image_sizes_px[1] is at least 8, not 4"),
        ("[train]\nimage_sizes_px = 64", "train.image_sizes_px is a list, not 64"),
        ("[train]\nloss = 3", "train.loss is a table of settings, not 3"),
        ("[rerank]\nweights = [0.5, 1.5]", "rerank.weights[1] is at most 1, not 1.5"),
        ("[train]\nstart_epoch = 20", "train.start_epoch 20 must lie before train.epochs 20"),
        ("[train.sampler]\nkind = 'm_per_class'\nm = 5", "train.batch_size 64 must be a multiple of train.sampler.m 5"),
        ("[train]\nobjective = 'joint'\n[train.augment]\nmixup = 0.2", "train.augment.mixup is for"),
        ("[train.augment]\nerase_min = 0.5", "train.augment.erase_min must not exceed"),
        ("[train]\nobjective = 'infonce'\nmonitor = 'accuracy'", "needs a classifier"),
        ("[train]\nobjective = 'geolocation'", "train.monitor 'map_at_100' is not measured with the objective"),
        ("[train]\nmonitor = 'median_km'", "take one of map_at_100, recall_at_1, accuracy, loss"),
        ("[train.geolocation]\nque = 1", "train.geolocation.que: there is no such setting. Did you mean 'queue'?"),
        ("[train.geolocation]\nqueue = -1", "train.geolocation.queue is at least 0, not -1"),
        ("[train.geolocation]\nscale = 50\nmax_scale = 20", "train.geolocation.scale 50 must not exceed its max_scale"),
        ("[model.location]\nkind = 'rf'", "Did you mean 'rff'?"),
        ("[model.location]\nsigmas = []", "names no sigma"),
        ("[model.location]\nsigmas = [0]", "model.location.sigmas[0] is more than 0"),
        ("[train.loss]\nminer = 'hard'", "chooses triplets"),
        ("not toml", "is not TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name(tmp_path: Path, line: str, message: str) -> None:
    path = written(tmp_path, HEAD + line + "\n")
    with pytest.raises(UsageError) as error:
        read_experiment(path)
    assert str(path) in str(error.value)
    assert message in str(error.value)


def test_missing_parts_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"data\.source must be set"):
        read_experiment(written(tmp_path, '[experiment]\nname = "a"\n[data]\n'))
    with pytest.raises(UsageError, match=r"\[data\] must be there"):
        read_experiment(written(tmp_path, '[experiment]\nname = "a"\n'))
    with pytest.raises(CannotRunError, match="No such file"):
        read_experiment(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"a = '\xe9'")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_experiment(tmp_path / "latin.toml")


def test_override() -> None:
    changed = override(
        SMALL, ["train.lr=0.1", "train.sampler.m = 8", "model.name=resnet18", "rerank.weights=[0.25, 1]", "train.ema=0"]
    )
    assert changed.train is not None
    assert (changed.train.lr, changed.train.sampler.m, changed.train.ema) == (0.1, 8, 0.0)
    assert changed.model.name == "resnet18"
    assert changed.rerank.weights == (0.25, 1.0)
    assert SMALL.train == TrainConfig()


def test_override_makes_a_section() -> None:
    without = dataclasses.replace(SMALL, train=None)
    assert override(without, ["train.epochs=3"]).train == TrainConfig(epochs=3)


@pytest.mark.parametrize("wrong", ["lr=0.1", "train.lr", "", "train.lr.x=1", "train.lrr=1", "train.lr=abc"])
def test_wrong_overrides_are_refused(wrong: str) -> None:
    with pytest.raises(UsageError):
        override(SMALL, [wrong])


def test_the_fingerprint_is_of_the_settings() -> None:
    renamed = override(SMALL, ["experiment.name=other", "experiment.about=words"])
    assert renamed.fingerprint == SMALL.fingerprint
    assert override(SMALL, ["train.lr=0.1"]).fingerprint != SMALL.fingerprint
    assert Experiment.from_dict(SMALL.to_dict()).fingerprint == SMALL.fingerprint


@given(st.text(), st.text(min_size=1), st.lists(st.floats(0, 1), max_size=4), st.floats(1e-30, 1e30))
def test_an_experiment_survives_toml(about: str, source: str, weights: list[float], lr: float) -> None:
    import tomllib

    there = override(SMALL, [f"rerank.weights={weights}", f"train.lr={lr!r}"])
    there = dataclasses.replace(
        there, experiment=AboutConfig("e2", about), data=dataclasses.replace(there.data, source=source)
    )
    assert Experiment.from_dict(tomllib.loads(to_toml(there))) == there
    assert Experiment.from_dict(there.to_dict()) == there
