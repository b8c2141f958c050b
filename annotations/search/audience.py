"""Who may find a document of the index, and the query that hides it from all others.

A statement about a closed image is for those who may see its collection. A specimen with closed images has two documents:
one for the public, with what everybody may know, and a full one. Who asks finds one of them, never both.

Where the hub shows the places that records withhold, the documents that hold one are for those alone who ask while it does: as
soon as it does no more, nobody finds them, until they are made anew without the place.

An index of release 70fa686 does not know whom a document is for. It answers where there is nothing to hide.
"""

from collections.abc import Collection
from threading import Lock
from typing import Any
from urllib.parse import quote
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session

from app.runtime.principal import ALL, Grant, Principal
from app.runtime.search.port import EVERYTHING, And, IndexMissing, Not, Query, SearchDown, SearchEngine, Term
from iiif.catalogue import places
from iiif.catalogue import service as catalogue
from iiif.catalogue.visibility import any_closed

FIELD = "access"
EVERYBODY, PUBLIC, NOT = "everybody", "public", "not "
PLACED = "placed"  # instead of these two, where the document tells a place that the record withholds
Held = tuple[str, str]  # institution code and collection code
_withholding: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()  # database to whether a record in it withholds its place
_looking = Lock()


class AudienceUnknown(SearchDown):
    """The index is of a release that did not know what is closed, and there is something closed."""


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


def shown(session: Session, engine: SearchEngine, by: Principal) -> Query:
    """The documents of the index that stands that are for `by`. Raises SearchDown."""
    if FIELD not in engine.lacking():
        return where(by)
    if any_closed(session) or (not places.are_shown() and _withholds_places(session)):
        raise AudienceUnknown(
            "The search index is of an earlier version, which does not know what is closed or withheld. "
            "It is being made anew: ask again in a while."
        )
    return EVERYTHING


def check_index(session: Session, engine: SearchEngine) -> None:
    """For whoever has found nothing: raises IndexMissing where that is so because there is no index of what there is."""
    if engine.standing().state == "none" and catalogue.count_specimens(session):
        raise IndexMissing


def where(by: Principal) -> Query:
    """The documents that are for `by`."""
    codes = tuple(_of_grant(grant) for grant in by.granted("see"))
    theirs = Term(FIELD, (EVERYBODY, PUBLIC, *([PLACED] if places.are_shown() else []), *codes))
    return And((theirs, Not(Term(FIELD, tuple(NOT + code for code in codes))))) if codes else theirs


def _withholds_places(session: Session) -> bool:
    """Asked once, as it is a pass over all records. What has changed since that release is in the index without such places."""
    database = session.get_bind()
    with _looking:
        if database not in _withholding:
            _withholding[database] = catalogue.any_place_withheld(session)
        return _withholding[database]


def _of_grant(grant: Grant) -> str:
    return ALL if grant.institution == ALL else _code(grant.institution, grant.collection)


def _code(institution: str, collection: str) -> str:
    return f"{quote(institution, safe='')}/{quote(collection, safe='')}"
