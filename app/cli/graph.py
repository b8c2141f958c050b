"""`lectotype regraph` and `lectotype check-graph`: the graph that SPARQL is put to."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from app import compose
from app.discovery import graph
from ontology.graph_store import Differing

LISTED = 100  # differences that are printed one by one
WORDS = {"missing": "is not in the graph", "other": "says something else in the graph", "superfluous": "is in the graph alone"}


@contextmanager
def _progress(title: str, quiet: bool) -> Iterator[Callable[[int], None]]:
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=Console(stderr=True, quiet=quiet)) as bar:
        task = bar.add_task(title)
        yield lambda number: bar.update(task, description=f"{title}: {number:,} things")


@click.command("regraph")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def regraph(as_json: bool) -> None:
    """Write the graph of all public things anew, which /sparql is put to. Asking goes on meanwhile.

    Run it as often as the graph should follow what changes; what was closed since is in the graph until then.
    """
    runtime = compose.build()
    compose.prepare(runtime)
    with _progress("graph", as_json) as progress:
        made = graph.write(runtime, progress)
    if as_json:
        told = {"at": made.at.isoformat(), "things": made.things, "triples": made.triples, "unreadable": made.unreadable}
        click.echo(json.dumps(told))
        return
    kinds = ", ".join(f"{count:,} {kind}s" for kind, count in made.things.items())
    click.echo(f"{made.triples:,} triples of {kinds or 'nothing'}.")
    if made.unreadable:
        click.echo(f"{made.unreadable:,} cannot be read as RDF and are not in the graph.")


@click.command("check-graph")
@click.option("--json", "as_json", is_flag=True, help="Print what differs as JSON.")
def check_graph(as_json: bool) -> None:
    """Compare the graph with the database. Exit 0 where they agree, 1 where something differs, which `regraph` mends."""
    runtime = compose.build()
    differing, shown = 0, list[Differing]()
    with _progress("check", as_json) as progress:
        for one in graph.check(runtime, progress):
            differing += 1
            if len(shown) < LISTED:
                shown.append(one)
    if as_json:
        listed = [{"iri": one.iri, "how": one.how} for one in shown]
        click.echo(json.dumps({"differing": differing, "first": listed}))
    else:
        for one in shown:
            click.echo(f"{one.iri} {WORDS[one.how]}")
        click.echo(f"{differing:,} things differ.")
    raise SystemExit(1 if differing else 0)
