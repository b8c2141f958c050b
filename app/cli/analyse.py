"""`lectotype run` and `lectotype runs`: have images analysed, and see how far it is."""

import json
import sys
from collections.abc import Iterator, Sequence
from itertools import islice

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from analytics import pipelines
from analytics import service as analytics
from analytics.model import Run
from analytics.views import to_json
from annotations.search import service as searching
from app import compose
from app.runtime import clock
from app.runtime.context import Runtime
from app.runtime.errors import DomainError
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media

PAGE = 500
STATES = ("running", "completed", "failed")


@click.command()
@click.argument("pipeline", metavar="PIPELINE")
@click.option("--specimen", "specimens", multiple=True, help="Key of a specimen, all of whose images are meant.")
@click.option("--media", "media_keys", multiple=True, help="Key of an image.")
@click.option("--query", help="Every image of the specimens that this search finds.")
@click.option("--json", "as_json", is_flag=True, help="For scripts: the runs.")
def run(pipeline: str, specimens: Sequence[str], media_keys: Sequence[str], query: str | None, as_json: bool) -> None:
    """Have a pipeline run over images; without options, over all. The workers do it.

    A pipeline's version runs over an image once: what has run, or is running, is left as it is.
    """
    runtime = compose.build()
    compose.prepare(runtime)
    opened: list[Run] = []
    try:
        pipelines.load(pipeline)
        for images in _images(runtime, specimens, media_keys, query):
            at = runtime.clock()
            with runtime.db.begin() as session:
                naan = runtime.settings.naan
                opened += [analytics.open_run(session, image, pipeline, naan=naan, at=at, retry=True) for image in images]
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        addresses = runtime.addresses
        click.echo(json.dumps([to_json(one, addresses, short=True) for one in opened], ensure_ascii=False, indent=2))
        return
    waiting = sum(one.state == "running" for one in opened)
    click.echo(f"{len(opened)} images: {waiting} to be analysed by {pipeline}, {len(opened) - waiting} were already.")


@click.command()
@click.option("--state", type=click.Choice(STATES), help="Only those; running means not ended yet.")
@click.option("--limit", type=click.IntRange(1, 1000), default=30, show_default=True, help="Runs to list, newest first.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def runs(state: str | None, limit: int, as_json: bool) -> None:
    """List runs, newest first; ends with 1 if one of those listed has failed."""
    runtime = compose.build()
    compose.prepare(runtime)
    with runtime.reads.begin() as session:
        found = analytics.page(session, state=state or "", limit=limit)
        total = analytics.count(session, state=state or "")
        names = _names(session, found)
    if as_json:
        addresses = runtime.addresses
        items = [to_json(one, addresses, short=True) for one in found]
        click.echo(json.dumps({"total": total, "items": items}, ensure_ascii=False, indent=2))
    else:
        _show(found, names, total)
    sys.exit(1 if any(one.state == "failed" for one in found) else 0)


def _images(
    runtime: Runtime, specimens: Sequence[str], media_keys: Sequence[str], query: str | None
) -> Iterator[tuple[Media, ...]]:
    """The images that are meant, in portions of one transaction each. Raises UnknownSpecimen, UnknownMedia."""
    if media_keys:
        with runtime.reads.begin() as session:
            images = tuple(catalogue.get_media(session, key) for key in media_keys)
        yield images
    for key in specimens:
        with runtime.reads.begin() as session:
            catalogue.get_specimen(session, key)
            images = catalogue.media_of(session, key)
        yield images
    if query is not None:
        yield from _found(runtime, query)
    elif not specimens and not media_keys:
        yield from _all(runtime)


def _found(runtime: Runtime, query: str) -> Iterator[tuple[Media, ...]]:
    keys = searching.keys(runtime.search, searching.Question(q=query, by=Principal.of_operator()))
    while batch := list(islice(keys, PAGE)):
        with runtime.reads.begin() as session:
            images = catalogue.media_of_many(session, batch)
        yield tuple(image for several in images.values() for image in several)


def _all(runtime: Runtime) -> Iterator[tuple[Media, ...]]:
    after = ""
    while True:
        with runtime.reads.begin() as session:
            images = catalogue.list_media(session, after=after, limit=PAGE)
        if not images:
            return
        yield images
        after = images[-1].key


def _names(session: Session, found: Sequence[Run]) -> dict[str, str]:
    specimens = catalogue.specimens_by_key(session, [one.specimen_key for one in found])
    return {key: specimen.catalog_number for key, specimen in specimens.items()}


def _show(found: Sequence[Run], names: dict[str, str], total: int) -> None:
    table = Table("run", "of", "state", "done", "begun", "because")
    for one in found:
        begun = clock.iso(one.started_at) if one.started_at else "waits"
        of = names.get(one.specimen_key, one.kind)
        table.add_row(one.key, of, one.state, f"{one.done}/{one.total}", begun, one.reason[:200])
    Console().print(table)
    click.echo(f"{len(found)} of {total} runs.")
