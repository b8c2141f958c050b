"""Who asks: the only reader of credentials, and the one answer to whether somebody may do something.

A principal has roles, each over a collection. A role includes those before it: reader, annotator, reviewer, curator,
administrator. Services are handed the principal as `by`, and record its name with what they change.

Tokens come in `Authorization`, on every address. The cookie of a session is read on addresses that ask `of_page` or
`of_page_writer`, and nowhere else.
"""

import getpass
import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Protocol, get_args
from urllib.parse import quote, unquote, urlsplit

from flask import g, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.runtime import context, sessions
from app.runtime.accounts_table import AccountRoleRow, AccountRow
from app.runtime.context import Runtime
from app.runtime.errors import Forbidden, Invalid, NotAllowed
from app.runtime.settings import Settings
from app.runtime.tokens_table import TokenRow

Role = Literal["reader", "annotator", "reviewer", "curator", "administrator"]
ROLES: tuple[Role, ...] = get_args(Role)
Action = Literal["see", "annotate", "revise", "judge", "curate", "administer"]
LEAST: dict[Action, Role] = {
    "see": "reader",  # what is closed, and every pixel of what is reduced
    "annotate": "annotator",  # write statements
    "revise": "annotator",  # replace and delete statements; a person needs the role curator for those of others
    "judge": "reviewer",
    "curate": "curator",  # access, runs, and the record of changes
    "administer": "administrator",
}
ALL = "all"
OPERATOR = "operator"
LONGEST_COLLECTION = 255
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
HOW_TO_ASK = "This needs somebody who is signed in on the pages of the hub, or a token (Authorization: Bearer …)."
HOW_TO_WRITE = "Writing needs a token: send Authorization: Bearer …, made by `lectotype token create`."


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

    @property
    def of(self) -> str:
        """The collection as `parse` reads it."""
        codes = (self.institution, self.collection) if self.collection else (self.institution,)
        return "/".join(quote(code, safe=" ") for code in codes)

    def within(self, other: "Grant") -> "Grant | None":
        """What both grant: the lower role over the smaller collection; None where they share no collection."""
        inner, outer = (other, self) if self.institution == ALL or not self.collection else (self, other)
        if inner.institution == ALL:
            inner, outer = outer, inner
        if outer.institution not in (ALL, inner.institution) or outer.collection not in ("", inner.collection):
            return None
        return replace(inner, role=min(self.role, other.role, key=ROLES.index))

    def covers(self, thing: Held | None) -> bool:
        """Whether the thing lies in the collection; None stands for the hub as a whole, which only ALL covers."""
        if self.institution == ALL:
            return True
        if thing is None or thing.institution_code != self.institution:
            return False
        return self.collection in ("", thing.collection_code)


@dataclass(frozen=True, slots=True)
class Principal:
    """A person, a token, a run, the system, the operator at the command line, or nobody (whose name is empty).

    A person's name is the key of their account, which is `account`, too; `shown` is what people call them. A token that
    belongs to an account asks as that person: `token` is its name. `session` is the digest of the session, where a cookie
    says who asks. `address` is the client's network address. `refused` says why the credentials that were sent do not hold;
    then there are no grants.
    """

    name: str
    grants: tuple[Grant, ...] = ()
    refused: str = ""
    account: str = ""
    shown: str = ""
    token: str = ""
    session: str = ""
    address: str = ""

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
            return cls(f"{OPERATOR}:{getpass.getuser()}"[:100], (Grant("administrator"),))
        except (KeyError, OSError):  # a container may run under a number that has no name
            return cls(OPERATOR, (Grant("administrator"),))

    @property
    def called(self) -> str:
        """As errors call it."""
        if not self.account:
            return f"the token {self.name!r}"
        return f"the token {self.token!r} of {self.shown!r}" if self.token else f"the account of {self.shown!r}"

    @property
    def is_person(self) -> bool:
        """Whether somebody stands behind it: an account, also by a token of theirs, or whoever is at the command line."""
        return bool(self.account) or self.name.partition(":")[0] == OPERATOR

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


def may(by: Principal, action: Action, thing: Held | None = None, *, author: str = "") -> bool:
    """Whether the principal may do this to that; without a thing, to the hub as a whole.

    `author` is the name of the principal who made what is to be revised: people revise what is theirs, and curators what is
    not. Machine clients (tokens without an account) share their work.
    """
    return any(grant.covers(thing) for grant in by.granted(_needed(by, action, author)))


def require(by: Principal, action: Action, thing: Held | None = None, *, author: str = "") -> None:
    """Raises NotAllowed (401) where nobody is known to ask, and Forbidden (403) where who asks may not."""
    if may(by, action, thing, author=author):
        return
    if not by.name:
        raise NotAllowed(by.refused or HOW_TO_ASK)
    where = "" if thing is None else " in this collection"
    raise Forbidden(f"This needs the role {LEAST[_needed(by, action, author)]}{where}, which {by.called} does not have.")


def require_somewhere(by: Principal, action: Action) -> None:
    """The same for any collection at all."""
    if not by.granted(action):
        require(by, action)


def may_give(by: Principal, given: Grant) -> bool:
    """Whether the principal may give that role to somebody, or take it away, over a collection that lies in one of theirs:
    curators the roles below their own, administrators their own, too."""
    return any(_reaches(held, given) for held in by.granted("curate"))


def require_to_give(by: Principal, given: Grant) -> None:
    """Raises NotAllowed (401) where nobody is known to ask, and Forbidden (403) where who asks may not give the role there."""
    if may_give(by, given):
        return
    if not by.name:
        raise NotAllowed(by.refused or HOW_TO_ASK)
    raise Forbidden(f"The role {given.role} of {given.of} is not for {by.called} to give.")


def _reaches(held: Grant, given: Grant) -> bool:
    within = held.institution == ALL or (held.institution == given.institution and held.collection in ("", given.collection))
    return within and ROLES.index(given.role) < ROLES.index(held.role) + (held.role == "administrator")


def _needed(by: Principal, action: Action, author: str) -> Action:
    return "curate" if action == "revise" and by.account and author != by.name else action


def of_request() -> Principal:
    """Who sends the request that Flask handles now, by its token; NOBODY where none is sent. No cookie is read."""
    by = of_authorization(context.current(), request.headers.get("Authorization", ""))
    return replace(by, address=client_address()) if by.name else by


def of_writer() -> Principal:
    """The same, of a request that changes something. Raises NotAllowed for nobody, before anything else is looked at."""
    return _known(of_request(), HOW_TO_WRITE)


def of_page() -> Principal:
    """Who sends the request, by its token or, where it has none, by the cookie of its session.

    The answer then depends on the cookie, which `app/web/visits.py` has caches know. Raises Forbidden where a request that
    changes something does not come from our own pages.
    """
    if "visitor" not in g:
        g.visitor = _visitor()
    visitor: Principal = g.visitor
    return visitor


def of_page_writer() -> Principal:
    """The same, of a request that changes something. Raises NotAllowed for nobody."""
    return _known(of_page(), HOW_TO_ASK)


def _known(by: Principal, otherwise: str) -> Principal:
    if not by.name:
        raise NotAllowed(by.refused or otherwise)
    return by


def _visitor() -> Principal:
    runtime = context.current()
    if _bearer(request.headers.get("Authorization", "")):
        return of_request()
    secret = request.cookies.get(cookie_name(runtime.settings), "")
    if not secret:
        return NOBODY
    require_same_origin(runtime.settings)
    with runtime.reads.begin() as session:
        standing = sessions.find(session, secret, runtime.clock())
        if standing is None:
            return Principal("", refused="Your session has ended: sign in again.")
        grants = of_account(session, standing.account_key)
    g.unseen = standing.digest if standing.unseen else ""
    key = standing.account_key
    return Principal(key, grants, account=key, shown=standing.name, session=standing.digest, address=client_address())


def require_same_origin(settings: Settings) -> None:
    """Raises Forbidden where a request that changes something was not sent by a page of ours (CSRF).

    Browsers say whose page sends it: in `Sec-Fetch-Site` (Fetch Metadata), or without that in `Origin`.
    """
    if request.method in SAFE_METHODS:
        return
    site, origin = request.headers.get("Sec-Fetch-Site", ""), request.headers.get("Origin", "")
    base = urlsplit(settings.base_url)
    if site == "same-origin" or (not site and origin.lower() == f"{base.scheme}://{base.netloc}".lower()):
        return
    raise Forbidden("This was not sent by a page of this hub, and so it was not done. Open the hub's own page and do it there.")


def cookie_name(settings: Settings) -> str:
    """A browser sends a cookie of that prefix only to the very host that set it, over https (RFC 6265bis, section 4.1.3.2)."""
    return "__Host-lectotype" if settings.base_url.startswith("https://") else "lectotype"


def client_address() -> str:
    """The network address of who sends the request: the one that the outermost of our own proxies saw."""
    hops = context.current().settings.proxy_hops
    said = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    address = said[-hops] if 0 < hops <= len(said) else request.remote_addr or ""
    try:
        return str(ipaddress.ip_address(address.removeprefix("[").partition("]")[0]))
    except ValueError:
        return ""


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
    """Who has the token with that secret. A token of an account may do what both may: itself, and the account now."""
    row = session.scalar(select(TokenRow).where(TokenRow.digest == digest(secret)))
    if row is None or row.revoked_at is not None:
        return Principal("", refused="This token is unknown or was revoked.")
    if row.expires_at is not None and row.expires_at <= at:
        return Principal("", refused="This token has expired.")
    grants = tuple(Grant.parse(row.role, name) for name in row.collections)
    if row.account_key is None:
        return Principal(row.name, grants)
    account = session.get(AccountRow, row.account_key)
    if account is None or account.state != "active":
        return Principal("", refused="The account of this token is blocked.")
    return Principal(
        account.key,
        shared(grants, of_account(session, account.key)),
        account=account.key,
        shown=account.name,
        token=row.name,
    )


def of_account(session: Session, account_key: str) -> tuple[Grant, ...]:
    """What the account was granted."""
    rows = session.scalars(
        select(AccountRoleRow).where(AccountRoleRow.account_key == account_key).order_by(AccountRoleRow.collection)
    )
    return tuple(Grant.parse(row.role, row.collection) for row in rows)


def shared(some: Iterable[Grant], others: Iterable[Grant]) -> tuple[Grant, ...]:
    """What both sets of grants allow."""
    others = tuple(others)
    return tuple(both for one in some for other in others if (both := one.within(other)) is not None)


def digest(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
