"""People as linked data: what everybody may know of who is named as the creator of statements, their name and ORCID."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.runtime import ids
from app.runtime.accounts import store
from app.runtime.addresses import Addresses
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.descriptions import head


def one(session: Session, key: str, runtime: Runtime, _by: Principal) -> Mapping[str, Any]:
    """Raises UnknownAccount."""
    row = store.row_of(session, key)
    return describe(row.key, row.name, row.orcid, runtime.addresses)


def page(session: Session, after: str, limit: int, runtime: Runtime, _by: Principal) -> Sequence[tuple[str, Mapping[str, Any]]]:
    found = store.page_of_authors(session, after=after, limit=limit)
    return [(one.key, describe(one.key, one.name, one.orcid, runtime.addresses)) for one in found]


def describe(key: str, name: str, orcid: str, addresses: Addresses) -> dict[str, Any]:
    described: dict[str, Any] = {
        **head(addresses),
        "id": addresses.pid(key),
        "type": ["Person", "prov:Person", "prov:Agent"],
        "identifier": ids.ark(key, addresses.naan),
        "name": name,
    }
    return described | ({"owl:sameAs": {"id": f"https://orcid.org/{orcid}"}} if orcid else {})
