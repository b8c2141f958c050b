"""`lectotype dump`: all that is public, as files for who wants the whole."""

import json
from dataclasses import asdict

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from app import compose
from app.discovery import dump as dumps


@click.command("dump")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def dump(as_json: bool) -> None:
    """Write all public things as N-Quads and JSON Lines into the data folder, where /dumps gives them out.

    Run it at night. The newest three are kept.
    """
    runtime = compose.build()
    compose.prepare(runtime)
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=Console(stderr=True, quiet=as_json)) as bar:
        task = bar.add_task("dump")
        made = dumps.write(runtime, lambda number: bar.update(task, description=f"{number:,} things"))
    if as_json:
        click.echo(json.dumps(asdict(made), indent=1))
        return
    kinds = ", ".join(f"{count:,} {kind}s" for kind, count in made.things.items())
    click.echo(f"{dumps.folder_of(runtime) / made.name}: {made.triples:,} triples of {kinds or 'nothing'}.")
    if made.unreadable:
        click.echo(f"{made.unreadable:,} cannot be read as RDF and are in {dumps.LINES} alone.")
