"""`awal translate`: catalogues, their state, and the translator's sheet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.errors import AwalError
from gateway.cli.check import meant
from gateway.cli.common import Group, as_json, outside, project, write_json, write_table

if TYPE_CHECKING:
    from flows.load import Loaded
    from flows.model import Flow
    from gateway.translation.folder import Folder
    from gateway.translation.sheet import Change
    from gateway.translation.texts import Row

files_argument = click.argument("files", metavar="[FILE…]", nargs=-1, type=click.Path(path_type=Path))
segments_option = click.option(
    "--segments", type=click.IntRange(1), metavar="N", help="Call a text long over N SMS segments, not over one screen."
)


@click.group(cls=Group)
def translate() -> None:
    """Translate the project's flows: catalogues, what is missing, sheets for translators.

    The catalogues are `locales/LANGUAGE/LC_MESSAGES/flows.po`. Edit them with any gettext program, or export a sheet
    and import it again. Drafts (`fuzzy`) are not served; citizens read the next language of the fallback.

    \b
    Example:
        awal translate update
        awal translate status
    """


@translate.command()
@files_argument
def extract(files: tuple[Path, ...]) -> None:
    """Write every text of the flows into the template locales/flows.pot.

    A FILE may also be the id of a flow of the project.

    \b
    Example:
        awal translate extract
    """
    from gateway.translation.catalogues import template, written

    base = outside().directory
    found = template(meant(files), base)
    path = base / "locales" / "flows.pot"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(written(found, ""), "utf-8")
    click.echo(f"{path}: {len(found)} texts.")


@translate.command()
@click.argument("languages", nargs=-1, metavar="[LANGUAGE…]")
@click.option("--previous", is_flag=True, help="Keep the earlier words of a text that changed in a comment.")
def update(languages: tuple[str, ...], previous: bool) -> None:
    """Bring each language's catalogue up to date with the flows; translations are kept.

    A text that has changed keeps its translation as a draft. One that is gone goes to the file's end: conversations
    begun with it still read it. New texts take the words that are served for them already. Without LANGUAGE: all that
    the flows offer.

    \b
    Example:
        awal translate update ar --previous
    """
    folder = _folder()
    for tag in _tags(languages, folder.flows):
        _update(folder, tag, previous=previous)


@translate.command("compile")
@click.option("--mo", is_flag=True, help="Also write flows.mo beside each catalogue, for other gettext programs.")
@click.pass_context
def compile_(ctx: click.Context, mo: bool) -> None:
    """Say whether every catalogue can be read and keeps its slots. Awal itself reads the .po files as they are.

    \b
    Example:
        awal translate compile --mo
    """
    from gateway.translation.catalogues import machine, problems

    folder = outside().directory / "locales"
    found = sorted(folder.glob("*/LC_MESSAGES/flows.po"))
    if not found:
        raise AwalError(f"{folder}: holds no catalogue. Make them with: awal translate update")
    wrong = 0
    for path in found:
        told = list(problems(path, path.parent.parent.name))
        wrong += len(told)
        for line in told:
            click.echo(line)
        if mo and not told:
            path.with_suffix(".mo").write_bytes(machine(path))
    click.echo(f"{len(found)} catalogues, {wrong} problems. Awal reads .po files: no .mo is needed.", err=True)
    ctx.exit(1 if wrong else 0)


@translate.command()
@files_argument
@segments_option
@click.option("--list", "listed", is_flag=True, help="Also name each text that is missing, a draft, or long.")
@as_json
def status(files: tuple[Path, ...], segments: int | None, listed: bool, as_json: bool) -> None:
    """Say how far each flow is translated: reviewed, drafts, missing, too long, and the fallbacks served so far.

    Only what a person has written or reviewed counts as done. Too long is a text over one USSD screen (160 GSM-7
    letters, 70 otherwise), or over `--segments` SMS segments. A FILE may also be the id of a flow of the project.

    \b
    Example:
        awal translate status --list
        awal translate status water --segments 2
    """
    from gateway.translation.texts import counts

    found = _rows(files, segments)
    table = [
        {name: getattr(one, name) for name in ("flow", "language", "texts", "ok", "fuzzy", "missing", "long")}
        | {"coverage": one.coverage}
        for one in counts(found)
    ]
    fallbacks = _fallbacks()
    if as_json:
        write_json({"flows": table, "open": [_open(*one) for one in _unfinished(found)], "fallbacks": dict(fallbacks)})
        return
    if listed:
        for row, tag in _unfinished(found):
            cell = row.cells[tag]
            state = "long" if cell.long and cell.state in ("ok", "source") else cell.state
            click.echo(f"{row.file}:{row.line}: {tag}: {state}: {row.text.source}")
    columns = ("flow", "language", "texts", "ok", "fuzzy", "missing", "long", "coverage")
    write_table([row | {"coverage": f"{row['coverage']} %"} for row in table], columns, "No flow has a text.")
    for pair, count in sorted(fallbacks.items(), key=lambda one: -one[1]):
        asked, _, served = pair.partition(">")
        click.echo(f"Served in {served} to who reads {asked}: {count} texts.")


@translate.command()
@click.argument("page", type=click.Path(path_type=Path))
@segments_option
def side(page: Path, segments: int | None) -> None:
    """Write an HTML PAGE of every text side by side in fr, ar, zgh, zgh-Latn and ASCII, with what each costs.

    \b
    Example:
        awal translate side side.html
    """
    from gateway.translation.page import page as made
    from gateway.translation.texts import counts

    found = _rows((), segments)
    page.write_text(made(found, counts(found)), "utf-8")
    click.echo(f"{page}: {len(found)} texts.")


@translate.group(cls=Group)
def sheet() -> None:
    """Exchange texts with translators who work in a spreadsheet.

    \b
    Example:
        awal translate sheet export texts.csv
        awal translate sheet import texts.csv
    """


@sheet.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--flow", help="Only the texts of this flow.")
def export(file: Path, flow: str | None) -> None:
    """Write every text into FILE (CSV): side by side, each with units, segments and state.

    \b
    Example:
        awal translate sheet export texts.csv --flow water
    """
    from gateway.translation.sheet import exported

    found = [row for row in _rows((), None) if flow in (None, row.flow.id)]
    if not found:
        raise AwalError(f"there is no text of the flow {flow!r}. Name a flow of the project.")
    file.write_text(exported(found), "utf-8", newline="")
    click.echo(f"{file}: {len(found)} texts. Save it as CSV UTF-8, then: awal translate sheet import {file}")


@sheet.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--reviewed-by", default="", metavar="NAME", help="Native speaker who has read what changed.")
@click.option("--yes", is_flag=True, help="Write the changes into the catalogues.")
@click.pass_context
def import_(ctx: click.Context, file: Path, reviewed_by: str, yes: bool) -> None:
    """Show what the sheet FILE would change, and write it with --yes.

    A sheet with any mistake changes nothing. An empty cell takes no translation away. Amazigh stays a draft unless
    `--reviewed-by` names who has read it; a draft that is right as it stands is confirmed by `ok` in its state column.

    \b
    Example:
        awal translate sheet import texts.csv
        awal translate sheet import texts.csv --reviewed-by "Itto Amezian" --yes
    """
    from gateway.flowfiles import read
    from gateway.translation.sheet import planned

    name = " ".join(reviewed_by.split())
    plan = planned(read(file), _rows((), None), str(file), name)
    for change in plan.changes:
        click.echo(_shown(change))
    for problem in plan.problems:
        click.echo(problem, err=True)
    if plan.problems:
        raise AwalError(f"{file}: {len(plan.problems)} mistakes; nothing was written. Correct them and import again.")
    if yes and plan.changes:
        _write(plan.changes, name)
    done = "written" if yes else "to write: add --yes"
    emptied = f" {plan.emptied} emptied cells were left as they are." if plan.emptied else ""
    click.echo(f"{len(plan.changes)} changes {done}.{emptied}", err=True)
    ctx.exit(0)


def _shown(change: Change) -> str:
    from flows.encoding import segments

    before, after = segments(change.old) if change.old else 0, segments(change.new)
    cost = f" [{before} → {after} SMS]" if before != after else ""
    draft = " (draft)" if change.fuzzy else ""
    return f"line {change.line}: {change.text.context} {change.language}: {change.old!r} → {change.new!r}{cost}{draft}"


def _write(changes: Sequence[Change], reviewer: str) -> None:
    """Put changed words into the catalogues, which are brought up to date on the way."""
    from datetime import datetime

    review = f"{reviewer}, {datetime.now().astimezone().date().isoformat()}" if reviewer else ""
    folder = _folder()
    for tag in dict.fromkeys(change.language for change in changes):
        _update(folder, tag, previous=True)
        folder.write(tag, [change for change in changes if change.language == tag], review)


def _update(folder: Folder, tag: str, *, previous: bool) -> None:
    tally = folder.update(tag, previous=previous)
    parts = f"{tally.kept} kept, {tally.new} new, {tally.changed} changed (drafts), {tally.gone} gone"
    click.echo(f"{folder.path(tag)}: {parts}.", err=True)


def _folder() -> Folder:
    from gateway.translation.folder import Folder

    base = outside()
    return Folder(base.directory, base.texts, _loaded(()))


def _loaded(files: Iterable[Path]) -> list[Loaded]:
    """Return the flows meant; one that cannot be loaded is named and left out."""
    from gateway.flowfiles import load_all

    loaded = load_all(meant(files))
    for one in loaded:
        if one.flow is None:
            click.echo(f"{one.problems[0].line_text()} Its texts are left out.", err=True)
    return loaded


def _rows(files: Iterable[Path], segments: int | None) -> list[Row]:
    from gateway.translation.texts import rows

    base = outside()
    return list(rows(_loaded(files), base.texts, base.directory / "locales", segments))


def _tags(languages: Sequence[str], flows: Iterable[Flow]) -> list[str]:
    from flows.nearest import did_you_mean
    from locales.tags import MENU_ORDER

    for tag in languages:
        if tag not in MENU_ORDER:
            raise AwalError(f"there is no language {tag!r}. {did_you_mean(tag, list(MENU_ORDER))}")
    needed = {tag for flow in flows for tag in flow.languages if tag != flow.language}
    return list(languages) or [tag for tag in MENU_ORDER if tag in needed]


def _unfinished(found: Iterable[Row]) -> Iterable[tuple[Row, str]]:
    for row in found:
        for tag in row.flow.languages:
            cell = row.cells[tag]
            if cell.long or cell.state not in ("ok", "source"):
                yield row, tag


def _open(row: Row, tag: str) -> dict[str, object]:
    cell = row.cells[tag]
    size = cell.size
    return {
        "file": row.file,
        "line": row.line,
        "context": row.text.context,
        "language": tag,
        "state": cell.state,
        "long": cell.long,
        "units": size.units if size else 0,
        "segments": size.segments if size else 0,
    }


def _fallbacks() -> Mapping[str, int]:
    """Return how many texts each fallback served; none where no gateway has run here yet."""
    from gateway.settings import FILE
    from storage.open import is_postgres, store_path

    directory = outside().directory
    if not (directory / FILE).is_file():
        return {}
    opened = project(readonly=True)
    store = opened.settings.gateway.store
    if not is_postgres(store) and not store_path(store, directory).is_file():
        return {}
    return opened.store.fallbacks()
