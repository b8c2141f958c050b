"""`lectotype dataset`: freeze what answers a question, compare and prove versions, withdraw them."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from annotations.datasets import differences, drafts, freezing, service, verifying
from annotations.datasets.model import COUNTED, KINDS, LAYERS, POLICIES, Dataset, Version
from annotations.states.derive import STATES
from app import compose
from app.runtime import clock
from app.runtime.context import Runtime
from app.runtime.errors import DomainError
from app.runtime.principal import Principal

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
LISTED = 50


@click.group()
def dataset() -> None:
    """Make, renew, compare, prove and withdraw datasets."""


@dataset.command()
@click.argument("title")
@click.option("--query", "q", default="", help="What is searched for; without it, everything.")
@click.option("--type", "counted", type=click.Choice(COUNTED), default="specimen", show_default=True, help="What is searched.")
@click.option("--description", default="", help="What it is, and what for.")
@click.option("--creator", "creators", multiple=True, help='Who is cited: "Name" or "Name <ORCID iD>". May be repeated.')
@click.option("--keyword", "keywords", multiple=True, help="May be repeated.")
@click.option("--kind", type=click.Choice(KINDS), default="corpus", show_default=True, help="A benchmark may hide labels.")
@click.option("--annotations/--no-annotations", default=True, help="Whether annotations go along.")
@click.option("--annotation-kind", "kinds", multiple=True, help="Only annotations of that kind: label, ruler, … May be repeated.")
@click.option("--layer", "layers", multiple=True, type=click.Choice(LAYERS), help="Only what machines or people say.")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only annotations in that state.")
@click.option("--run", "runs", multiple=True, help="Only annotations of that run.")
@click.option("--min-confidence", type=click.FloatRange(0, 1), help="Only annotations that are so sure, or say nothing of it.")
@click.option("--policy", type=click.Choice(POLICIES), default="any", show_default=True, help="Which licences go in.")
@click.option("--licence", default="CC0", show_default=True, help="That of the compilation, apart from the pictures'.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of the splits.")
@click.option("--split", "shares", multiple=True, metavar="NAME=SHARE", help="May be repeated. Usual: train, validation, test.")
@click.option("--hide", "hidden", multiple=True, metavar="SPLIT", help="Of a benchmark: give no labels of that split out.")
@as_json_option
def create(title: str, as_json: bool, **said: Any) -> None:
    """Make a dataset called TITLE and freeze its first version."""
    runtime, by = _prepared(), Principal.of_operator()
    with _plain_errors():
        draft = drafts.draft_of(_draft(title, said))
        with runtime.db.begin() as session:
            made = service.create(session, draft, by=by, naan=runtime.settings.naan, at=clock.now())
        try:
            version = _freeze(runtime, made.key, as_json)
        except DomainError:
            click.echo(
                f"The dataset {made.key} is there without a version: `lectotype dataset update {made.key}` tries again.", err=True
            )
            raise
    _tell(runtime, made.key, version, as_json)


def _draft(title: str, said: dict[str, Any]) -> dict[str, Any]:
    """What was said, as the API is told it."""
    selection = {
        "q": said["q"],
        "type": said["counted"],
        "annotations": said["annotations"],
        **{name: list(said[name]) for name in ("kinds", "layers", "states", "runs")},
        "minConfidence": said["min_confidence"],
    }
    split: dict[str, Any] = {"seed": said["seed"], "hidden": list(said["hidden"])}
    if said["shares"]:
        split["shares"] = [_share(one) for one in said["shares"]]
    return {
        "title": title,
        "creators": [_creator(one) for one in said["creators"]],
        "keywords": list(said["keywords"]),
        **{name: said[name] for name in ("description", "kind", "policy", "licence")},
        "selection": selection,
        "split": split,
    }


def _share(text: str) -> list[Any]:
    name, _, share = text.partition("=")
    try:
        return [name, float(share)]
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not NAME=SHARE, as train=0.8", param_hint="--split") from error


def _creator(text: str) -> dict[str, str]:
    name, _, orcid = text.partition("<")
    return {"name": name.strip(), "orcid": orcid.rstrip("> ")}


@dataset.command()
@click.argument("key")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json_option
def update(key: str, yes: bool, as_json: bool) -> None:
    """Ask the question of the dataset KEY again, and freeze the next version where something has changed."""
    runtime = _prepared()
    with _plain_errors():
        with runtime.reads.begin() as session:
            known = service.get(session, key)
        if not (yes or as_json or click.confirm(f"Freeze version {known.newest + 1} of {known.title!r}?")):
            return
        version = _freeze(runtime, key, as_json)
    _tell(runtime, key, version, as_json)


@dataset.command()
@click.argument("earlier")
@click.argument("later", required=False)
@as_json_option
def diff(earlier: str, later: str | None, as_json: bool) -> None:
    """What differs from version EARLIER (d1….v1) to LATER; without it, to the newest."""
    runtime = _prepared()
    with _plain_errors(), runtime.reads.begin() as session:
        key, number = service.split_key(earlier)
        other_key, other = service.split_key(later) if later else (key, 0)
        if other_key != key:
            raise click.ClickException("These are versions of two datasets.")
        newest = service.get(session, key).newest
        before, after = service.get_standing(session, key, number or newest), service.get_standing(session, key, other or newest)
        found = differences.compare(session, before, after)
    told = {"from": before.number, "to": after.number, **found.to_json()}
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    click.echo(f"{before.name} → {after.name}")
    for what in ("images", "annotations"):
        click.echo(f"{what}: +{told[what]['added']} −{told[what]['removed']}, {told[what]['changed']} changed")
    click.echo(f"moved between splits: {found.moved}; licences changed: {found.licences}")
    if found.classes_added:
        click.echo(f"classes added: {', '.join(found.classes_added)}")
    for one in found.listed[:LISTED]:
        what = f" ({', '.join(one.what)})" if one.what else ""
        click.echo(f"  {one.how} {one.of} {one.key}{what}")


@dataset.command()
@click.argument("name")
@click.option("--deep", is_flag=True, help="Read every file.")
@as_json_option
def verify(name: str, deep: bool, as_json: bool) -> None:
    """Prove that version NAME (d1….v1) is what was frozen; exit status 1 names each fault."""
    runtime = _prepared()
    with _plain_errors():
        key, number = service.split_key(name)
        with runtime.reads.begin() as session:
            number = number or service.get(session, key).newest
        found = list(verifying.verify(runtime, key, number, deep=deep))
    faults = [one for one in found if one.fault]
    if as_json:
        told = [{"key": one.key, "sentence": one.sentence, "fault": one.fault} for one in found]
        click.echo(json.dumps({"version": f"{key}.v{number}", "sound": not faults, "findings": told}))
    else:
        for one in found:
            click.echo(f"{'fault' if one.fault else 'withheld'}: {f'{one.key}: ' if one.key else ''}{one.sentence}")
        click.echo(f"{key}.v{number}: {f'{len(faults)} faults' if faults else 'sound'}.")
    sys.exit(1 if faults else 0)


@dataset.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; it is told for ever.")
@as_json_option
def withdraw(name: str, reason: str, as_json: bool) -> None:
    """Give nothing of version NAME (d1….v1) out any more; what it was stays told."""
    runtime = _prepared()
    with _plain_errors(), runtime.db.begin() as session:
        key, number = service.split_key(name)
        number = number or service.get(session, key).newest
        gone = service.withdraw(session, key, number, reason, by=Principal.of_operator(), at=clock.now())
    click.echo(json.dumps(service.version_json(gone, runtime.addresses)) if as_json else f"{gone.name} is withdrawn.")


@dataset.command("list")
@as_json_option
def list_(as_json: bool) -> None:
    """List all datasets with their newest versions, those frozen last first."""
    runtime = _prepared()
    for one, version in _all(runtime):
        if as_json:
            click.echo(json.dumps({**service.to_json(one, runtime.addresses), "version": version.number}, ensure_ascii=False))
            continue
        counted = version.summary
        click.echo(
            f"{version.name}  {version.state}  {counted['images']} images, {counted['annotations']} annotations  {one.title}"
        )


def _all(runtime: Runtime) -> Iterator[tuple[Dataset, Version]]:
    after, more = "", True
    while more:
        with runtime.reads.begin() as session:
            found: Sequence[tuple[Dataset, Version]] = service.page(session, after=after, limit=LISTED)
        yield from found
        more = len(found) == LISTED
        after = found[-1][0].key if found else ""


def _freeze(runtime: Runtime, key: str, quiet: bool) -> Version | None:
    columns = (TextColumn("{task.description}"), TextColumn("{task.completed:,.0f}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as progress:
        tasks: dict[str, Any] = {}

        def note(stage: str, done: int) -> None:
            task = tasks[stage] if stage in tasks else tasks.setdefault(stage, progress.add_task(stage, total=None))
            progress.update(task, completed=done)

        return freezing.freeze(runtime, key, by=Principal.of_operator(), progress=note)


def _tell(runtime: Runtime, key: str, version: Version | None, as_json: bool) -> None:
    if as_json:
        told = service.version_json(version, runtime.addresses) if version else {"dataset": key, "unchanged": True}
        click.echo(json.dumps(told, ensure_ascii=False))
    elif version is None:
        click.echo(f"Nothing has changed: the dataset {key} stays as it is.")
    else:
        counted = version.summary
        click.echo(f"{runtime.addresses.pid(version.name)}\n{counted['images']} images, {counted['annotations']} annotations.")
        for one in counted["leftOut"]:
            click.echo(f"left out: {one['images']} {one['reason']}")


def _prepared() -> Runtime:
    runtime = compose.build()
    compose.prepare(runtime)
    return runtime


@contextmanager
def _plain_errors() -> Iterator[None]:
    """An error that a person can act on, without a traceback."""
    try:
        yield
    except DomainError as error:
        raise click.ClickException(str(error)) from error
