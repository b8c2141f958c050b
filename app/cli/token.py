"""`lectotype token`: tokens for writing over HTTP."""

import json

import click
from sqlalchemy import select

from app import compose
from app.runtime import clock, tokens
from app.runtime.context import Runtime
from app.runtime.errors import DomainError
from app.runtime.tokens import TokenRow


@click.group()
def token() -> None:
    """Make, revoke and list the tokens that writing needs."""


@token.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def create(name: str, as_json: bool) -> None:
    """Make a token named NAME and print its secret, which is shown only now."""
    runtime = _prepared()
    try:
        with runtime.db.begin() as session:
            secret = tokens.create(session, name, clock.now())
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps({"name": name, "token": secret}) if as_json else secret)


@token.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def revoke(name: str, as_json: bool) -> None:
    """Let the token named NAME open nothing any more."""
    runtime = _prepared()
    try:
        with runtime.db.begin() as session:
            tokens.revoke(session, name, clock.now())
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps({"name": name, "revoked": True}) if as_json else f"The token {name!r} is revoked.")


@token.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """Show which tokens there are; their secrets are not kept."""
    with _prepared().reads.begin() as session:
        rows = session.scalars(select(TokenRow).order_by(TokenRow.created_at)).all()
    found = [_shown(row) for row in rows]
    if as_json:
        click.echo(json.dumps(found))
        return
    for one in found:
        click.echo(f"{one['name']}  made {one['created']}" + (f", revoked {one['revoked']}" if one["revoked"] else ""))


def _shown(row: TokenRow) -> dict[str, str | None]:
    return {
        "name": row.name,
        "created": clock.iso(row.created_at),
        "revoked": clock.iso(row.revoked_at) if row.revoked_at else None,
    }


def _prepared() -> Runtime:
    runtime = compose.build()
    compose.prepare(runtime)
    return runtime
