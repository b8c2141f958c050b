"""Which specimens an export is to hold: one that is named, those of a catalogue number, or what a search finds."""

import re
from collections.abc import Iterator

from sqlalchemy.orm import Session

from annotations.search import service as searching
from annotations.search.service import Question
from app.runtime import ids
from app.runtime.addresses import Addresses
from app.runtime.errors import NotFound
from app.runtime.principal import Principal
from app.runtime.search.port import SearchEngine
from iiif.catalogue import service as catalogue

PAGE = 500


class NothingFound(NotFound):
    """No specimen is called so, and no search finds one."""


def specimens(session: Session, engine: SearchEngine, text: str, addresses: Addresses, limit: int | None) -> list[str]:
    """Their keys, at most `limit`. Nothing asked for means all of them.

    Raises:
        NothingFound: there is none.
        UnknownSpecimen: a key or an ARK that no specimen has.
        SearchDown: the search engine does not answer.
    """
    asked = text.strip()
    if not asked:
        found = _all(session)
    elif key := _key(asked, addresses):
        found = iter([catalogue.get_specimen(session, key).key])
    elif numbered := _numbered(session, asked):
        found = iter(numbered)
    else:
        found = searching.scan(session, engine, Question(q=asked, by=Principal.of_operator()))
    keys = [key for key, _ in zip(found, range(limit), strict=False)] if limit else list(found)
    if not keys:
        raise NothingFound(f"{asked[:80]!r} is no specimen's key, ARK or catalogue number here, and the search finds nothing.")
    return keys


def _key(text: str, addresses: Addresses) -> str:
    """The key in a key, an ARK in either spelling, or the address of a PID; empty where it is none of these."""
    name = text.removeprefix(f"{addresses.base}/")
    match = re.fullmatch(rf"ark:/?{addresses.naan}/([\w-]+)", name, re.ASCII)
    key = match[1].replace("-", "") if match else name
    return key if match or (key.startswith(ids.SPECIMEN) and ids.is_key(key, addresses.naan)) else ""


def _numbered(session: Session, number: str) -> list[str]:
    found, after = [], ""
    while page := catalogue.list_specimens_by_number(session, number, after=after, limit=PAGE):
        found += [specimen.key for specimen in page]
        after = page[-1].key
    return found


def _all(session: Session) -> Iterator[str]:
    after = ""
    while page := catalogue.list_specimens(session, after=after, limit=PAGE):
        yield from (specimen.key for specimen in page)
        after = page[-1].key
