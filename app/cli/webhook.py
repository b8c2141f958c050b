"""`lectotype webhook`: other servers that are told what changes."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import click

from app import compose
from app.runtime import clock, events
from app.runtime.context import Runtime
from app.runtime.errors import DomainError
from app.runtime.principal import Principal
from app.webhooks import service


@click.group()
def webhook() -> None:
    """Make, revoke and list webhooks."""


@webhook.command()
@click.argument("url")
@click.option("--type", "types", multiple=True, type=click.Choice(events.TYPES), help="May be repeated. Without it: all.")
@click.option("--closed", is_flag=True, help="Tell of closed images, too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def create(url: str, types: Sequence[str], closed: bool, as_json: bool) -> None:
    """Have events sent to URL, and print the secret, which is shown only now."""
    runtime = _prepared()
    by, private = Principal.of_operator(), runtime.settings.webhook_private_addresses
    try:
        with runtime.db.begin() as session:
            made, secret = service.create(session, url, types, by=by, at=clock.now(), closed=closed, private=private)
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps({"key": made.key, "secret": secret}) if as_json else f"{made.key}\n{secret}")


@webhook.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """List the webhooks, the newest first. Their secrets are not shown."""
    runtime = _prepared()
    with runtime.reads.begin() as session:
        found = service.listed(session, by=Principal.of_operator())
    if as_json:
        click.echo(json.dumps([{**asdict(one), "made_at": clock.iso(one.made_at)} for one in found]))
        return
    for one in found:
        counts = f"{one.waiting} waiting, {one.dead} given up"
        click.echo(f"{one.key}  {one.state}  {one.url}  {counts}{f'  {one.stopped}' if one.stopped else ''}")


@webhook.command()
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def revoke(key: str, as_json: bool) -> None:
    """Send nothing more to the webhook KEY."""
    runtime = _prepared()
    try:
        with runtime.db.begin() as session:
            service.revoke(session, key, by=Principal.of_operator(), at=clock.now())
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps({"key": key, "revoked": True}) if as_json else f"The webhook {key} is revoked.")


@webhook.command()
@click.argument("key")
@click.argument("message", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def redeliver(key: str, message: int, as_json: bool) -> None:
    """Try the MESSAGE of the webhook KEY again."""
    runtime = _prepared()
    try:
        with runtime.db.begin() as session:
            service.redeliver(session, key, message, by=Principal.of_operator(), at=clock.now())
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps({"key": key, "message": message}) if as_json else f"Message {message} is tried again.")


def _prepared() -> Runtime:
    runtime = compose.build()
    compose.prepare(runtime)
    return runtime
