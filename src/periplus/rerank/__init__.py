"""From a ranking to a better one: by geometry, by a second vector, by patches, by the neighbours' neighbours."""

from periplus.rerank.diffusion import Diffusion, diffuse
from periplus.rerank.expansion import Expansion, augment_gallery, expand_queries, gallery_neighbours
from periplus.rerank.fuse import Fusion, as_is, by_largest, by_range, capped, fuse, fuse_ranking, weighted
from periplus.rerank.match import MatchConfig, Tentative, tentative_matches
from periplus.rerank.order import reordered
from periplus.rerank.patches import (
    MutualConfig,
    PatchStack,
    chamfer_scores,
    mutual_scores,
    pack_patches,
    stack_patches,
    unpack_patches,
)
from periplus.rerank.reciprocal import Reciprocal, k_reciprocal
from periplus.rerank.rerank import RerankConfig, match_candidates
from periplus.rerank.seed import (
    SEED_PATCHES,
    SEED_SIFT,
    SEED_VLAD,
    SEED_VLAD_WORDS,
    seed_patch_scores,
    seed_sift_scores,
    seed_vlad,
)
from periplus.rerank.superglobal import SuperGlobal, superglobal
from periplus.rerank.sweep import GRID, Sweep, sweep
from periplus.rerank.verify import VerifyConfig, verify
from periplus.rerank.vlad import vlad_scores

__all__ = [
    "GRID",
    "SEED_PATCHES",
    "SEED_SIFT",
    "SEED_VLAD",
    "SEED_VLAD_WORDS",
    "Diffusion",
    "Expansion",
    "Fusion",
    "MatchConfig",
    "MutualConfig",
    "PatchStack",
    "Reciprocal",
    "RerankConfig",
    "SuperGlobal",
    "Sweep",
    "Tentative",
    "VerifyConfig",
    "as_is",
    "augment_gallery",
    "by_largest",
    "by_range",
    "capped",
    "chamfer_scores",
    "diffuse",
    "expand_queries",
    "fuse",
    "fuse_ranking",
    "gallery_neighbours",
    "k_reciprocal",
    "match_candidates",
    "mutual_scores",
    "pack_patches",
    "reordered",
    "seed_patch_scores",
    "seed_sift_scores",
    "seed_vlad",
    "stack_patches",
    "superglobal",
    "sweep",
    "tentative_matches",
    "unpack_patches",
    "verify",
    "vlad_scores",
    "weighted",
]
