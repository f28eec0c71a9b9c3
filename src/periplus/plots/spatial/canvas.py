"""The canvas of a paper's figure: fonts, sizes and colours, and files that are the same at every run."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from periplus.errors import MissingExtraError, UsageError
from periplus.store import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMN_IN: Final = 3.5
"""Width of one column of a two-column paper, inches."""
PAGE_IN: Final = 7.2
"""Width of both columns."""
PNG_DPI: Final = 300
INK: Final = "#20303a"
SOFT: Final = "#66757f"
LINE: Final = "#d9dcdd"
PALETTE: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito (2008): told apart with every kind of colour vision."""
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
DASHES: Final = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (5, 1.2, 1.2, 1.2)))
FEW_PAIRS: Final = 30
"""An estimate from fewer pairs is drawn hollow or not at all: 30 to 50 are wanted since Journel, Huijbregts (1978)."""
SUFFIXES: Final = (".png", ".svg", ".pdf")
_FONT: Final = "DejaVu Sans"
_LONGEST: Final = 48
_STYLE: Final[dict[str, Any]] = {
    "axes.edgecolor": SOFT,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "axes.unicode_minus": True,
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
    "font.family": _FONT,
    "font.size": 7,
    "grid.color": LINE,
    "grid.linewidth": 0.4,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "legend.handlelength": 1.9,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.4,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "periplus",
    "text.color": INK,
    # A label is text, whatever dollars are in it.
    "text.parse_math": False,
    "xtick.color": SOFT,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 7,
    "xtick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "xtick.minor.size": 1.4,
    "xtick.minor.width": 0.4,
    "ytick.color": SOFT,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 7,
    "ytick.major.size": 2.5,
    "ytick.major.width": 0.6,
    "ytick.minor.size": 1.4,
    "ytick.minor.width": 0.4,
}
_NO_DATE: Final = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


@contextmanager
def drawing(width_in: float, height_in: float) -> Iterator[Figure]:
    """An empty figure in the house's style, which holds for what is drawn inside the block; then it is laid out.

    Matplotlib's own defaults are under it, so that nobody's ``matplotlibrc`` shows; pyplot is never imported.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    with _styled():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width_in, height_in), dpi=PNG_DPI, layout="constrained", facecolor="white")
        FigureCanvasAgg(figure)
        yield figure
        # Once and for all: every drawing would start from the layout before it, and end a little beside it.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")


def require_matplotlib() -> None:
    """Find out before long work whether figures can be drawn.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    with _styled():
        pass


def save_figure(figure: Figure, path: Path | str) -> None:
    """Write a figure as ``.png`` (300 dpi), ``.svg`` or ``.pdf``, whole or not at all; equal figures, equal bytes.

    Raises:
        UsageError: another suffix.
        CannotRunError: the file cannot be written.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"A figure is written as {', '.join(SUFFIXES)}, not as {target.suffix!r} ({target}).")
    data = _rendered(figure, suffix)
    with atomic_path(target) as temporary:
        temporary.write_bytes(data)


def figure_svg(figure: Figure) -> str:
    """A figure as an SVG document."""
    return _rendered(figure, ".svg").decode("utf-8")


def colours(number: int) -> tuple[str, ...]:
    """So many colours: Okabe and Ito's as far as they go, for more steps of viridis from dark to light."""
    if number <= len(PALETTE):
        return PALETTE[:number]
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return tuple(to_hex(colormaps["viridis"](0.94 * k / (number - 1))) for k in range(number))


def plain(label: str) -> str:
    """A label that can be drawn: one line, bounded, and a box for every character that the font does not have."""
    drawn = _characters()
    text = "".join(c if ord(c) in drawn else "\u25a1" for c in " ".join(label.split()))
    # Matplotlib takes a label that begins with an underscore for none.
    text = f" {text}" if text.startswith("_") else text
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _rendered(figure: Figure, suffix: str) -> bytes:
    out = io.BytesIO()
    with _styled():
        figure.savefig(out, format=suffix[1:], dpi=PNG_DPI, metadata=_NO_DATE[suffix])
    return out.getvalue()


@contextmanager
def _styled() -> Iterator[None]:
    try:
        from matplotlib import style
    except ImportError as error:
        raise MissingExtraError("Drawing a figure", "plots") from error
    with style.context(["default", _STYLE]):
        yield


@lru_cache(maxsize=1)
def _characters() -> frozenset[int]:
    """What the font can draw."""
    from matplotlib.font_manager import findfont
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(findfont(_FONT)).get_charmap())
