"""Galleries by a vision model: what they keep, what is asked of it, and what stays as it was without one."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from landmark_galleries import (
    TINY_ENCODER,
    deep_config,
    deep_gallery,
    first,
    gallery_photos,
    query_photos,
    tiny_network,
    vlad_gallery,
    words_gallery,
)
from numpy.typing import NDArray
from oracle_models import save_tiny
from PIL import Image

from periplus.encode import (
    EncoderConfig,
    ModelSpec,
    PictureEncoder,
    encoder_from,
    load_picture_encoder,
    open_picture_encoder,
)
from periplus.encode.encoder import k_means
from periplus.errors import CannotRunError, FingerprintError, UsageError
from periplus.features import extract_sift
from periplus.gallery import damaged_files, open_gallery
from periplus.photos import DEFAULT_LIMITS, read_gray, read_rgb
from periplus.pipeline import IndexConfig, OpenedGallery, deep_encoder, index, locate, open_for_search, pictures, search
from periplus.pipeline.pictures import read_views
from periplus.pipeline.query import Query, global_scores, read_query
from periplus.pipeline.reranking import Method, fusion_of, local_evidence, require_method
from periplus.records import Match
from periplus.rerank import (
    RerankConfig,
    chamfer_scores,
    fuse,
    match_candidates,
    pack_patches,
    seed_patch_scores,
    seed_sift_scores,
    seed_vlad,
    stack_patches,
    unpack_patches,
    vlad_scores,
)


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


@pytest.fixture(scope="session")
def opened(session: Path) -> OpenedGallery:
    return deep_gallery(session)


@pytest.fixture(scope="session")
def sees(session: Path) -> PictureEncoder:
    """The model by itself, without any gallery."""
    return open_picture_encoder(ModelSpec(str(tiny_network(session))))


@pytest.fixture(scope="session")
def asked(session: Path) -> list[Path]:
    return [Path(str(path)) for path in query_photos(session).catalog.column("path")]


@pytest.fixture(scope="session")
def query(opened: OpenedGallery, asked: list[Path]) -> Query:
    return read_query(asked[3], opened)


def path_of(opened: OpenedGallery, row: int) -> Path:
    return Path(str(opened.gallery.catalog.row(row)["path"]))


def colour(path: Path) -> NDArray[np.uint8]:
    return read_rgb(path, 4096).pixels


def test_its_vectors_are_the_models_own(opened: OpenedGallery, sees: PictureEncoder) -> None:
    assert (len(opened), opened.gallery.dim, opened.encoder.dim) == (48, sees.dim, sees.dim)
    whole = sees.encode([colour(path_of(opened, row)) for row in range(48)])
    np.testing.assert_allclose(opened.gallery.vectors.astype(np.float32), whole, rtol=2**-11, atol=2**-14)
    assert opened.gallery.arena_names == ("features", "patches", "vlad")
    assert damaged_files(opened.gallery) == []


def test_its_vlad_is_that_of_the_local_features(opened: OpenedGallery) -> None:
    sift = opened.encoder.config.sift
    for row in (0, 17, 47):
        features = extract_sift(read_gray(path_of(opened, row), sift.long_side_px).pixels, sift)
        wanted = opened.encoder.encode(features).vector
        stored = opened.gallery.blob("vlad", row).view(np.float16)
        np.testing.assert_array_equal(stored, wanted.astype(np.float16))
        assert abs(float(np.linalg.norm(wanted)) - 1) < 1e-5
        assert wanted.shape == (opened.encoder.vlad.dim,)


def test_its_patches_are_the_models_own(opened: OpenedGallery, sees: PictureEncoder) -> None:
    for row in (0, 17, 47):
        patches = sees.look(colour(path_of(opened, row)))[1]
        np.testing.assert_array_equal(opened.gallery.blob("patches", row), pack_patches(patches))
        again = unpack_patches(opened.gallery.blob("patches", row))
        assert (again * patches).sum(axis=1).min() > 0.99


def test_without_patches_none_are_kept(session: Path, tmp_path: Path) -> None:
    config = replace(deep_config(session), patches=False)
    index(first(gallery_photos(session), 8), tmp_path / "g", IndexConfig(encoder=config, jobs=1, calibration_photos=0))
    bare = open_for_search(tmp_path / "g")
    assert bare.gallery.arena_names == ("features", "vlad")
    with pytest.raises(UsageError, match=r"keeps no patches.*vision model and --patches"):
        require_method(bare, "patches")
    require_method(bare, "vlad")
    assert read_query(path_of(bare, 0), bare).patches is None


def test_a_query_is_seen_as_the_photos_were(opened: OpenedGallery, query: Query, asked: list[Path]) -> None:
    sees = load_picture_encoder(opened.encoder.config.model or {})
    np.testing.assert_allclose(query.vector, sees.encode([colour(asked[3])])[0], atol=1e-6)
    np.testing.assert_allclose(
        global_scores(query, opened), opened.gallery.vectors.astype(np.float32) @ query.vector, atol=1e-6
    )
    own = read_query(path_of(opened, 5), opened)
    np.testing.assert_allclose(own.encoded.vector, opened.gallery.blob("vlad", 5).view(np.float16), atol=1e-3)
    assert own.patches is not None
    cells = (own.patches * unpack_patches(opened.gallery.blob("patches", 5))).sum(axis=1)
    assert cells.min() > 0.99


def test_search_is_the_fused_formula(opened: OpenedGallery, query: Query, asked: list[Path]) -> None:
    scores = opened.gallery.vectors.astype(np.float32) @ query.vector
    rows = np.lexsort((np.arange(48), -scores))
    hits = search(asked[3], opened, 10, rerank="none")
    assert [hit.row for hit in hits] == rows[:10].tolist()
    np.testing.assert_allclose([hit.score for hit in hits], scores[rows[:10]], atol=1e-6)
    assert {hit.local_score for hit in hits} == {None}
    patches = stack_patches([unpack_patches(opened.gallery.blob("patches", row)) for row in range(48)])
    vlads = np.stack([opened.gallery.blob("vlad", row).view(np.float16) for row in range(48)])
    assert query.patches is not None
    found: dict[Method, NDArray[np.float32]] = {
        "vlad": vlad_scores(query.encoded.vector, vlads),
        "patches": chamfer_scores(query.patches, patches),
    }
    for method, local in found.items():
        wanted = 0.3 * scores + 0.7 * local
        order = np.lexsort((np.arange(48), -wanted))[:10]
        hits = search(asked[3], opened, 10, rerank=method, weight=0.3)
        assert [hit.row for hit in hits] == order.tolist()
        np.testing.assert_allclose([hit.score for hit in hits], wanted[order], atol=1e-5)
        np.testing.assert_allclose([hit.local_score or 0.0 for hit in hits], local[order], atol=1e-5)
        assert {hit.match for hit in hits} == {None}
    hits = search(asked[3], opened, 10, weight=0.3)
    matches = {hit.row: hit.match for hit in hits}
    inliers = np.array([match.score for match in _matched(query, opened)], np.float32)
    wanted = fuse(scores, inliers, 0.3)
    assert list(matches) == np.lexsort((np.arange(48), -wanted))[:10].tolist()
    assert all(match is not None and match.row == row for row, match in matches.items())


def _matched(query: Query, opened: OpenedGallery) -> list[Match]:
    return match_candidates(query.features, range(48), [opened.features(row) for row in range(48)], RerankConfig())


def test_an_own_photo_finds_itself_first(opened: OpenedGallery) -> None:
    for method in ("none", "sift", "vlad", "patches"):
        best = search(path_of(opened, 30), opened, 1, rerank=method)[0]
        assert best.row == 30, method


def test_it_locates_and_is_calibrated(opened: OpenedGallery, asked: list[Path]) -> None:
    """The model ranks all 48 photos, geometry verifies them: what it finds stands at the landmark."""
    assert opened.calibration.queries == 10
    fixes = [locate(photo, opened).fix for photo in asked]
    for landmark in range(6):
        for fix in fixes[2 * landmark : 2 * landmark + 2]:
            assert abs(fix.lat_deg - (48 + landmark / 10)) < 0.01
            assert fix.evidence[0].match is not None


def test_a_changed_model_is_refused(session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_network(session), folder)
    encoder = replace(TINY_ENCODER, name="deep", model=deep_encoder(str(folder)).model)
    config = IndexConfig(encoder=encoder, jobs=1, calibration_photos=0)
    index(first(gallery_photos(session), 6), tmp_path / "g", config)
    small = open_for_search(tmp_path / "g")
    photo = path_of(small, 0)
    assert search(photo, small, 1, rerank="none")[0].row == 0
    shutil.rmtree(folder)
    save_tiny("resnet", folder, seed=1)
    monkeypatch.setattr(pictures, "_loaded", {})
    with pytest.raises(FingerprintError, match=r"model is not the encoder that was used.*index the photos again"):
        search(photo, small, 1)
    with pytest.raises(FingerprintError):
        index(first(gallery_photos(session), 7), tmp_path / "g", config)
    assert len(open_gallery(tmp_path / "g")) == 6
    shutil.rmtree(folder)
    with pytest.raises(CannotRunError, match=r"no model's folder .*model"):
        search(photo, small, 1)


def test_a_model_is_loaded_once(opened: OpenedGallery) -> None:
    model = opened.encoder.model or {}
    assert pictures.picture_encoder(model) is pictures.picture_encoder(dict(model))


def test_a_folder_is_named_from_the_root(session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(session)
    config = deep_encoder("tiny-resnet", {"flip": True, "scales": [1.0, 0.5]}, patches=True)
    model: Any = (config.model or {})["model"]
    assert (model["name"], model["flip"], model["scales"]) == (str(tiny_network(session)), True, [1.0, 0.5])
    assert (config.name, config.patches) == ("deep", True)
    plain = deep_encoder("tiny-resnet").model
    assert plain == {**deep_config(session).model}  # type: ignore[dict-item]
    assert config.model is not None
    assert plain is not None
    assert config.model["fingerprint"] != plain["fingerprint"]
    with pytest.raises(UsageError, match="no option 'flipp': did you mean 'flip'"):
        deep_encoder("tiny-resnet", {"flipp": True})
    with pytest.raises(UsageError, match="No model 'tiny-resnot'"):
        deep_encoder("tiny-resnot")


def test_the_specification_of_a_deep_gallery_is_complete(opened: OpenedGallery, session: Path) -> None:
    """What is on disk makes the same encoder again, and its fingerprint covers model and patches."""
    assert opened.encoder.config == deep_config(session)
    spec, arrays = opened.encoder.spec(), opened.encoder.resources()
    assert encoder_from(spec, arrays).fingerprint == opened.gallery.fingerprint
    assert opened.gallery.fingerprint.startswith("deep-")
    assert encoder_from({**spec, "patches": False}, arrays).fingerprint != opened.gallery.fingerprint
    other = {**spec["model"], "fingerprint": "other"}  # type: ignore[dict-item]
    assert encoder_from({**spec, "model": other}, arrays).fingerprint != opened.gallery.fingerprint


def ramp(*shape: int) -> NDArray[np.float32]:
    return (np.arange(np.prod(shape), dtype=np.float32) % 17 / 17 - 0.5).reshape(shape).astype(np.float32)


@pytest.mark.parametrize(("name", "known"), [("asmk", "asmk-a7104ed460b46dd7"), ("vlad", "vlad-f1589fa23d74338a")])
def test_weight_free_galleries_keep_their_fingerprints(name: str, known: str) -> None:
    """As they were before there were vision models: galleries of then open now, and the other way round."""
    spec = {
        "name": name,
        "sift": {"long_side_px": 640, "max_points": 1500, "contrast_threshold": 0.015},
        "packed_dim": 40,
        "codebook_size": 4096,
        "vlad_centroids": 64,
        "vlad_dim": 256,
        "sample_descriptors": 120_000,
        "seed": 0,
    }
    shapes = {
        "packing-mean": (128,),
        "packing-basis": (128, 4),
        "vlad-centroids": (2, 4),
        "vlad-mean": (8,),
        "vlad-whitening": (8, 3),
        "codebook-centres": (5, 4),
        "codebook-means": (5, 128),
    }
    encoder = encoder_from(spec, {key: ramp(*shape) for key, shape in shapes.items()})
    assert encoder.spec() == spec
    assert encoder.config == EncoderConfig(name=name)
    assert encoder.fingerprint == known


def test_weight_free_galleries_keep_what_they_kept(session: Path) -> None:
    words, vlad = words_gallery(session), vlad_gallery(session)
    assert (words.gallery.arena_names, vlad.gallery.arena_names) == (("features", "words"), ("features",))
    assert "model" not in words.gallery.encoder
    with pytest.raises(UsageError, match="keeps no patches"):
        require_method(words, "patches")


def test_a_configuration_without_its_model_is_refused() -> None:
    with pytest.raises(UsageError, match="'deep' needs a model"):
        EncoderConfig(name="deep")
    with pytest.raises(UsageError, match="'asmk' has no model"):
        EncoderConfig(model={"kind": "picture"})
    with pytest.raises(UsageError, match="Patches are a vision model's"):
        EncoderConfig(patches=True)


ROWS = np.array([40, 3, 3 + 8, 0], np.int64)


def test_geometry_is_the_evidence_of_sift(opened: OpenedGallery, query: Query) -> None:
    evidence = local_evidence(query, ROWS, opened, "sift")
    wanted = match_candidates(query.features, ROWS.tolist(), [opened.features(row) for row in ROWS], RerankConfig())
    np.testing.assert_array_equal(evidence.scores, np.array([match.score for match in wanted], np.float32))
    assert evidence.matches is not None
    assert [match.row for match in evidence.matches] == ROWS.tolist()


def test_cosines_are_the_evidence_of_vlad(opened: OpenedGallery, query: Query, session: Path) -> None:
    stored = np.stack([opened.gallery.blob("vlad", row).view(np.float16) for row in ROWS.tolist()])
    found = local_evidence(query, ROWS, opened, "vlad")
    np.testing.assert_allclose(found.scores, vlad_scores(query.encoded.vector, stored), atol=1e-6)
    assert found.matches is None
    words = words_gallery(session)
    own = read_query(path_of(opened, 2), words)
    stored = np.stack([words.gallery.vector(row) for row in ROWS.tolist()])
    np.testing.assert_allclose(
        local_evidence(own, ROWS, words, "vlad").scores, vlad_scores(own.encoded.vector, stored), atol=1e-6
    )


def test_patches_are_compared_both_ways_or_as_first_published(opened: OpenedGallery, query: Query) -> None:
    stack = stack_patches([unpack_patches(opened.gallery.blob("patches", row)) for row in ROWS.tolist()])
    assert query.patches is not None
    right, seed = (local_evidence(query, ROWS, opened, "patches", formula).scores for formula in ("right", "seed"))
    np.testing.assert_array_equal(right, chamfer_scores(query.patches, stack))
    np.testing.assert_array_equal(seed, seed_patch_scores(query.patches, stack))
    with pytest.raises(UsageError, match="without patches"):
        local_evidence(replace(query, patches=None), ROWS, opened, "patches")


def test_sift_and_vlad_as_first_published(opened: OpenedGallery, query: Query) -> None:
    stored = [opened.features(row).descriptors for row in ROWS.tolist()]
    np.testing.assert_array_equal(
        local_evidence(query, ROWS, opened, "sift", "seed").scores,
        seed_sift_scores(query.features.descriptors, stored),
    )
    centroids = k_means(np.concatenate([opened.features(row).descriptors for row in range(48)]), 16, seed=0)
    own = seed_vlad(query.features.descriptors, centroids)
    wanted = [float(seed_vlad(one, centroids) @ own) for one in stored]
    np.testing.assert_allclose(local_evidence(query, ROWS, opened, "vlad", "seed").scores, wanted, atol=1e-6)


def test_no_candidates_are_no_evidence(opened: OpenedGallery, query: Query) -> None:
    none = np.zeros(0, np.int64)
    for method in ("sift", "vlad", "patches"):
        for formula in ("right", "seed"):
            assert local_evidence(query, none, opened, method, formula).scores.shape == (0,)


def test_each_formula_has_its_fusion() -> None:
    globally, local = np.array([0.9, 0.3], np.float32), np.array([0.2, 45.0], np.float32)
    methods: tuple[Method, ...] = ("sift", "vlad", "patches")
    half = np.array([[0.5 + 0.5 * 0.2 / 30, 0.5 / 3 + 0.5], [0.55, 22.65], [0.55, 22.65]])
    for method, wanted in zip(methods, half, strict=True):
        np.testing.assert_allclose(fusion_of(method, "right", 0.5)(globally, local), wanted, rtol=1e-6)
    seed: dict[Method, list[float]] = {"sift": [0.76, 9.24], "vlad": [1.1, 45.3], "patches": [0.48, 27.12]}
    for method, values in seed.items():
        np.testing.assert_allclose(fusion_of(method, "seed", 0.1)(globally, local), np.array(values), rtol=1e-6)
    with pytest.raises(UsageError, match="lies in"):
        fusion_of("vlad", "right", 1.1)


def test_a_box_is_cut_out_before_anything_else(tmp_path: Path, opened: OpenedGallery) -> None:
    rng = np.random.default_rng(0)
    soft = rng.uniform(0, 255, (40, 50, 3)).astype(np.float32)
    picture = np.asarray(cv2.resize(soft, (500, 400), interpolation=cv2.INTER_CUBIC)).clip(0, 255).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "whole.png")
    Image.fromarray(picture[50:351, 20:421]).save(tmp_path / "part.png")
    box = (20.0, 50.4, 420.2, 351.0)
    views = read_views(tmp_path / "whole.png", 640, DEFAULT_LIMITS, colour=True, box=box)
    plain = read_views(tmp_path / "part.png", 640, DEFAULT_LIMITS, colour=True)
    assert views.colour is not None
    assert plain.colour is not None
    np.testing.assert_array_equal(views.colour, picture[50:351, 20:421])
    np.testing.assert_array_equal(plain.colour, views.colour)
    assert np.abs(views.gray.astype(int) - plain.gray.astype(int)).max() <= 1
    small = read_views(tmp_path / "whole.png", 200, DEFAULT_LIMITS, colour=False, box=box)
    assert (small.gray.shape, small.colour) == ((150, 200), None)
    whole, part = (read_query(tmp_path / "whole.png", opened, box=box), read_query(tmp_path / "part.png", opened))
    np.testing.assert_allclose(whole.vector, part.vector, atol=1e-6)
    with pytest.raises(UsageError, match="lies outside"):
        read_query(tmp_path / "whole.png", opened, box=(600.0, 0.0, 700.0, 10.0))


def test_bad_photos_are_skipped_and_blank_ones_kept(session: Path, tmp_path: Path) -> None:
    scan = first(gallery_photos(session), 6)
    paths = [str(path) for path in scan.catalog.column("path")]
    Image.new("RGB", (64, 48), (90, 140, 200)).save(tmp_path / "blank.png")
    (tmp_path / "cut.jpg").write_bytes(Path(paths[1]).read_bytes()[:300])
    paths[1:3] = [str(tmp_path / "cut.jpg"), str(tmp_path / "blank.png")]
    table = scan.catalog.table
    changed = table.set_column(table.column_names.index("path"), table.schema.field("path"), [paths])
    config = IndexConfig(encoder=deep_config(session), jobs=1, calibration_photos=0)
    result = index(replace(scan, catalog=replace(scan.catalog, table=changed)), tmp_path / "g", config)
    assert (result.added, [skip.kind for skip in result.skipped]) == (5, ["damaged"])
    kept = open_for_search(tmp_path / "g")
    row = [str(path) for path in kept.gallery.catalog.column("path")].index(paths[2])
    assert not kept.gallery.blob("vlad", row).view(np.float16).any()
    assert abs(float(np.linalg.norm(kept.gallery.vector(row).astype(np.float32))) - 1) < 2e-3
    assert locate(paths[2], kept).fix.abstained == "the photo shows no structure to compare (is it blank?)"
    assert search(paths[2], kept, 1, rerank="patches")[0].row == row


def test_a_codebook_brings_its_model(session: Path, tmp_path: Path, opened: OpenedGallery) -> None:
    config = IndexConfig(codebook=opened.gallery.path, jobs=1, calibration_photos=0)
    index(first(gallery_photos(session), 5), tmp_path / "g", config)
    taken = open_for_search(tmp_path / "g")
    assert taken.gallery.fingerprint == opened.gallery.fingerprint
    np.testing.assert_array_equal(taken.gallery.vectors, opened.gallery.vectors[:5])


@pytest.mark.slow
def test_workers_make_the_same_gallery(session: Path, tmp_path: Path, opened: OpenedGallery) -> None:
    config = IndexConfig(codebook=opened.gallery.path, jobs=2, calibration_photos=0)
    index(gallery_photos(session), tmp_path / "g", config)
    made = open_gallery(tmp_path / "g")
    assert (made.fingerprint, made.content_digest) == (opened.gallery.fingerprint, opened.gallery.content_digest)
    np.testing.assert_array_equal(made.vectors, opened.gallery.vectors)
    for name in opened.gallery.arena_names:
        for row in range(48):
            np.testing.assert_array_equal(made.blob(name, row), opened.gallery.blob(name, row))
