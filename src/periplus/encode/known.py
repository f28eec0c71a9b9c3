"""Vision models that are known by a short name, and where a model lies on this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from periplus.encode.encoder import ENCODERS
from periplus.encode.extras import has_package, require_packages
from periplus.errors import CannotRunError, UsageError

FILES = (
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "*.safetensors",
    "model.safetensors.index.json",
)
"""What is fetched of a model: never pickles, never code."""

TEXT_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json", "merges.txt")
"""What is fetched besides where texts are encoded, too."""

_HUB_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*")


@dataclass(frozen=True)
class Known:
    """One known model.

    Attributes:
        name: how it is asked for here.
        hub: its name on the Hugging Face hub.
        licence: of the weights, as its authors state it.
        parameters_m: millions of parameters of the part that is used.
        dim: length of its vectors.
        input_px: side of the pictures it was made for.
        good_for: in a few words.
    """

    name: str
    hub: str
    licence: str
    parameters_m: float
    dim: int
    input_px: int
    good_for: str

    @property
    def size_mb(self) -> float:
        """Megabytes of the part that is used, in float32; a download with a text half is larger."""
        return self.parameters_m * 4


_ALL = (
    Known("efficientnet_b0", "google/efficientnet-b0", "Apache-2.0", 4.0, 1280, 224, "E1: small and quick on a CPU"),
    Known("resnet18", "microsoft/resnet-18", "Apache-2.0", 11.2, 512, 224, "a small control"),
    Known("resnet50", "microsoft/resnet-50", "Apache-2.0", 23.5, 2048, 224, "the usual control"),
    Known("clip-vit-b-32", "openai/clip-vit-base-patch32", "MIT", 87.8, 512, 224, "general; quick for a transformer"),
    Known("clip-vit-l-14", "openai/clip-vit-large-patch14", "MIT", 304.0, 768, 224, "general; what GeoCLIP builds on"),
    Known(
        "streetclip", "geolocal/StreetCLIP", "CC-BY-NC-4.0", 304.3, 768, 336, "countries and cities from street views"
    ),
    Known("siglip2-base", "google/siglip2-base-patch16-224", "Apache-2.0", 92.9, 768, 224, "general, multilingual"),
    Known("dinov2-small", "facebook/dinov2-small", "Apache-2.0", 22.1, 384, 224, "places and instances, without text"),
    Known("dinov2-base", "facebook/dinov2-base", "Apache-2.0", 86.6, 768, 224, "places and instances, without text"),
    Known(
        "dinov3-vits16",
        "facebook/dinov3-vits16-pretrain-lvd1689m",
        "DINOv3 License",
        21.6,
        384,
        224,
        "dense features; gated",
    ),
)

KNOWN: Mapping[str, Known] = {known.name: known for known in _ALL}
"""Known models by name."""


def here(known: Known) -> Path | None:
    """The folder of a known model on this machine, whole; None if it would have to be fetched."""
    return _cached(known.hub, None)


def find_model(name: str, revision: str | None = None, *, text: bool = False) -> Path:
    """The folder of a model: a local folder, or a known or hub name, fetched if it is not on this machine yet.

    Args:
        name: of a folder, or of the model here or on the hub.
        revision: of the hub's model.
        text: whether its tokenizer is needed, too.

    Raises:
        UsageError: the name cannot be a model's.
        CannotRunError: it is not here and cannot be fetched.
        MissingExtraError: the hub's client is not installed.
    """
    hub = KNOWN[name].hub if name in KNOWN else name
    if name and name not in KNOWN and Path(name).is_dir():
        return Path(name)
    if Path(name).is_absolute() or name.startswith("."):
        raise CannotRunError(f"There is no model's folder {name}. Bring it back, or name another: --encoder FOLDER.")
    try:
        if not _HUB_NAME.fullmatch(hub):
            raise ValueError(hub)
        return _cached(hub, revision, text=text) or _fetched(hub, revision, text=text)
    except ValueError as error:  # The hub's client has rules of its own, and says so by one of these.
        raise UsageError(
            f"No model {name!r}: it is no folder, and neither a name on the hub (owner/model) "
            f"nor one of {', '.join((*ENCODERS, *KNOWN))}."
        ) from error


def _cached(hub: str, revision: str | None, *, text: bool = False) -> Path | None:
    if not has_package("huggingface_hub"):
        return None
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(hub, "config.json", revision=revision)
    if not isinstance(config, str):
        return None
    folder = Path(config).parent
    wanted = ("*.safetensors", "*processor_config.json", *(("tokenizer_config.json",) if text else ()))
    return folder if all(any(folder.glob(pattern)) for pattern in wanted) else None


def _fetched(hub: str, revision: str | None, *, text: bool = False) -> Path:
    require_packages(f"Fetching {hub}", "learn", "huggingface_hub")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        patterns = [*FILES, *(TEXT_FILES if text else ())]
        return Path(snapshot_download(hub, revision=revision, allow_patterns=patterns))
    except (OSError, HfHubHTTPError) as error:
        tokens = f", {', '.join(TEXT_FILES)}" if text else ""
        files = f"config.json, preprocessor_config.json{tokens} and model.safetensors"
        raise CannotRunError(
            f"{hub} is not on this machine and cannot be fetched ({str(error).splitlines()[0]}). "
            f"Where there is a network: hf download {hub} --local-dir FOLDER; bring FOLDER ({files}) here "
            "and name it: --encoder FOLDER."
        ) from error
