"""Who says an annotation: `creator` is the account that is signed in, or what a client without one says of itself."""

from collections.abc import Mapping
from typing import Any

from annotations import validation
from app.runtime.addresses import Addresses
from app.runtime.errors import Forbidden
from app.runtime.principal import Principal


def creator(by: Principal, addresses: Addresses) -> dict[str, Any]:
    """Who says it: a person by their identifier, or a client by the name of its token.

    What a person is called is told at that identifier and stands in no version, as versions outlive the account.
    """
    if by.account:
        return {"id": addresses.pid(by.account), "type": "Person"}
    return {"type": "Software", "name": by.name}


def refuse_other(claimed: Any, by: Principal, addresses: Addresses) -> None:
    """Raises Forbidden where a person says it in another's name. A machine's own creator, copied along, is passed over."""
    for one in validation.several(claimed):
        name = one.get("id", "") if isinstance(one, Mapping) else one
        person = not isinstance(one, Mapping) or "Person" in validation.several(one.get("type"))
        if by.account and person and name != addresses.pid(by.account):
            raise Forbidden("This is said in one's own name: leave `creator` out.", parameter="creator")


def in_own_name(document: Any, by: Principal, addresses: Addresses) -> Any:
    """A new document with its `creator`. Clients without an account may say whose words they bring. Raises Forbidden."""
    if not isinstance(document, Mapping) or (not by.account and "creator" in document):
        return document  # what is no document is for `validation` to refuse
    refuse_other(document.get("creator"), by, addresses)
    return {**document, "creator": creator(by, addresses)}


def as_before(document: Any, stored: Mapping[str, Any], by: Principal, addresses: Addresses) -> Any:
    """A document that takes the place of `stored`, with the `creator` of that: who changes it stands with its version.

    Raises Forbidden where a person names another.
    """
    if not isinstance(document, Mapping) or (not by.account and "creator" in document):
        return document
    if document.get("creator") != stored.get("creator"):
        refuse_other(document.get("creator"), by, addresses)
    kept = {name: value for name, value in document.items() if name != "creator"}
    return {**kept, "creator": stored["creator"]} if "creator" in stored else kept
