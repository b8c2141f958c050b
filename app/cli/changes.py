"""`lectotype changes`: who changed what, and when."""

import json

import click

from app import compose
from app.runtime import changes as recorded
from app.runtime import clock


@click.command()
@click.option("--kind", default="", help="Only changes of this kind of thing: annotation, media, specimen, token, run, ingest, …")
@click.option("--key", default="", help="Only changes of the thing with this key; needs --kind.")
@click.option("--by", default="", help="Only changes by this token, run or operator.")
@click.option("--before", type=click.IntRange(1), default=None, help="Only changes before the one with this number.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Changes to list, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def changes(kind: str, key: str, by: str, before: int | None, limit: int, as_json: bool) -> None:
    """List who changed what, newest first: annotations, access, depictions, runs, ingests and tokens."""
    if key and not kind:
        raise click.UsageError("--key needs --kind beside it.")
    runtime = compose.build()
    compose.prepare(runtime)
    with runtime.reads.begin() as session:
        found = recorded.page(session, kind=kind, key=key, by=by, before=before or 0, limit=limit)
    if as_json:
        click.echo(json.dumps([recorded.to_json(change) for change in found], ensure_ascii=False))
        return
    for change in found:
        version = f" version {change.version}" if change.version else ""
        details = "".join(f", {name} {value}" for name, value in change.details.items())
        click.echo(
            f"{change.id}  {clock.iso(change.at)}  {change.by}: {change.action} {change.kind} {change.key}{version}{details}"
        )
