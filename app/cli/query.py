"""`lectotype query`: saved questions."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import click

from annotations.saved import service
from annotations.saved.service import Saved
from app import compose
from app.runtime import clock
from app.runtime.context import Runtime
from app.runtime.errors import DomainError
from app.runtime.principal import Principal


@click.group()
def query() -> None:
    """Save, list, change and delete saved questions."""


@query.command()
@click.argument("title")
@click.argument("question")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def save(title: str, question: str, as_json: bool) -> None:
    """Save QUESTION, the query of an address of the search page (q=quercus&country=Portugal), as TITLE."""
    runtime, by = _prepared(), Principal.of_operator()
    with _plain_errors(), runtime.db.begin() as session:
        saved = service.save(session, title, question, by=by, naan=runtime.settings.naan, at=runtime.clock())
    _print(saved, runtime, as_json=as_json)


@query.command()
@click.argument("key")
@click.argument("title")
@click.argument("question")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def change(key: str, title: str, question: str, as_json: bool) -> None:
    """Give the saved question KEY another TITLE or QUESTION, as a new version."""
    runtime, by = _prepared(), Principal.of_operator()
    with _plain_errors(), runtime.db.begin() as session:
        saved = service.change(session, key, title, question, by=by, at=runtime.clock())
    _print(saved, runtime, as_json=as_json)


@query.command("list")
@click.option("--owner", help="Whose questions; without it those saved at the command line.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(owner: str | None, as_json: bool) -> None:
    """List the saved questions of one owner."""
    runtime, after = _prepared(), ""
    found: list[Saved] = []
    with runtime.reads.begin() as session:
        while page := service.of_owner(session, owner or Principal.of_operator().name, after=after, limit=500):
            found += page
            after = page[-1].key
    if as_json:
        click.echo(json.dumps([_told(one, runtime) for one in found], ensure_ascii=False))
        return
    for one in found:
        click.echo(f"{one.key}  {one.title}\n  {one.question}")


@query.command()
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def delete(key: str, as_json: bool) -> None:
    """Delete the saved question KEY; its address then says so."""
    runtime = _prepared()
    with _plain_errors(), runtime.db.begin() as session:
        service.delete(session, key, by=Principal.of_operator(), at=runtime.clock())
    click.echo(json.dumps({"key": key, "deleted": True}) if as_json else f"{key} is deleted.")


def _prepared() -> Runtime:
    runtime = compose.build()
    compose.prepare(runtime)
    return runtime


def _print(saved: Saved, runtime: Runtime, *, as_json: bool) -> None:
    click.echo(json.dumps(_told(saved, runtime), ensure_ascii=False) if as_json else runtime.addresses.question(saved.key))


def _told(saved: Saved, runtime: Runtime) -> dict[str, Any]:
    dates = {"created_at": clock.iso(saved.created_at), "modified_at": clock.iso(saved.modified_at)}
    return {**asdict(saved), **dates, "page": runtime.addresses.question(saved.key)}


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except DomainError as error:
        raise click.ClickException(str(error)) from error
