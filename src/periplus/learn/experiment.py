"""An experiment: one strict TOML file, one frozen object."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from periplus.errors import CannotRunError, UsageError
from periplus.learn.retrieval_settings import EvaluateConfig, RefineConfig, RerankConfig
from periplus.learn.settings import AboutConfig, DataConfig, ModelConfig, TrainConfig
from periplus.learn.strict import from_table, to_table
from periplus.store import fingerprint


@dataclass(frozen=True)
class Experiment:
    """What is done with which photos; everything that a result depends on.

    Attributes:
        experiment, data, model, train, rerank, refine, evaluate: the sections of the file.
    """

    experiment: AboutConfig
    data: DataConfig
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig | None = None
    rerank: RerankConfig = field(default_factory=RerankConfig)
    refine: RefineConfig = field(default_factory=RefineConfig)
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits; equal for equal settings, its name and description left aside."""
        return fingerprint({key: value for key, value in self.to_dict().items() if key != "experiment"})

    def to_dict(self) -> dict[str, Any]:
        """Nested dictionaries of JSON values, defaults included; no ``train`` where nothing is trained."""
        table = to_table(self)
        return {key: value for key, value in table.items() if value is not None}

    @classmethod
    def from_dict(cls, table: Mapping[str, object]) -> Experiment:
        """Check a table and make an experiment of it.

        Raises:
            UsageError: a key is unknown or missing, or a value is wrong.
        """
        return from_table(cls, table, "")


def read_experiment(path: str | Path) -> Experiment:
    """Read an experiment's file.

    Raises:
        CannotRunError: the file cannot be read.
        UsageError: it is not TOML, or its settings are wrong; the message names the file.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise CannotRunError(f"Cannot read the experiment {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}.") from error
    try:
        return Experiment.from_dict(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}.") from error
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def override(experiment: Experiment, assignments: Sequence[str]) -> Experiment:
    """The experiment with some settings changed, each given as ``section.key=value``.

    The value is read as TOML; what is not TOML is taken as text, so that ``model.name=resnet18`` needs no quotes.

    Raises:
        UsageError: an assignment has no ``=``, or the setting is unknown or wrong.
    """
    table = experiment.to_dict()
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        *sections, key = name.strip().split(".")
        if not equals or not sections:
            raise UsageError(f"{assignment!r} changes nothing: write section.key=value, such as train.lr=0.1.")
        at = table
        for section in sections:
            at = at.setdefault(section, {})
            if not isinstance(at, dict):
                raise UsageError(f"{assignment!r}: {section!r} is a value, not a table of settings.")
        at[key] = _value(text.strip())
    return Experiment.from_dict(table)


def to_toml(experiment: Experiment) -> str:
    """The experiment as a TOML file with every default written out; :func:`read_experiment` reads it back."""
    lines: list[str] = []
    _write(experiment.to_dict(), "", lines)
    return "\n".join(lines).lstrip("\n") + "\n"


def _value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _write(table: Mapping[str, Any], name: str, lines: list[str]) -> None:
    if name:
        lines += ["", f"[{name}]"]
    for key, value in table.items():
        if not isinstance(value, dict):
            # JSON's texts, numbers, booleans and lists are TOML's, but for the letter that TOML forbids unescaped.
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}".replace("\x7f", "\\u007F"))
    for key, value in table.items():
        if isinstance(value, dict):
            _write(value, f"{name}.{key}" if name else key, lines)
