"""The frame and the parts that the pages of spatial statistics share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from periplus.plots.audit_frame import AUDIT_SHEET
from periplus.plots.page import page_head
from periplus.plots.spatial.about import About
from periplus.plots.spatial.canvas import COLUMN_IN
from periplus.plots.spatial.inline_svg import inline_svg
from periplus.plots.svg import Markup, join, tag

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Told = Sequence[str]
"""Sentences."""
TELLS: Final = "What this tells"
_SHEET: Final = "spatial/spatial.css"


def page(about: About, lead: str, tiles: Sequence[tuple[str, str]], sections: Sequence[Markup]) -> str:
    """A whole page.

    Args:
        about: title, source and facts.
        lead: what was measured, in a sentence or two.
        tiles: numbers and what they are.
        sections: in their order.
    """
    shown = [tag("div", tag("b", number), tag("span", name), class_="tile") for number, name in tiles]
    head = [tag("h1", tag("bdi", about.title)), tag("p", tag("bdi", lead), class_="lead")]
    header = tag("header", *head, tag("div", *shown, class_="tiles"))
    foot = Markup(
        "<footer>Great-circle distances on a sphere of 6371.0088 km. No positions are in this page, only distances "
        "between photos; nothing here was sent anywhere.</footer>\n</body>\n</html>\n"
    )
    return page_head(about.title, AUDIT_SHEET, _SHEET) + join([header, *sections, foot])


def figure_sections(title: str, figure: Figure, words: tuple[str, str], told: Sequence[tuple[str, Told]]) -> Markup:
    """A figure and what it tells: beside it where it is narrow, in a section of its own where it is wide.

    Args:
        title: of the section.
        figure: what is shown.
        words: what a screen reader says, and how to read the figure.
        told: sentences about each thing shown, with its name; the name of a single one is not said.
    """
    narrow = figure.get_figwidth() <= COLUMN_IN
    svg = inline_svg(figure, "figure", words[0])
    picture = tag("figure", svg, tag("figcaption", words[1]), class_="paper narrow" if narrow else "paper")
    if narrow and len(told) == 1:
        beside = tag("div", tag("h3", TELLS), _list(told[0][1]))
        return tag("section", tag("h2", title), tag("div", picture, beside, class_="two wide"))
    parts = [tag("div", tag("h4", tag("bdi", name)) if len(told) > 1 else Markup(), _list(said)) for name, said in told]
    tells = tag("div", *parts, class_="two") if len(told) > 1 else parts[0]
    return join([tag("section", tag("h2", title), picture), tag("section", tag("h2", TELLS), tells)])


def _list(sentences: Told) -> Markup:
    return tag("ul", *(tag("li", sentence) for sentence in sentences), class_="told")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> Markup:
    """A table whose first ``words`` columns are words and whose others are numbers; it scrolls where it is wide."""
    kinds = [None if column < words else "number-cell" for column in range(len(head))]
    top = tag("tr", *(tag("th", name, class_=kind) for name, kind in zip(head, kinds, strict=True)))
    lines = [tag("tr", *(tag("td", cell, class_=kind) for cell, kind in zip(row, kinds, strict=True))) for row in rows]
    return tag("div", tag("table", tag("thead", top), tag("tbody", *lines)), class_="scroll")


def folded_section(title: str, parts: Sequence[tuple[str, Markup]]) -> Markup:
    """A section of one part, or of several that are opened by their names."""
    if len(parts) == 1:
        return tag("section", tag("h2", title), parts[0][1])
    folded = [tag("details", tag("summary", tag("bdi", name)), shown) for name, shown in parts]
    return tag("section", tag("h2", title), *folded)


def facts_section(about: About, facts: Mapping[str, str]) -> Markup:
    """How it was measured: ``facts``, then those of the page."""
    shown = dict(facts)
    if about.encoder:
        shown["Vectors"] = about.encoder
    shown["Source"] = about.source
    if about.seed is not None:
        shown["Seed"] = str(about.seed)
    rows = (join([tag("dt", name), tag("dd", tag("bdi", text))]) for name, text in {**shown, **about.facts}.items())
    return tag("section", tag("h2", "How it was measured"), tag("dl", *rows))
