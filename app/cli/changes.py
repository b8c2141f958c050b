"""`lectotype changes`: who changed what, and when."""

import json
from typing import IO, Any

import click

from annotations.proposals import export
from app import compose
from app.runtime import changes as recorded
from app.runtime import clock
from app.runtime.principal import Principal


@click.group(invoke_without_command=True)
@click.option("--kind", default="", help="Only changes of this kind of thing: annotation, media, specimen, token, run, ingest, …")
@click.option("--key", default="", help="Only changes of the thing with this key; needs --kind.")
@click.option("--by", default="", help="Only changes by this token, run or operator.")
@click.option("--before", type=click.IntRange(1), default=None, help="Only changes before the one with this number.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Changes to list, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def changes(called: click.Context, kind: str, key: str, by: str, before: int | None, limit: int, as_json: bool) -> None:
    """List who changed what, newest first: annotations, access, depictions, runs, ingests and tokens.

    `changes export` writes what was accepted into the records of an institution.
    """
    if called.invoked_subcommand is not None:
        return
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


@changes.command("export")
@click.option("--institution", required=True, help='The institution code of the records; "" for records without one.')
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "json", "jsonl"]),
    default="csv",
    show_default=True,
    help="A table, or annotations.",
)
@click.option(
    "--output", type=click.File("w", encoding="utf-8"), default="-", help="The file to write; without it, the terminal."
)
def export_changes(institution: str, form: str, output: IO[str]) -> None:
    """Write the changes that stand in the records of an institution, with who accepted them, so that they can go home."""
    runtime = compose.build()
    compose.prepare(runtime)
    how: Any = {"by": Principal.of_operator(), "addresses": runtime.addresses}
    if form == "csv":
        written = export.as_csv(runtime.reads, institution, **how)
    elif form == "jsonl":
        written = export.as_lines(runtime.reads, institution, **how)
    else:
        written = export.as_page(runtime.reads, institution, f"{runtime.addresses.base}/api/changes", **how)
    for piece in written:
        output.write(piece)
