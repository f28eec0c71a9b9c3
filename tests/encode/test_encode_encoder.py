"""Learning an encoder: repeatable, from little, kept and read again."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import cast

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

from periplus.encode import ENCODERS, RESOURCES, Encoder, EncoderConfig, encoder_from, learn_encoder
from periplus.encode.encoder import QUERY_ASSIGNMENTS
from periplus.encode.words import quantise
from periplus.errors import EmptyInputError, GalleryError, UsageError
from periplus.features import DESCRIPTOR_DIM, SiftConfig, root_sift
from periplus.records import LocalFeatures

SMALL = EncoderConfig(codebook_size=24, vlad_centroids=6, vlad_dim=10, packed_dim=16)


def photo(n: int, seed: int) -> LocalFeatures:
    rng = np.random.default_rng(seed)
    histograms = rng.gamma(0.5, 20, (n, DESCRIPTOR_DIM)).astype(np.float32)
    points = (rng.random((n, 2)) * 600).astype(np.float32)
    return LocalFeatures(points, np.full(n, 2, np.float32), np.zeros(n, np.float32), root_sift(histograms), (640, 640))


PHOTOS = [photo(40, seed) for seed in range(20)]


@pytest.mark.parametrize("name", ENCODERS)
def test_learning_twice_gives_the_same(name: str) -> None:
    config = replace(SMALL, name=name)
    a, b = learn_encoder(PHOTOS, config), learn_encoder(PHOTOS, config)
    assert a.fingerprint == b.fingerprint
    assert a.fingerprint.startswith(f"{name}-")
    for key, array in a.resources().items():
        assert array.tobytes() == b.resources()[key].tobytes()


def test_threads_do_not_change_what_is_learnt() -> None:
    before = faiss.omp_get_max_threads()
    made = []
    try:
        for threads in (1, 2):
            faiss.omp_set_num_threads(threads)
            made.append(learn_encoder(PHOTOS, SMALL).fingerprint)
    finally:
        faiss.omp_set_num_threads(before)
    assert made[0] == made[1]


def test_every_choice_changes_the_fingerprint() -> None:
    changes: list[EncoderConfig] = [
        SMALL,
        replace(SMALL, seed=1),
        replace(SMALL, name="vlad"),
        replace(SMALL, codebook_size=23),
        replace(SMALL, packed_dim=15),
        replace(SMALL, sift=SiftConfig(max_points=1499)),
    ]
    prints = [learn_encoder(PHOTOS, config).fingerprint for config in changes]
    prints.append(learn_encoder(PHOTOS[:-1], SMALL).fingerprint)
    assert len(set(prints)) == len(prints)


def test_sizes_follow_the_configuration() -> None:
    made = learn_encoder(PHOTOS, SMALL)
    assert made.codebook.means.shape == (24, DESCRIPTOR_DIM)
    assert made.codebook.centres.shape == (24, 16)
    assert made.packing.basis.shape == (DESCRIPTOR_DIM, 16)
    assert made.vlad.centroids.shape == (6, 16)
    assert made.vlad.dim == 10
    assert all(array.dtype == np.float32 for array in made.resources().values())


def test_the_sample_of_descriptors_is_bounded_and_takes_of_every_photo() -> None:
    # Two descriptors a photo, fewer than centroids asked for: they are the centroids.
    made = learn_encoder(PHOTOS, replace(SMALL, sample_descriptors=40, vlad_centroids=64))
    assert len(made.vlad.centroids) == 40
    origin = [
        next(
            i for i, p in enumerate(PHOTOS) if np.isclose(made.packing.components(p.descriptors), row).all(axis=1).any()
        )
        for row in made.vlad.centroids
    ]
    assert origin == [i for i in range(20) for _ in range(2)]


def test_encoding_a_photo_and_a_query() -> None:
    made = learn_encoder(PHOTOS, SMALL)
    single, query = made.encode(PHOTOS[3]), made.encode(PHOTOS[3], query=True)
    assert single.words is not None
    assert query.words is not None
    assert np.isin(single.words.words, query.words.words).all()
    assert len(single.words) <= len(query.words) <= len(made.codebook)
    components = made.packing.components(PHOTOS[3].descriptors)
    expected = quantise(PHOTOS[3].descriptors, components, made.codebook, QUERY_ASSIGNMENTS)
    assert query.words.codes.tolist() == expected.codes.tolist()
    np.testing.assert_array_equal(single.vector, query.vector)
    assert float(np.linalg.norm(single.vector)) == pytest.approx(1, abs=1e-5)


def test_vlad_has_no_words_and_blank_photos_no_vector() -> None:
    vlad = learn_encoder(PHOTOS, replace(SMALL, name="vlad"))
    assert not vlad.has_words
    assert vlad.encode(PHOTOS[0]).words is None
    asmk = learn_encoder(PHOTOS, SMALL)
    assert asmk.has_words
    blank = asmk.encode(photo(0, 0), query=True)
    assert not blank.vector.any()
    assert blank.words is not None
    assert len(blank.words) == 0


@pytest.mark.parametrize(
    "counts", [[1], [2], [7], [40], [1, 1], [40, 0], [0, 3, 0], [40, 40], [1] * 20, [300]], ids=str
)
def test_small_samples_are_enough(counts: list[int]) -> None:
    sample = [photo(n, seed) for seed, n in enumerate(counts)]
    made = learn_encoder(sample, EncoderConfig())
    assert len(made.codebook) >= 1
    for features in sample:
        encoded = made.encode(features)
        assert np.isfinite(encoded.vector).all()
        assert encoded.words is not None
        assert (len(encoded.words) > 0) == (len(features) > 0)
        np.testing.assert_allclose(np.linalg.norm(encoded.vector), [0, 1][bool(encoded.vector.any())], atol=1e-5)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_blank_photos_teach_nothing(n: int) -> None:
    with pytest.raises(EmptyInputError, match="blank"):
        learn_encoder([photo(0, seed) for seed in range(n)], SMALL)


def stored(encoder: Encoder) -> tuple[dict[str, object], dict[str, NDArray[np.float32]]]:
    """Through JSON and .npy, as a gallery keeps them."""
    arrays = {}
    for name, array in encoder.resources().items():
        file = io.BytesIO()
        np.save(file, array, allow_pickle=False)
        file.seek(0)
        arrays[name] = np.load(file, allow_pickle=False)
    return cast("dict[str, object]", json.loads(json.dumps(encoder.spec()))), arrays


@pytest.mark.parametrize("name", ENCODERS)
def test_spec_and_resources_come_back(name: str) -> None:
    made = learn_encoder(PHOTOS, replace(SMALL, name=name))
    read = encoder_from(*stored(made))
    assert read.config == made.config
    assert read.fingerprint == made.fingerprint
    for query in (False, True):
        a, b = made.encode(PHOTOS[5], query=query), read.encode(PHOTOS[5], query=query)
        assert a.vector.tobytes() == b.vector.tobytes()
        assert (a.words is None) == (b.words is None)
        if a.words is not None and b.words is not None:
            assert a.words.codes.tobytes() == b.words.codes.tobytes()


@pytest.mark.parametrize(
    "change",
    [
        {"name": "netvlad"},
        {"colour": True},
        {"sift": None},
        {"sift": {"max_points": 0}},
        {"sift": {"max_point": 10}},
        {"sift": {"long_side_px": "large"}},
    ],
    ids=str,
)
def test_a_wrong_spec_is_a_gallery_error(change: dict[str, object]) -> None:
    spec, resources = stored(learn_encoder(PHOTOS, SMALL))
    with pytest.raises(GalleryError, match="again"):
        encoder_from({**spec, **change}, resources)


def test_a_spec_without_features_is_a_gallery_error() -> None:
    spec, resources = stored(learn_encoder(PHOTOS, SMALL))
    del spec["sift"]
    with pytest.raises(GalleryError, match="sift"):
        encoder_from(spec, resources)


@pytest.mark.parametrize("name", RESOURCES)
def test_a_missing_resource_is_a_gallery_error(name: str) -> None:
    spec, resources = stored(learn_encoder(PHOTOS, SMALL))
    assert list(resources) == list(RESOURCES)
    del resources[name]
    with pytest.raises(GalleryError, match=name):
        encoder_from(spec, resources)


@pytest.mark.parametrize("name", RESOURCES)
def test_a_misshapen_resource_is_a_gallery_error(name: str) -> None:
    spec, resources = stored(learn_encoder(PHOTOS, SMALL))
    # Fewer columns of a basis would only be another choice; fewer rows do not fit.
    by_rows = name in ("packing-basis", "vlad-whitening", "codebook-centres")
    resources[name] = resources[name][:-1] if by_rows else resources[name][..., :-1]
    with pytest.raises(GalleryError, match="again"):
        encoder_from(spec, resources)


def test_unknown_encoders_are_named_with_the_known() -> None:
    with pytest.raises(UsageError, match=r"'bovw'.*asmk.*vlad"):
        EncoderConfig(name="bovw")
