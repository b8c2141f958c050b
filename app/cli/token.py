"""`lectotype token`: tokens for what not everybody may do over HTTP."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click
from sqlalchemy import select

from app import compose
from app.runtime import clock, tokens
from app.runtime.context import Runtime
from app.runtime.errors import DomainError
from app.runtime.principal import ALL, ROLES, Principal, Role
from app.runtime.tokens_table import TokenRow


@click.group()
def token() -> None:
    """Make, revoke and list tokens."""


@token.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="annotator", show_default=True, help="Each includes those before it.")
@click.option(
    "--collection",
    "collections",
    multiple=True,
    metavar="CODE",
    help="INSTITUTION or INSTITUTION/COLLECTION over which it has the role; may be repeated. Without it: all.",
)
@click.option("--expires", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]), help="When it expires (UTC). Default: never.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def create(name: str, role: Role, collections: Sequence[str], expires: datetime | None, as_json: bool) -> None:
    """Make a token named NAME and print its secret, which is shown only now.

    A reader sees what is closed. An annotator writes, too. Reviewers, curators and administrators can do more.
    """
    runtime = _prepared()
    try:
        with runtime.db.begin() as session:
            ends = expires.replace(tzinfo=UTC) if expires else None
            at, held = clock.now(), collections or (ALL,)
            secret = tokens.create(session, name, at, by=Principal.of_operator(), role=role, collections=held, expires_at=ends)
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps({"name": name, "token": secret}) if as_json else secret)


@token.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def revoke(name: str, as_json: bool) -> None:
    """Revoke the token named NAME."""
    runtime = _prepared()
    try:
        with runtime.db.begin() as session:
            tokens.revoke(session, name, clock.now(), by=Principal.of_operator())
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps({"name": name, "revoked": True}) if as_json else f"The token {name!r} is revoked.")


@token.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """List the tokens. Their secrets are not kept."""
    with _prepared().reads.begin() as session:
        rows = session.scalars(select(TokenRow).order_by(TokenRow.created_at)).all()
    found = [_shown(row) for row in rows]
    if as_json:
        click.echo(json.dumps(found))
        return
    for one in found:
        ends = "".join(f", {word} {one[name]}" for name, word in (("expires", "ends"), ("revoked", "revoked")) if one[name])
        click.echo(f"{one['name']}  {one['role']} of {', '.join(one['collections'])}, made {one['created']}{ends}")


def _shown(row: TokenRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "role": row.role,
        "collections": row.collections,
        "created": clock.iso(row.created_at),
        "expires": clock.iso(row.expires_at) if row.expires_at else None,
        "revoked": clock.iso(row.revoked_at) if row.revoked_at else None,
    }


def _prepared() -> Runtime:
    runtime = compose.build()
    compose.prepare(runtime)
    return runtime
