"""Who asks: the only reader of credentials, and the one answer to whether somebody may do something.

A principal has roles, each over a collection. A role includes those before it: reader, annotator, reviewer, curator,
administrator. Services are handed the principal as `by`, and record its name with what they change.
"""

import getpass
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, get_args
from urllib.parse import unquote

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.runtime import context
from app.runtime.context import Runtime
from app.runtime.errors import Forbidden, Invalid, NotAllowed
from app.runtime.tokens_table import TokenRow

Role = Literal["reader", "annotator", "reviewer", "curator", "administrator"]
ROLES: tuple[Role, ...] = get_args(Role)
Action = Literal["see", "annotate", "judge", "curate", "administer"]
LEAST: dict[Action, Role] = {
    "see": "reader",  # what is closed, and every pixel of what is reduced
    "annotate": "annotator",  # write, replace and withdraw statements of people
    "judge": "reviewer",
    "curate": "curator",  # access, runs, and the record of changes
    "administer": "administrator",
}
ALL = "all"
LONGEST_COLLECTION = 255


class Held(Protocol):
    """Whatever belongs to a collection; the codes are empty where its source gave none."""

    @property
    def institution_code(self) -> str: ...
    @property
    def collection_code(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Grant:
    """A role over one collection: `institution` alone, or with `collection` one of that institution. ALL is every one."""

    role: Role
    institution: str = ALL
    collection: str = ""

    @classmethod
    def parse(cls, role: str, name: str) -> "Grant":
        """`all`, `BR` or `BR/HERB`; a slash or percent sign in a code is written as in an IRI (%2F, %25). Raises Invalid."""
        if role not in ROLES:
            raise Invalid(f"A role is one of {', '.join(ROLES)}, not {role[:40]!r}.", parameter="role")
        institution, slash, collection = name.partition("/")
        if not institution or (slash and not collection) or "/" in collection or len(name) > LONGEST_COLLECTION:
            raise Invalid(f"A collection is named all, INSTITUTION or INSTITUTION/COLLECTION, not {name[:40]!r}.")
        return cls(role, unquote(institution), unquote(collection))

    def covers(self, thing: Held | None) -> bool:
        """Whether the thing lies in the collection; None stands for the hub as a whole, which only ALL covers."""
        if self.institution == ALL:
            return True
        if thing is None or thing.institution_code != self.institution:
            return False
        return self.collection in ("", thing.collection_code)


@dataclass(frozen=True, slots=True)
class Principal:
    """A token, a run, the system, the operator at the command line, or nobody (whose name is empty).

    `refused` says why the credentials that were sent do not hold; then there are no grants.
    """

    name: str
    grants: tuple[Grant, ...] = ()
    refused: str = ""

    @classmethod
    def of_run(cls, key: str) -> "Principal":
        """A run of the analysis, which sees and states whatever it has to."""
        return cls(key, (Grant("curator"),))

    @classmethod
    def of_system(cls) -> "Principal":
        """The hub itself, for what nobody asked for."""
        return cls("system", (Grant("administrator"),))

    @classmethod
    def of_operator(cls) -> "Principal":
        """Whoever uses the command line, who can read the database and the files anyway."""
        try:
            return cls(f"operator:{getpass.getuser()}"[:100], (Grant("administrator"),))
        except (KeyError, OSError):  # a container may run under a number that has no name
            return cls("operator", (Grant("administrator"),))

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(grant.role for grant in self.grants)

    @property
    def collections(self) -> frozenset[tuple[str, str]]:
        """The collections over which it has a role, as (institution, collection)."""
        return frozenset((grant.institution, grant.collection) for grant in self.grants)

    def granted(self, action: Action) -> tuple[Grant, ...]:
        """The grants that allow the action."""
        least = ROLES.index(LEAST[action])
        return tuple(grant for grant in self.grants if ROLES.index(grant.role) >= least)


NOBODY = Principal("")


def reader_of(thing: Held) -> Principal:
    """Who sees what all see that may see the thing."""
    return Principal("reader", (Grant("reader", thing.institution_code, thing.collection_code),))


def may(by: Principal, action: Action, thing: Held | None = None) -> bool:
    """Whether the principal may do this to that; without a thing, to the hub as a whole."""
    return any(grant.covers(thing) for grant in by.granted(action))


def require(by: Principal, action: Action, thing: Held | None = None) -> None:
    """Raises NotAllowed (401) where nobody is known to ask, and Forbidden (403) where who asks may not."""
    if may(by, action, thing):
        return
    if not by.name:
        raise NotAllowed(by.refused or "This needs a token: send Authorization: Bearer …, made by `lectotype token create`.")
    where = "" if thing is None else " in this collection"
    raise Forbidden(f"This needs the role {LEAST[action]}{where}, which the token {by.name!r} does not have.")


def of_request() -> Principal:
    """Who sends the request that Flask handles now; NOBODY where no token is sent."""
    return of_authorization(context.current(), request.headers.get("Authorization", ""))


def of_writer() -> Principal:
    """The same, of a request that changes something. Raises NotAllowed for nobody, before anything else is looked at."""
    by = of_request()
    if not by.name:
        raise NotAllowed(by.refused or "Writing needs a token: send Authorization: Bearer …, made by `lectotype token create`.")
    return by


def of_authorization(runtime: Runtime, header: str) -> Principal:
    """Who sends that value of Authorization (RFC 6750). A token that does not hold is nobody, with the reason.

    Other schemes are not ours: a proxy in front may ask for a password of its own.
    """
    secret = _bearer(header)
    if not secret:
        return NOBODY
    with runtime.reads.begin() as session:
        return of_secret(session, secret, runtime.clock())


def sends(token: str) -> bool:
    """Whether the request that Flask handles now bears just this token, which is one of the settings; no database is asked."""
    return hmac.compare_digest(_bearer(request.headers.get("Authorization", "")).encode(), token.encode())


def _bearer(header: str) -> str:
    """The token in a value of Authorization (RFC 6750, section 2.1); empty where it has none."""
    scheme, _, secret = header.partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def of_secret(session: Session, secret: str, at: datetime) -> Principal:
    """Who has the token with that secret."""
    row = session.scalar(select(TokenRow).where(TokenRow.digest == digest(secret)))
    if row is None or row.revoked_at is not None:
        return Principal("", refused="This token is unknown or was revoked.")
    if row.expires_at is not None and row.expires_at <= at:
        return Principal("", refused="This token has expired.")
    return Principal(row.name, tuple(Grant.parse(row.role, name) for name in row.collections))


def digest(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
