"""What is new in a saved question, as an Atom feed (RFC 4287)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

from sqlalchemy.orm import Session

from annotations.saved import service
from annotations.saved.service import Saved
from annotations.search import service as search
from annotations.search.service import Question
from app.runtime import clock
from app.runtime.addresses import Addresses
from app.runtime.principal import Principal
from app.runtime.search.port import SearchEngine
from iiif.catalogue import service as catalogue

ATOM = "http://www.w3.org/2005/Atom"
SHOWN = 50
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
MEDIA_TYPE = "application/atom+xml; charset=utf-8"
ElementTree.register_namespace("", ATOM)


def atom(session: Session, engine: SearchEngine, saved: Saved, author: str, *, by: Principal, addresses: Addresses) -> bytes:
    """The hits that came last, the newest first: of those that a change of the question brought in, too. Raises SearchDown."""
    question = replace(service.asked(saved.question, by=by), sort="-created", facets=(), size=SHOWN)
    found = search.search(session, engine, question, addresses)
    made = _made(session, found.items, question)
    own, page = addresses.question_feed(saved.key), addresses.question(saved.key)
    feed = ElementTree.Element(f"{{{ATOM}}}feed")
    _add(feed, "id", addresses.pid(saved.key))
    _add(feed, "title", saved.title)
    _add(feed, "updated", clock.iso(max([saved.modified_at, *made.values()])))
    _add(feed, "link", rel="self", href=own, type="application/atom+xml")
    _add(feed, "link", rel="alternate", href=page, type="text/html")
    _add(_add(feed, "author"), "name", author)
    _add(feed, "generator", "Lectotype")
    for item in found.items:
        entry = _add(feed, "entry")
        _add(entry, "id", item["id"])
        _add(entry, "title", str(item["label"]) or item["key"])
        at = clock.iso(made.get(item["key"], saved.created_at))
        _add(entry, "published", at)
        _add(entry, "updated", at)
        _add(entry, "link", rel="alternate", href=item["page"] or item["id"], type="text/html")
        picture = item["thumbnail"]["id"] if isinstance(item["thumbnail"], dict) else item["thumbnail"]
        if picture:
            _add(entry, "link", rel="enclosure", href=picture, type="image/jpeg")
        _add(entry, "summary", _summary(item))
    written: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def _made(session: Session, items: list[dict[str, Any]], question: Question) -> dict[str, datetime]:
    """When each came in, by key."""
    told = {item["key"]: clock.read(item["created"]) for item in items if item.get("created")}
    missing = [item["key"] for item in items if item["key"] not in told and question.type == "specimen"]
    return told | {key: one.created_at for key, one in catalogue.specimens_by_key(session, missing).items()}


def _summary(item: Mapping[str, Any]) -> str:
    quote = item["snippet"]
    said = f"{quote['before']}{quote['match']}{quote['after']}" if quote else item.get("text", "")
    return _clean(said) or str(item.get("catalogNumber") or item["key"])


def _add(parent: ElementTree.Element, name: str, text: str = "", **attributes: str) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    child.text = _clean(text) or None
    return child


def _clean(text: str) -> str:
    """Without the characters that XML 1.0 has not (section 2.2)."""
    return _NO_XML.sub("", text)
