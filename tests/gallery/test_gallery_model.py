"""A gallery behaves like an ordered dictionary, whatever is done to it in whatever order."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from periplus.gallery import GalleryWriter, create_gallery, open_gallery

photos = st.sampled_from([f"p{i}" for i in range(8)])
contents = st.tuples(st.integers(0, 2000), st.binary(max_size=5), st.sampled_from([None, 1, 2.5, "x"]))
Content = tuple[int, bytes, object]


class GalleryMachine(RuleBasedStateMachine):
    """The model is a dictionary: the order of its keys is the order of the rows."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(os, "fsync", lambda descriptor: None)
        self.root = Path(tempfile.mkdtemp())
        self.model: dict[str, Content] = {}
        create_gallery(self.root / "g", encoder={}, fingerprint="f", dim=2)
        self.writer = GalleryWriter(self.root / "g")

    @initialize(batch=st.dictionaries(photos, contents))
    def fill(self, batch: dict[str, Content]) -> None:
        """Start with something."""
        self.commit(batch, set())

    @rule(batch=st.dictionaries(photos, contents, max_size=4), gone=st.sets(photos, max_size=3))
    def commit(self, batch: dict[str, Content], gone: set[str]) -> None:
        """Add, replace and remove at once."""
        segment = self.writer.begin_segment()
        for photo, (number, blob, note) in batch.items():
            row: dict[str, object] = {"id": photo, "content_hash": str(number), "note": note}
            segment.add(row, np.full(2, number), {"words": blob} if blob else {})
        outgoing = self.model.keys() & (gone | batch.keys())
        assert self.writer.commit(segment, gone) == len(outgoing)
        self.model = {k: v for k, v in self.model.items() if k not in outgoing} | batch

    @rule(gone=st.sets(photos, max_size=4))
    def remove(self, gone: set[str]) -> None:
        """Remove."""
        assert self.writer.remove(gone) == len(gone & self.model.keys())
        self.model = {k: v for k, v in self.model.items() if k not in gone}

    @rule(rows=st.integers(1, 5))
    def compact(self, rows: int) -> None:
        """Rewrite."""
        self.writer.compact(rows)
        gallery = open_gallery(self.root / "g")
        assert gallery.manifest.rows == len(self.model)

    @rule()
    def reopen(self) -> None:
        """Another process goes on."""
        self.writer.begin_segment()
        self.writer.close()
        self.writer = GalleryWriter(self.root / "g")

    @invariant()
    def is_like_the_model(self) -> None:
        """All that can be read is what was written."""
        gallery = open_gallery(self.root / "g")
        assert gallery.catalog.ids == list(self.model)
        assert len(self.writer) == len(gallery) == len(self.model)
        assert all(photo in self.writer for photo in self.model)
        numbers = [[number] * 2 for number, _, _ in self.model.values()]
        assert gallery.vectors.tolist() == numbers
        assert [r for _, block in gallery.vectors_blocks() for r in block.tolist()] == numbers
        firsts = [first for first, _ in gallery.vectors_blocks()]
        assert firsts == np.cumsum([0, *(len(b) for _, b in gallery.vectors_blocks())])[:-1].tolist()
        for i, (number, blob, note) in enumerate(self.model.values()):
            assert gallery.vector(i).tolist() == [number] * 2
            assert "words" not in gallery.arena_names or gallery.blob("words", i).tobytes() == blob
            found = gallery.catalog.column("note")[i]
            assert (found is None) == (note is None)
            texts = (note, str(note), "1.0") if note == 1 else (note, str(note))
            assert found in texts

    def teardown(self) -> None:
        """Leave nothing."""
        self.writer.close()
        self.patch.undo()
        shutil.rmtree(self.root)


TestGalleryMachine = GalleryMachine.TestCase
TestGalleryMachine.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)
