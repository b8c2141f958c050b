"""Who may find a document of the index, and the query that hides it from all others.

A statement about a closed image is for those who may see its collection. A specimen with closed images has two documents:
one for the public, with what everybody may know, and a full one. Who asks finds one of them, never both.
"""

from collections.abc import Collection
from urllib.parse import quote

from app.runtime.principal import ALL, Grant, Principal
from app.runtime.search.port import And, Not, Query, Term

FIELD = "access"
EVERYBODY, PUBLIC, NOT = "everybody", "public", "not "
Held = tuple[str, str]  # institution code and collection code


def of_closed(collections: Collection[Held]) -> list[str]:
    """Whom it is for, if it is closed in these collections: in several, only those who may see all there are."""
    codes = [ALL]
    if len(collections) == 1:
        ((institution, collection),) = collections
        codes += [_code(institution, ""), _code(institution, collection)]
    return codes if collections else [EVERYBODY]


def of_shortened(collections: Collection[Held]) -> list[str]:
    """Whom the public document of a specimen is for that has a full one, closed in these collections."""
    return [PUBLIC, *(NOT + code for code in of_closed(collections))]


def where(by: Principal) -> Query:
    """The documents that are for `by`."""
    codes = tuple(_of_grant(grant) for grant in by.granted("see"))
    shown = Term(FIELD, (EVERYBODY, PUBLIC, *codes))
    return And((shown, Not(Term(FIELD, tuple(NOT + code for code in codes))))) if codes else shown


def _of_grant(grant: Grant) -> str:
    return ALL if grant.institution == ALL else _code(grant.institution, grant.collection)


def _code(institution: str, collection: str) -> str:
    return f"{quote(institution, safe='')}/{quote(collection, safe='')}"
