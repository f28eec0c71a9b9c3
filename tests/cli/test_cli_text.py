"""What reaches a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.cli.text import counted, safe, size_words, status_of
from periplus.records import Skip


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [bold]name[/bold].jpg", "plain [bold]name[/bold].jpg"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x9b2J", "\\x9b2J"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
        ("\u2028\udcff", "\\u2028\\udcff"),
        ("שלום 👩\u200d🚒 café.jpg", "שלום 👩\u200d🚒 café.jpg"),
    ],
)
def test_safe(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(st.text(st.characters()))
def test_safe_is_one_printable_line(text: str) -> None:
    shown = safe(text)
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert safe(shown) == shown
    shown.encode()


def test_counted() -> None:
    assert [counted(n, "photo") for n in (0, 1, 1200)] == ["0 photos", "1 photo", "1,200 photos"]


def test_size_words() -> None:
    assert [size_words(n) for n in (0, 1234, 7.06e6, 3e9, 12e12)] == [
        "0.0 kB",
        "1.2 kB",
        "7.1 MB",
        "3.0 GB",
        "12,000.0 GB",
    ]


def test_status() -> None:
    skip = Skip("a", "b", "c")
    assert [status_of(0, []), status_of(1, []), status_of(1, [skip]), status_of(0, [skip])] == [0, 0, 1, 3]
