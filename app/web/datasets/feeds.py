"""Atom feeds of versions: of all datasets, and of one (RFC 4287)."""

from collections.abc import Sequence
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from flask import Blueprint, Response, request

from annotations.datasets import citing, service
from annotations.datasets.describing import Described
from annotations.datasets.model import Version
from app.runtime import clock, context
from app.runtime.references import plain

blueprint = Blueprint("dataset_feeds", __name__)
ATOM = "application/atom+xml; charset=utf-8"
SHOWN = 50


@blueprint.get("/datasets/feed.atom")
def of_all() -> Response:
    """The versions of all datasets that were frozen last."""
    runtime = context.current()
    with runtime.reads.begin() as session:
        found = service.recent(session, limit=SHOWN)
    return _feed(f"{runtime.addresses.base}/datasets", "Datasets", found)


@blueprint.get("/datasets/<key>/feed.atom")
def of_one(key: str) -> Response:
    """The versions of one dataset, withdrawn ones too."""
    runtime = context.current()
    with runtime.reads.begin() as session:
        dataset, found = service.get(session, key), service.versions(session, key, limit=SHOWN)
    return _feed(runtime.addresses.dataset_page(key), dataset.title, found)


def _feed(page: str, title: str, versions: Sequence[Version]) -> Response:
    provider = context.current().settings.provider_name
    times = [time for one in versions if (time := _changed(one)) is not None]
    updated = max(times) if times else datetime.fromisoformat("2000-01-01T00:00:00+00:00")
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        f"<id>{escape(page)}</id>",
        f"<title>{escape(plain(title))}</title>",
        f"<updated>{clock.iso(updated)}</updated>",
        f"<author><name>{escape(plain(provider) or 'Lectotype')}</name></author>",
        f'<link rel="self" type="application/atom+xml" href={quoteattr(page + "/feed.atom")}/>',
        f'<link rel="alternate" type="text/html" href={quoteattr(page)}/>',
        *map(_entry, versions),
        "</feed>",
    ]
    response = Response("\n".join(lines) + "\n", content_type=ATOM)
    response.last_modified = updated
    response.add_etag()
    response.make_conditional(request)
    return response


def _changed(version: Version) -> datetime | None:
    return version.withdrawn_at or version.frozen_at


def _entry(version: Version) -> str:
    of = Described(version, context.current().addresses)
    at = _changed(version)
    said = f"Withdrawn: {version.withdrawn_why}" if version.state == "withdrawn" else f"{of.contents} {citing.text(of)}"
    names = "".join(f"<author><name>{escape(plain(one['name']))}</name></author>" for one in of.creators if one["name"])
    return (
        f"<entry><id>{escape(of.pid)}</id><title>{escape(plain(of.title))}, version {version.number}</title>"
        f"<updated>{clock.iso(at) if at else ''}</updated>"
        f"<published>{clock.iso(version.frozen_at) if version.frozen_at else ''}</published>{names}"
        f'<link rel="alternate" type="text/html" href={quoteattr(of.page)}/><summary>{escape(plain(said))}</summary></entry>'
    )
