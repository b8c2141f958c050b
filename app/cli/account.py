"""`lectotype account`: the people who may sign in."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from app import compose
from app.runtime import clock
from app.runtime.accounts import model, service, store
from app.runtime.accounts.model import Account
from app.runtime.context import Runtime
from app.runtime.errors import DomainError
from app.runtime.principal import ALL, ROLES, Grant, Principal, Role

LISTED_AT_ONCE = 500


@click.group()
def account() -> None:
    """Invite people, say what they may do, block, export and remove them."""


@account.command()
@click.argument("login", metavar="NAME")
@click.option("--role", type=click.Choice(ROLES), help="Each includes those before it. Without it: no role yet.")
@click.option("--collection", "collections", multiple=True, metavar="CODE", help="As for `account role`. Without it: all.")
@click.option("--name", default="", help="The name that others are shown; the person may change it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def create(login: str, role: Role | None, collections: Sequence[str], name: str, as_json: bool) -> None:
    """Invite somebody with the login name NAME: prints a link that holds for seven days, and once."""
    if collections and not role:
        raise click.UsageError("--collection needs --role beside it.")
    runtime = _prepared()
    with _changing(runtime) as (session, by, at):
        grants = [Grant.parse(role, code) for code in collections or (ALL,)] if role else []
        invited, code = service.invite(
            session, login, naan=runtime.settings.naan, at=at, by=by, name=name, grant=grants[0] if grants else None
        )
        for grant in grants[1:]:
            service.grant(session, invited.key, grant, at=at, by=by)
    link = join_address(runtime, code)
    click.echo(json.dumps({"key": invited.key, "login": invited.login, "link": link}) if as_json else link)


@account.command()
@click.argument("login", metavar="NAME")
def link(login: str) -> None:
    """Print another link for NAME, to set the password with. Earlier links open nothing any more."""
    runtime = _prepared()
    with _changing(runtime) as (session, by, at):
        code = service.new_link(session, _key(session, login), at=at, by=by)
    click.echo(join_address(runtime, code))


@account.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """List the accounts by login name, those that were removed left out."""
    found: list[Account] = []
    with _prepared().reads.begin() as session:
        while part := store.page(session, after=found[-1].login if found else "", limit=LISTED_AT_ONCE):
            found += part
    if as_json:
        click.echo(json.dumps([service.to_json(one) for one in found], ensure_ascii=False))
        return
    for one in found:
        held = ", ".join(f"{grant.role} of {grant.of}" for grant in one.grants) or "no role"
        click.echo(f"{one.login}  {one.state}, {held}  {one.name} ({one.key})")


@account.command()
@click.argument("login", metavar="NAME")
@click.argument("role", type=click.Choice((*ROLES, "none")))
@click.option("--collection", default=ALL, show_default=True, metavar="CODE", help="INSTITUTION or INSTITUTION/COLLECTION.")
def role(login: str, role: str, collection: str) -> None:
    """Give NAME that role over a collection, in place of the one it had there; `none` takes it away."""
    with _changing(_prepared()) as (session, by, at):
        key = _key(session, login)
        if role == "none":
            service.withdraw(session, key, Grant.parse("reader", collection).of, at=at, by=by)
        else:
            service.grant(session, key, Grant.parse(role, collection), at=at, by=by)
    click.echo(f"{login} has the role {role} over {collection}." if role != "none" else f"{login} has no role over {collection}.")


@account.command()
@click.argument("login", metavar="NAME")
def block(login: str) -> None:
    """Let NAME sign in no more. What they said stays."""
    _each(login, service.block, "is blocked")


@account.command()
@click.argument("login", metavar="NAME")
def unblock(login: str) -> None:
    """Let NAME sign in again."""
    _each(login, service.unblock, "may sign in again")


@account.command()
@click.argument("login", metavar="NAME")
def export(login: str) -> None:
    """Print all that the hub has of NAME: one JSON document a line, first the account, then each change that it made."""
    with _prepared().reads.begin() as session:
        for line in service.exported(session, _key(session, login), at=clock.now(), by=Principal.of_operator()):
            click.echo(json.dumps(line, ensure_ascii=False))


@account.command()
@click.argument("login", metavar="NAME")
@click.confirmation_option(prompt="This cannot be taken back. Remove the account?", help="Do not ask.")
def remove(login: str) -> None:
    """Remove all that says who NAME is, for good. What they said stays, under a pseudonym."""
    _each(login, service.remove, "is removed")


def join_address(runtime: Runtime, code: str) -> str:
    """The link with that code, which browsers do not send to any server before it is used: it stands behind the #."""
    return f"{runtime.settings.base_url}/join#{code}"


def _each(login: str, change: Callable[..., Any], done: str) -> None:
    with _changing(_prepared()) as (session, by, at):
        change(session, _key(session, login), at=at, by=by)
    click.echo(f"{login} {done}.")


def _key(session: Session, login: str) -> str:
    row = store.by_login(session, model.folded(login))
    if row is None:
        raise click.ClickException(f"There is no account with the login name {login!r}.")
    return row.key


@contextmanager
def _changing(runtime: Runtime) -> Iterator[tuple[Session, Principal, datetime]]:
    """A transaction of the operator's, whose errors are sentences."""
    try:
        with runtime.db.begin() as session:
            yield session, Principal.of_operator(), clock.now()
    except DomainError as error:
        raise click.ClickException(str(error)) from error


def _prepared() -> Runtime:
    runtime = compose.build()
    compose.prepare(runtime)
    return runtime
