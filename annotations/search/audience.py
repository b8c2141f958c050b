"""Who may find a document of the index, and the query that hides it from all others.

A statement about a closed image is for those who may see its collection. A specimen with closed images has two documents:
one for the public, with what everybody may know, and a full one. Who asks finds one of them, never both.

Where the hub shows the places that records withhold, the documents that hold one are for those alone who ask while it does: as
soon as it does no more, nobody finds them, until they are made anew without the place.
"""

from collections.abc import Collection
from urllib.parse import quote

from app.runtime.principal import ALL, Grant, Principal
from app.runtime.search.port import And, Not, Query, Term
from iiif.catalogue import places

FIELD = "access"
EVERYBODY, PUBLIC, NOT = "everybody", "public", "not "
PLACED = "placed"  # instead of these two, where the document tells a place that the record withholds
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


def with_place(access: Collection[str]) -> list[str]:
    """The same audience, of a document that tells a place which its record withholds."""
    return [PLACED if code in (EVERYBODY, PUBLIC) else code for code in access]


def where(by: Principal) -> Query:
    """The documents that are for `by`."""
    codes = tuple(_of_grant(grant) for grant in by.granted("see"))
    shown = Term(FIELD, (EVERYBODY, PUBLIC, *([PLACED] if places.are_shown() else []), *codes))
    return And((shown, Not(Term(FIELD, tuple(NOT + code for code in codes))))) if codes else shown


def _of_grant(grant: Grant) -> str:
    return ALL if grant.institution == ALL else _code(grant.institution, grant.collection)


def _code(institution: str, collection: str) -> str:
    return f"{quote(institution, safe='')}/{quote(collection, safe='')}"
