"""``periplus data``: fetch a data set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from periplus.cli.guard import resumable
from periplus.cli.options import Json
from periplus.cli.text import counted, emit, safe, say, show, size_words, skips_json, tell_skipped
from periplus.errors import UsageError

if TYPE_CHECKING:
    from periplus.records import Skip
    from periplus.sources import DataSet, Fetched, Net, RemoteFile

TellBytes = Callable[[str, int, "int | None"], None]


@resumable
def data(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The data set; without, all are listed.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Fetch it into this folder.")
    ] = None,
    part: Annotated[
        list[str] | None,
        typer.Option(metavar="PART", help="Only this part, or some of its files, as in train:0-9. Repeatable."),
    ] = None,
    base_url: Annotated[
        str, typer.Option(metavar="URL", help="A mirror: the published paths are looked for below it.")
    ] = "",
    list_: Annotated[bool, typer.Option("--list", help="List the files; fetch nothing.")] = False,
    json: Json = False,
) -> int:
    """Fetch a data set, verify it and unpack it; without -o, tell what that would be.

    Files that are there are left alone, and one that was begun is continued.

    Example: periplus data roxford5k -o /data/roxford5k
    """
    from periplus.sources import DATA_SETS, Net, pending

    net = Net(base_url)
    if name is None:
        if output is not None or part:
            raise UsageError(f"Say which data set: {', '.join(DATA_SETS)}.")
        _tell_sets(DATA_SETS.values(), as_json=json)
        return 0
    chosen = _named(name)
    if output is None or list_:
        files = chosen.select(part or ["all"])
        missing = pending(files, output) if output is not None else files
        _tell_plan(chosen, files, missing, net, each=list_, as_json=json)
        return 0
    return _fetch(chosen, chosen.select(part or []), output, net, as_json=json)


def _named(name: str) -> DataSet:
    import difflib

    from periplus.sources import DATA_SETS

    if name not in DATA_SETS:
        close = difflib.get_close_matches(name.lower(), DATA_SETS, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise UsageError(f"There is no data set {name!r}.{hint} There are: {', '.join(DATA_SETS)}.")
    return DATA_SETS[name]


def _fetch(chosen: DataSet, files: Sequence[RemoteFile], folder: Path, net: Net, *, as_json: bool) -> int:
    """Say what will be fetched, fetch it, and tell of it."""
    from periplus.sources import fetch_files, pending

    missing = pending(files, folder)
    if missing:
        say(f"Fetching {_amount(missing)} of {chosen.title} into {folder}.")
        for line in chosen.terms:
            say(line)
    with _bytes_progress() as tell:
        fetched, skipped = fetch_files(files, folder, net, tell)
    if as_json:
        emit(_result(chosen, folder, fetched, skipped))
    else:
        _show_result(chosen, folder, fetched)
    tell_skipped(skipped, "member")
    return 1 if skipped else 0


def _result(chosen: DataSet, folder: Path, fetched: Sequence[Fetched], skipped: Sequence[Skip]) -> dict[str, object]:
    files = [
        {
            "path": one.path,
            "url": one.url,
            "bytes": one.size_bytes,
            "md5": one.md5,
            "verified": one.verified,
            "unpacked": one.unpacked,
            "fetched": one.fresh,
        }
        for one in fetched
    ]
    fresh = sum(one.size_bytes for one in fetched if one.fresh)
    told = {"name": chosen.name, "folder": str(folder), "terms": " ".join(chosen.terms), "bytes_fetched": fresh}
    return {**told, "files": files, "skipped": skips_json(skipped)}


def _show_result(chosen: DataSet, folder: Path, fetched: Sequence[Fetched]) -> None:
    fresh = [one for one in fetched if one.fresh]
    verified = sum(one.verified for one in fetched)
    there = len(fetched) - len(fresh)
    amount = f"{counted(len(fresh), 'file')} fetched ({size_words(sum(one.size_bytes for one in fresh))})"
    show(f"{folder}: {amount}, {there:,} there already, {verified:,} verified by a published MD5.")
    if unpacked := sum(one.unpacked or 0 for one in fetched):
        show(f"{counted(unpacked, 'file')} unpacked.")
    show(f"Read it as {chosen.name}:{folder}")


def _tell_sets(sets: Iterable[DataSet], *, as_json: bool) -> None:
    if as_json:
        told = [{"name": one.name, "title": one.title, "parts": _parts(one)} for one in sets]
        emit({"data_sets": told})
        return
    for one in sets:
        show(f"{one.name:<12} {size_words(_bytes(one.select(['all']))):>9}  {one.title}")
    say("Sizes are approximate. Nothing is fetched without a name and -o FOLDER.")


def _tell_plan(
    chosen: DataSet, files: Sequence[RemoteFile], missing: Sequence[RemoteFile], net: Net, *, each: bool, as_json: bool
) -> None:
    """What would be fetched."""
    gone = set(missing)
    if as_json:
        entries = [
            {"path": one.path, "url": net.address(one.url), "bytes_about": one.size_bytes, "missing": one in gone}
            for one in files
        ]
        told = {"name": chosen.name, "title": chosen.title, "terms": " ".join(chosen.terms), "parts": _parts(chosen)}
        emit({**told, "bytes_about": _bytes(missing), "files": entries})
        return
    show(chosen.title, strong=True)
    for line in chosen.terms:
        show(line, indent=2)
    if each:
        for one in files:
            there = "" if one in gone else " (there)"
            show(f"{size_words(one.size_bytes):>9}  {net.address(one.url)}{there}", indent=2)
    else:
        for part, entries_of in chosen.parts.items():
            show(f"--part {part:<8} {_amount(entries_of)}", indent=2)
    show(f"To fetch: {_amount(missing)}.", indent=2)
    say("Sizes are approximate. Nothing was fetched: name a folder with -o to do so.")


def _parts(chosen: DataSet) -> list[dict[str, object]]:
    return [{"part": part, "files": len(of), "bytes_about": _bytes(of)} for part, of in chosen.parts.items()]


def _amount(files: Sequence[RemoteFile]) -> str:
    return f"{counted(len(files), 'file')}, about {size_words(_bytes(files))}"


def _bytes(files: Sequence[RemoteFile]) -> int:
    return sum(file.size_bytes for file in files)


@contextmanager
def _bytes_progress() -> Iterator[TellBytes]:
    """A bar a file in bytes, on standard error, on a terminal only."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _path, _done, _total: None
        return
    from rich.markup import escape
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import TransferSpeedColumn as SpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), SpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, redirect_stdout=False, redirect_stderr=False) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(path: str, done: int, total: int | None) -> None:
            if path not in tasks:
                # One bar at a time: hundreds of archives would fill the screen.
                for before in tasks.values():
                    bars.remove_task(before)
                tasks.clear()
                tasks[path] = bars.add_task(escape(safe(path)), total=total)
            bars.update(tasks[path], completed=done, total=total)

        yield tell
