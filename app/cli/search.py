"""Searching from the command line, and keeping the index: made anew, compared with the database, repaired."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import Progress

from annotations.search import consistency, service
from app import compose
from app.runtime.context import Runtime
from app.runtime.errors import DomainError
from app.runtime.principal import Principal

LISTED = 100  # differences that are printed one by one


@click.command()
@click.argument("question", metavar="Q")
@click.option("--type", "kind", default="specimen", show_default=True, help=f"What to look for: {', '.join(service.TYPES)}.")
@click.option("--sort", default="", help="Field to sort by: year, or -year for backwards. Default: relevance.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Hits to show.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as /api/search answers.")
def search(question: str, kind: str, sort: str, limit: int, as_json: bool) -> None:
    """Find specimens or annotations: words, "phrases", prefix*, family:Fagaceae, year:1850..1900, length:50..90."""
    runtime = compose.build()
    asked = service.Question(q=question, type=kind, sort=sort, facets=(), size=limit, by=Principal.of_operator())
    with _plain_errors(), runtime.reads.begin() as session:
        found = service.search(session, runtime.search, asked, runtime.addresses)
    if as_json:
        click.echo(json.dumps({"total": found.total, "items": found.items}, ensure_ascii=False, indent=2))
        return
    for item in found.items:
        snippet = item["snippet"]
        where = f"  {snippet['before']}[{snippet['match']}]{snippet['after']}".replace("\n", " ") if snippet else ""
        click.echo(f"{item['label']}{where}\n  {item['page']}")
    click.echo(f"{found.total} found.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def reindex(as_json: bool) -> None:
    """Rebuild the search index from the database. Searching and writing continue meanwhile."""
    runtime = compose.build()
    with _plain_errors():
        with runtime.reads.begin() as session:
            total = consistency.count(session)
        with Progress(console=Console(stderr=True), disable=as_json) as progress, runtime.reads.begin() as session:
            task = progress.add_task("Indexing", total=total)
            addresses = runtime.addresses
            written = consistency.rebuild(session, runtime.search, addresses, lambda step: progress.advance(task, step))
    click.echo(json.dumps({"written": written}) if as_json else f"{written} documents indexed.")


@click.command("check-index")
@click.option("--repair", is_flag=True, help="Write what differs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check_index(repair: bool, as_json: bool) -> None:
    """Compare the search index with the database; exit status 1 if they still differ, or if the index is an old one."""
    runtime = compose.build()
    with _plain_errors():
        old = runtime.search.standing().state == "other"
        found = _differences(runtime)
        left = found
        if repair and found:
            with runtime.reads.begin() as session:
                consistency.repair(session, runtime.search, found, runtime.addresses)
            left = _differences(runtime)
    counted = Counter(difference.fault for difference in found)
    if as_json:
        listed = [{"key": difference.key, "fault": difference.fault} for difference in found]
        click.echo(json.dumps({"differences": listed, "left": len(left), "old": old}))
    else:
        for difference in found[:LISTED]:
            click.echo(f"{difference.fault}: {difference.key}")
        summary = ", ".join(f"{number} {fault}" for fault, number in sorted(counted.items())) or "nothing differs"
        click.echo(summary + (f"; {len(found) - len(left)} repaired" if repair and found else "") + ".")
        if left and repair:
            click.echo("What is left is newer in the index than in the database: run `lectotype reindex`.", err=True)
    if old:
        click.echo("The index is of another version: the relay makes it anew, or `lectotype reindex` does.", err=True)
    sys.exit(1 if left or old else 0)


def _differences(runtime: Runtime) -> list[consistency.Difference]:
    with runtime.reads.begin() as session:
        return list(consistency.differences(session, runtime.search))


@contextmanager
def _plain_errors() -> Iterator[None]:
    """An error that a person can act on, without a traceback."""
    try:
        yield
    except DomainError as error:
        raise click.ClickException(str(error)) from error
