"""What a gallery's encoder learns from a sample of photos, and what it says of one photo's local features.

Every encoder has a weight-free part: packed local features for the geometry and VLAD. A deep encoder is that part
and a vision model whose vector stands in the place of VLAD's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import faiss
import numpy as np
from numpy.typing import NDArray

from periplus.encode.vlad import Vlad, aggregate, learn_whitening
from periplus.encode.words import Codebook, nearest_words, quantise
from periplus.errors import EmptyInputError, GalleryError, UsageError
from periplus.features import DESCRIPTOR_DIM, Packing, SiftConfig, learn_packing
from periplus.records import LocalFeatures, Words
from periplus.store import fingerprint

ENCODERS = {
    "asmk": "binarised visual words in an inverted file; the better ranking",
    "vlad": "one whitened vector a photo; the smaller gallery",
}
"""The weight-free encoders by name. Both keep VLAD vectors and local features; ``asmk`` keeps words besides."""

DEEP = "deep"
"""The name of every encoder whose vector a vision model makes."""

RESOURCES = (
    "packing-mean",
    "packing-basis",
    "vlad-centroids",
    "vlad-mean",
    "vlad-whitening",
    "codebook-centres",
    "codebook-means",
)
"""Names of the arrays that an encoder has learnt."""

QUERY_ASSIGNMENTS = 5
_DESCRIPTORS_PER_WORD = 8
_K_MEANS_ROUNDS = 8
_ROWS_AT_ONCE = 2048


@dataclass(frozen=True)
class EncoderConfig:
    """What is learnt, and how much of it.

    Attributes:
        name: a key of :data:`ENCODERS`, or :data:`DEEP`.
        model: of a deep encoder what :func:`periplus.encode.load_picture_encoder` makes its model from; else None.
        patches: whether a deep encoder's gallery keeps the model's patches of every photo, for re-ranking.
        sift: how local features are found.
        packed_dim: components kept of a stored descriptor.
        codebook_size: visual words, at most; fewer where the sample is small.
        vlad_centroids: centroids of VLAD.
        vlad_dim: length of the whitened vector, at most; never more than half of the sample.
        sample_descriptors: descriptors that the codebook is learnt from, at most.
        seed: of the sample and of k-means.
    """

    name: str = "asmk"
    model: Mapping[str, object] | None = None
    patches: bool = False
    sift: SiftConfig = field(default_factory=SiftConfig)
    packed_dim: int = 40
    codebook_size: int = 4096
    vlad_centroids: int = 64
    vlad_dim: int = 256
    sample_descriptors: int = 120_000
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the name, and that exactly a deep encoder has a model and what comes from it."""
        if self.name not in ENCODERS and self.name != DEEP:
            raise UsageError(f"No encoder {self.name!r}; there are {', '.join(ENCODERS)}.")
        if (self.model is not None) != (self.name == DEEP):
            raise UsageError(f"The encoder {self.name!r} {'has no' if self.model else 'needs a'} model.")
        if self.patches and self.model is None:
            raise UsageError(f"Patches are a vision model's: the encoder {self.name!r} has none.")


@dataclass(frozen=True)
class Encoded:
    """What an encoder says of one photo.

    Attributes:
        vector: VLAD, float32 (d,), unit length, or zero for a picture without features.
        words: its visual words; None where the encoder has none.
    """

    vector: NDArray[np.float32]
    words: Words | None


@dataclass(frozen=True)
class Encoder:
    """A learnt encoder; of a deep one, the part that sees local features.

    Attributes:
        config: how it was made.
        packing: components of stored descriptors.
        vlad: the global vector.
        codebook: visual words.
        fingerprint: of all of the above.
    """

    config: EncoderConfig
    packing: Packing
    vlad: Vlad
    codebook: Codebook
    fingerprint: str

    @property
    def has_words(self) -> bool:
        """Whether photos are searched by words."""
        return self.config.name == "asmk"

    @property
    def model(self) -> Mapping[str, object] | None:
        """Of a deep encoder, what its vision model is made from."""
        return self.config.model

    @property
    def dim(self) -> int:
        """Length of the vectors that a gallery keeps."""
        return self.vlad.dim if self.model is None else int(str(self.model["dim"]))

    def encode(self, features: LocalFeatures, *, query: bool = False) -> Encoded:
        """Encode one photo's RootSIFT features; a query's descriptors go to several words each."""
        components = self.packing.components(features.descriptors)
        words = None
        if self.has_words:
            words = quantise(features.descriptors, components, self.codebook, QUERY_ASSIGNMENTS if query else 1)
        return Encoded(self.vlad.encode(components), words)

    def spec(self) -> dict[str, object]:
        """The configuration as JSON values; without a model none is named, as before there were any."""
        spec = asdict(self.config)
        if self.config.model is None:
            del spec["model"], spec["patches"]
        return spec

    def resources(self) -> dict[str, NDArray[np.float32]]:
        """The learnt arrays by name, to be kept with a gallery."""
        packing, vlad, words = self.packing, self.vlad, self.codebook
        arrays = (packing.mean, packing.basis, vlad.centroids, vlad.mean, vlad.whitening, words.centres, words.means)
        return dict(zip(RESOURCES, arrays, strict=True))


def encoder_from(spec: Mapping[str, object], resources: Mapping[str, NDArray[np.float32]]) -> Encoder:
    """Rebuild an encoder from :meth:`Encoder.spec` and :meth:`Encoder.resources`.

    Raises:
        GalleryError: the spec has keys or values that this version does not know.
    """
    values = dict(spec)
    try:
        sift = SiftConfig(**values.pop("sift"))  # type: ignore[arg-type]
        config = EncoderConfig(sift=sift, **values)  # type: ignore[arg-type]
        packing = Packing(resources["packing-mean"], resources["packing-basis"])
        vlad = Vlad(resources["vlad-centroids"], resources["vlad-mean"], resources["vlad-whitening"])
        codebook = Codebook(resources["codebook-centres"], resources["codebook-means"])
    except (KeyError, TypeError, UsageError) as error:
        raise GalleryError(f"This encoder cannot be rebuilt: {error}. Index the photos again.") from error
    return _finish(config, packing, vlad, codebook)


def learn_encoder(sample: Sequence[LocalFeatures], config: EncoderConfig) -> Encoder:
    """Learn codebooks, components and whitening from a sample of photos' features.

    Deterministic in the sample's order and ``config.seed``; not in the number of threads or workers.

    Raises:
        EmptyInputError: no photo of the sample has any feature.
    """
    described = [features.descriptors for features in sample if len(features)]
    if not described:
        raise EmptyInputError("No photo has any feature to learn a codebook from: are they all blank?")
    rng = np.random.default_rng(config.seed)
    each = max(1, config.sample_descriptors // len(described))
    drawn = np.concatenate([d[np.sort(rng.permutation(len(d))[:each])] for d in described])
    packing = learn_packing(drawn, config.packed_dim)
    components = packing.components(drawn)
    codebook = _learn_codebook(drawn, components, packing, config)
    centroids = k_means(components[:: max(1, len(drawn) // 30_000)], config.vlad_centroids, config.seed)
    aggregated = np.stack([aggregate(packing.components(d), centroids) for d in described])
    vlad = Vlad(centroids, *learn_whitening(aggregated, config.vlad_dim))
    return _finish(config, packing, vlad, codebook)


def _learn_codebook(
    descriptors: NDArray[np.float32], components: NDArray[np.float32], packing: Packing, config: EncoderConfig
) -> Codebook:
    """Words by k-means of components; their means of the descriptors that fall to them."""
    size = min(config.codebook_size, max(1, len(descriptors) // _DESCRIPTORS_PER_WORD))
    centres = k_means(components, size, config.seed)
    nearest = np.concatenate(
        [
            nearest_words(components[i : i + _ROWS_AT_ONCE], centres, 1)[:, 0]
            for i in range(0, len(components), _ROWS_AT_ONCE)
        ]
    )
    order = np.argsort(nearest, kind="stable")
    words, starts, counts = np.unique(nearest[order], return_index=True, return_counts=True)
    # A word that no descriptor of the sample falls to is taken back from its components.
    means = centres @ packing.basis.T + packing.mean
    means[words] = np.add.reduceat(descriptors[order], starts, axis=0) / counts[:, None]
    return Codebook(centres, means.astype(np.float32))


def _finish(config: EncoderConfig, packing: Packing, vlad: Vlad, codebook: Codebook) -> Encoder:
    if codebook.means.shape[1] != DESCRIPTOR_DIM or codebook.centres.shape[1] != packing.basis.shape[1]:
        raise GalleryError(
            f"A codebook of {codebook.centres.shape} centres and {codebook.means.shape} means does not fit. "
            "Index the photos again."
        )
    encoder = Encoder(config, packing, vlad, codebook, "")
    whole = fingerprint(encoder.spec(), *(array for _, array in sorted(encoder.resources().items())))
    return replace(encoder, fingerprint=f"{config.name}-{whole}")


def k_means(points: NDArray[np.float32], k: int, seed: int) -> NDArray[np.float32]:
    """At most k centroids (k, d) of points (n, d); the points themselves where there are no more."""
    if k >= len(points):
        return np.ascontiguousarray(points)
    # min_points_per_centroid only silences a warning: small galleries are allowed to have thin words.
    trainer = faiss.Kmeans(
        points.shape[1], k, niter=_K_MEANS_ROUNDS, seed=seed + 1, min_points_per_centroid=1, max_points_per_centroid=64
    )
    trainer.train(np.ascontiguousarray(points))
    return np.asarray(trainer.centroids, np.float32)
