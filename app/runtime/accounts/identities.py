"""Who somebody is elsewhere: (issuer, subject) leads to an account. Nothing is ever joined by e-mail."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.runtime import changes, ids, sessions
from app.runtime.accounts import model, store
from app.runtime.accounts_table import AccountRow, IdentityRow
from app.runtime.errors import Conflict, Forbidden, Invalid, NotAllowed, NotFound
from app.runtime.principal import ROLES, Grant, Principal, of_account

ORCID = "https://orcid.org"


@dataclass(frozen=True, slots=True)
class Person:
    """What a provider says of somebody, as far as it is kept. `login` is a wish."""

    issuer: str
    subject: str
    login: str
    name: str
    email: str
    orcid: str

    @classmethod
    def of_claims(cls, issuer: str, subject: str, claims: Mapping[str, Any]) -> "Person":
        """Of an ID token's claims (OpenID Connect Core, 5.1). An address that was not verified is left out."""
        names = [
            claims.get("name"),
            f"{claims.get('given_name', '')} {claims.get('family_name', '')}",
            claims.get("preferred_username"),
        ]
        name = next((said for one in names if (said := " ".join(str(one or "").split()))), subject)
        email = str(claims.get("email", "")) if claims.get("email_verified") is True else ""
        orcid = subject if issuer.rstrip("/") == ORCID else ""
        wish = re.sub(r"[^\w.@+-]", "", model.folded(str(claims.get("preferred_username") or "")))
        clean = "".join(char for char in unicodedata.normalize("NFC", name) if char.isprintable())
        return cls(issuer[:255], subject[:255], wish[:50], clean[: model.LONGEST_NAME] or "?", _sound(email), orcid)


def key_of(session: Session, issuer: str, subject: str) -> str:
    """The key of the account; empty where there is none."""
    row = session.get(IdentityRow, (issuer[:255], subject[:255])) if subject else None
    return row.account_key if row else ""


def account_of(session: Session, person: Person, *, sign_up: bool, naan: str, at: datetime, address: str) -> str:
    """The key of the person's account, which is made where the provider may bring people in. Raises NotAllowed, Forbidden."""
    key = key_of(session, person.issuer, person.subject)
    if not key and not sign_up:
        raise Forbidden(
            "No account here is connected with this. Ask for an invitation, then connect it on the page of your account."
        )
    row = store.row_of(session, key, lock=True) if key else _made(session, person, naan, at, address)
    if row.state not in ("active", "invited"):
        raise NotAllowed("This account is blocked.")
    row.state, row.last_login_at = "active", at
    return row.key


def connect(session: Session, person: Person, *, by: Principal, at: datetime) -> None:
    """Who is signed in may from now on sign in so, too. Raises Conflict where somebody else does."""
    owner = key_of(session, person.issuer, person.subject)
    if owner and owner != by.account:
        raise Conflict("This identity is connected with another account here.")
    if not owner:
        _join(session, person, by.account, at)
        changes.record(session, by, "connect", "account", by.account, at=at, issuer=person.issuer)


def disconnect(session: Session, issuer: str, *, by: Principal, at: datetime) -> None:
    """Who is signed in signs in by that no more; sessions that began so end, but this one.

    Raises Forbidden, NotFound, and Conflict where nothing else would let them in.
    """
    if not by.session:
        raise Forbidden("This is done by the person themselves, signed in on the pages of the hub.")
    row = store.row_of(session, by.account, lock=True)
    held = store.identities(session, by.account)
    mine = [(known, subject) for known, subject in held if known == issuer]
    if not mine:
        raise NotFound("Your account is not connected with this.")
    if not row.password_hash and len(held) == len(mine):
        raise Conflict("Nothing else lets you in: ask an administrator for a link and set a password first.")
    for known, subject in mine:
        session.delete(session.get_one(IdentityRow, (known, subject)))
    sessions.end_of_identity(session, issuer, by.account, but=by.session)
    changes.record(session, by, "disconnect", "account", by.account, at=at, issuer=issuer)


def keep_roles(
    session: Session, key: str, claims: Mapping[str, Any], claim: str, roles: Mapping[str, str], *, at: datetime
) -> None:
    """Where a provider says what people may do, its word counts at each sign-in, over the collections that it speaks of.

    `claim` is the path of the claim, `roles` maps its values to a role and a collection. The highest role of each counts. Where
    that changes anything, the sessions of the account end.
    """
    mapped = {value: Grant.parse(*said.split(" ", 1)) for value, said in roles.items()}
    wanted: dict[str, Grant] = {}
    for value in _values(claims, claim):
        grant = mapped.get(value)
        if grant and (grant.of not in wanted or ROLES.index(wanted[grant.of].role) < ROLES.index(grant.role)):
            wanted[grant.of] = grant
    held = {grant.of: grant for grant in of_account(session, key)}
    changed = [one for one in sorted({grant.of for grant in mapped.values()}) if wanted.get(one) != held.get(one)]
    for collection in changed:
        grant = wanted.get(collection)
        if grant is None:
            store.drop_role(session, key, collection)
        else:
            store.put_role(session, key, grant)
        action, role = ("withdraw role", held[collection].role) if grant is None else ("grant", grant.role)
        changes.record(session, Principal.of_system(), action, "account", key, at=at, role=role, collection=collection)
    if changed:
        sessions.end_all(session, key)


def _values(claims: Mapping[str, Any], path: str) -> list[str]:
    """What stands at `realm_access.roles`: a list of texts, or one."""
    found: Any = claims
    for part in path.split(".") if path else ():
        found = found.get(part) if isinstance(found, Mapping) else None
    return [value for value in (found if isinstance(found, list) else [found]) if isinstance(value, str)]


def _made(session: Session, person: Person, naan: str, at: datetime, address: str) -> AccountRow:
    key = ids.new_key(ids.AGENT, naan)
    free = model.LOGIN.fullmatch(person.login) and store.by_login(session, person.login) is None
    row = AccountRow(
        key=key,
        login=person.login if free else key,
        name=person.name,
        email=person.email,
        orcid=person.orcid,
        state="active",
        created_at=at,
    )
    session.add(row)
    session.flush()
    _join(session, person, key, at)
    changes.record(session, Principal(key, account=key, address=address), "sign up", "account", key, at=at, issuer=person.issuer)
    return row


def _join(session: Session, person: Person, key: str, at: datetime) -> None:
    session.add(IdentityRow(issuer=person.issuer, subject=person.subject, account_key=key, created_at=at))
    session.flush()


def _sound(email: str) -> str:
    try:
        return model.email_of(email)
    except Invalid:
        return ""
