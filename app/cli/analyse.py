"""`lectotype run` and `lectotype runs`: have images analysed, see how far it is, and take a run back."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from analytics import selections, settling
from analytics import service as analytics
from analytics.model import RUN_STATES, TASK_STATES, Run, Selection
from analytics.views import task_json, to_json
from app import compose, resume
from app.runtime import clock, processes
from app.runtime.context import Runtime
from app.runtime.errors import DomainError
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@click.argument("pipeline", metavar="PIPELINE")
@click.option("--all", "all_", is_flag=True, help="All images; the default without these options.")
@click.option("--specimen", "specimens", multiple=True, help="Key of a specimen: all its images.")
@click.option("--media", "media_keys", multiple=True, help="Key of an image.")
@click.option("--query", help="Images of the specimens that this search finds now.")
@click.option("--again", is_flag=True, help="Also do what the same code, models and parameters did before.")
@click.option("--retry", is_flag=True, help="Try again what failed before.")
@click.option(
    "--seed", type=click.IntRange(0, analytics.SEEDS - 1), default=0, show_default=True, help="For steps that use random numbers."
)
@as_json_option
def run(
    pipeline: str,
    all_: bool,
    specimens: Sequence[str],
    media_keys: Sequence[str],
    query: str | None,
    again: bool,
    retry: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Run a pipeline over images. The workers do the work.

    The list of images is made now and kept. Images for which the same work was done before are skipped.
    """
    selection = _selection(specimens, media_keys, query, all_)
    runtime = compose.build()
    compose.prepare(runtime)
    with _domain_errors_shown():
        analytics.check(selection, seed)
        selections.check(runtime, selection)
        with runtime.db.begin() as session:
            resume.resume(session)
            opened = analytics.open_run(
                session,
                selection,
                pipeline,
                by=Principal.of_operator(),
                naan=runtime.settings.naan,
                at=runtime.clock(),
                seed=seed,
                again=again,
                retry=retry,
                process=processes.name(),
            )
        _settle(runtime, opened.key, "images listed", quiet=as_json)
    _tell(runtime, opened.key, as_json)


@click.group(invoke_without_command=True)
@click.option("--state", type=click.Choice(RUN_STATES), help="Only runs in this state; running means not yet ended.")
@click.option("--pipeline", default="", help="Only runs of this pipeline.")
@click.option("--media", "media_key", default="", help="Only runs over this image.")
@click.option("--specimen", default="", help="Only runs over an image of this specimen.")
@click.option("--limit", type=click.IntRange(1, 1000), default=30, show_default=True, help="Runs to list, newest first.")
@as_json_option
@click.pass_context
def runs(
    context: click.Context, state: str | None, pipeline: str, media_key: str, specimen: str, limit: int, as_json: bool
) -> None:
    """List runs, newest first; exit status 1 if one of those listed has failed. Subcommands show or change one run."""
    if context.invoked_subcommand is not None:
        return
    runtime = compose.build()
    compose.prepare(runtime)
    where: dict[str, Any] = {"state": state or "", "pipeline": pipeline, "media": media_key, "specimen": specimen}
    with runtime.reads.begin() as session:
        found = analytics.page(session, **where, limit=limit)
        total = analytics.count(session, **where)
    if as_json:
        addresses = runtime.addresses
        _print({"total": total, "items": [to_json(one, addresses, short=True) for one in found]})
    else:
        _list(found, total)
    sys.exit(1 if any(one.state == "failed" for one in found) else 0)


@runs.command()
@click.argument("key")
@click.option("--state", type=click.Choice(TASK_STATES), help="Only images in this state.")
@click.option("--after", default="", help="Continue after this image.")
@click.option("--limit", type=click.IntRange(1, 1000), default=30, show_default=True, help="Images to list.")
@as_json_option
def show(key: str, state: str | None, after: str, limit: int, as_json: bool) -> None:
    """Show one run and its images."""
    runtime = compose.build()
    compose.prepare(runtime)
    addresses = runtime.addresses
    with _domain_errors_shown(), runtime.reads.begin() as session:
        found = analytics.get(session, key)
        tasks = analytics.list_tasks(session, key, state=state or "", after=after, limit=limit)
        media = catalogue.media_by_key(session, [task.media_key for task in tasks])
    body = to_json(found, addresses)
    if as_json:
        _print(
            body | {"items": [task_json(task, media.get(task.media_key), addresses, Principal.of_operator()) for task in tasks]}
        )
        return
    for name in ("key", "state", "reason", "pipeline", "codeVersion", "selection", "tasks", "askedBy", "retractionReason"):
        if name in body:
            click.echo(f"{name}: {_plain(body[name])}")
    table = Table("image", "state", "steps", "because")
    for task in tasks:
        table.add_row(task.media_key, task.state, f"{task.done}/{len(task.steps)}", task.reason[:200])
    Console().print(table)


@runs.command()
@click.argument("key")
@as_json_option
def cancel(key: str, as_json: bool) -> None:
    """Cancel a run: nothing more of it begins. Steps under way finish."""
    _change(key, as_json, "tasks cancelled", lambda session, how: analytics.cancel(session, key, **how))


@runs.command()
@click.argument("key")
@click.option("--reason", required=True, help="The reason; everybody who asks for a withdrawn statement sees it.")
@as_json_option
def retract(key: str, reason: str, as_json: bool) -> None:
    """Withdraw everything that a run stated. Statements that people have changed since stay."""
    _change(key, as_json, "statements withdrawn", lambda session, how: analytics.retract(session, key, reason, **how))


@runs.command()
@click.argument("key")
@as_json_option
def restore(key: str, as_json: bool) -> None:
    """Restore everything that a retracted run stated, exactly as it was."""
    _change(key, as_json, "statements restored", lambda session, how: analytics.restore(session, key, **how))


def _selection(specimens: Sequence[str], media_keys: Sequence[str], query: str | None, all_: bool) -> Selection:
    if bool(specimens or media_keys) + (query is not None) + all_ > 1:
        raise click.UsageError("give --all, or --query, or --specimen and --media")
    if specimens or media_keys:
        return Selection("images", media=tuple(dict.fromkeys(media_keys)), specimens=tuple(dict.fromkeys(specimens)))
    return Selection("all") if query is None else Selection("query", query=query)


def _change(key: str, as_json: bool, what: str, change: Callable[[Any, Mapping[str, Any]], Run]) -> None:
    """Make the change, and all that follows from it, here; a worker would go on with what is left."""
    runtime = compose.build()
    compose.prepare(runtime)
    with _domain_errors_shown():
        with runtime.db.begin() as session:
            change(session, {"by": Principal.of_operator(), "at": runtime.clock()})
        _settle(runtime, key, what, quiet=as_json)
    _tell(runtime, key, as_json)


def _settle(runtime: Runtime, key: str, what: str, *, quiet: bool) -> None:
    columns = TextColumn("{task.completed:,.0f}"), TextColumn(what), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True, quiet=quiet)) as bar:
        task = bar.add_task(what, total=None)
        settling.settle(runtime, key, lambda number: bar.advance(task, number))


def _tell(runtime: Runtime, key: str, as_json: bool) -> None:
    with runtime.reads.begin() as session:
        run = analytics.get(session, key)
    if as_json:
        _print(to_json(run, runtime.addresses))
        return
    counts = ", ".join(f"{number:,} {state}" for state, number in run.counts.items() if number) or "no image"
    click.echo(f"Run {key} is {run.state}: {counts}.")
    if run.skipped and run.state != "retracted":
        click.echo("Skipped is what the very same code and models did before; --again does it all the same, --retry what failed.")


def _list(found: Sequence[Run], total: int) -> None:
    table = Table("run", "of", "state", "done", "failed", "begun", "because")
    for one in found:
        begun = clock.iso(one.started_at) if one.started_at else "waits"
        because = one.retraction_reason if one.state == "retracted" else one.reason
        of = one.selection.get("query") or one.selection.get("ingest") or one.selection["kind"]
        table.add_row(one.key, of, one.state, f"{one.done}/{one.images}", str(one.failed or ""), begun, because[:200])
    Console().print(table)
    click.echo(f"{len(found)} of {total} runs.")


@contextmanager
def _domain_errors_shown() -> Any:
    """Errors that a client may read end the command with their sentence."""
    try:
        yield
    except DomainError as error:
        raise click.ClickException(str(error)) from error


def _print(body: Any) -> None:
    click.echo(json.dumps(body, ensure_ascii=False, indent=2))


def _plain(value: Any) -> str:
    return ", ".join(f"{name} {_plain(one)}" for name, one in value.items()) if isinstance(value, dict) else str(value)
