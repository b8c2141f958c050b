"""The catalogue as REST: `/api/specimens` and `/api/media`, paged by key."""

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from app.runtime import context, principal
from app.runtime.addresses import Addresses
from app.runtime.clock import iso
from app.runtime.http import answer, integer
from app.runtime.ids import ni
from app.runtime.principal import Principal
from iiif.catalogue import rights, service
from iiif.catalogue.model import Media, Specimen
from iiif.catalogue.visibility import sees

blueprint = Blueprint("catalogue", __name__, url_prefix="/api")
MAX_LIMIT = 1000
OF_THE_FILE = frozenset(
    ("fileName", "contentId", "sha256", "byteSize", "format", "width", "height", "exifOrientation", "iccProfile", "stateReason")
)


@blueprint.get("/specimens")
def list_specimens() -> Response:
    """A page of specimens in the order of their keys; `catalogNumber=` picks those of that number."""
    number, after, limit = request.args.get("catalogNumber", "")[:255], request.args.get("after", "")[:64], _limit()
    with context.current().reads.begin() as session:
        if number:
            found = service.list_specimens_by_number(session, number, after=after, limit=limit + 1)
            total = service.count_specimens_by_number(session, number)
        else:
            found = service.list_specimens(session, after=after, limit=limit + 1)
            total = service.count_specimens(session)
        media = service.media_of_many(session, [specimen.key for specimen in found[:limit]])
    addresses, by = context.current().addresses, principal.of_request()
    items = [specimen_json(specimen, media[specimen.key], addresses, by) for specimen in found[:limit]]
    following = found[limit - 1].key if len(found) > limit else ""
    return answer(_page(addresses, "specimens", total, items, following, {"catalogNumber": number, "limit": limit}), by=by)


@blueprint.get("/specimens/<key>")
def read_specimen(key: str) -> Response:
    """One specimen: what its source said, how that was read, its images, and where else it is shown."""
    with context.current().reads.begin() as session:
        specimen = service.get_specimen(session, key)
        media = service.media_of(session, key)
    by = principal.of_request()
    return answer(specimen_json(specimen, media, context.current().addresses, by), by=by)


@blueprint.get("/media")
def list_media() -> Response:
    """A page of images in the order of their keys; `specimen=` and `state=` narrow it."""
    specimen, state = request.args.get("specimen", "")[:64], request.args.get("state", "")[:16]
    after, limit = request.args.get("after", "")[:64], _limit()
    with context.current().reads.begin() as session:
        found = service.list_media(session, specimen_key=specimen, state=state, after=after, limit=limit + 1)
        counts = service.count_media(session, specimen_key=specimen)
    total = counts.get(state, 0) if state else sum(counts.values())
    addresses, by = context.current().addresses, principal.of_request()
    items = [media_json(media, addresses, by) for media in found[:limit]]
    following = found[limit - 1].key if len(found) > limit else ""
    query = {"specimen": specimen, "state": state, "limit": limit}
    return answer(_page(addresses, "media", total, items, following, query), by=by)


@blueprint.get("/media/<key>")
def read_media(key: str) -> Response:
    """One image: its bytes' digest, size, format, rights and state; of a closed one no more than whose it is."""
    with context.current().reads.begin() as session:
        media = service.get_media(session, key)
    by = principal.of_request()
    return answer(media_json(media, context.current().addresses, by), by=by)


def specimen_json(specimen: Specimen, media: tuple[Media, ...], addresses: Addresses, by: Principal) -> dict[str, Any]:
    """A specimen as clients see it; `interpreted` and `verbatim` as in `Specimen`. It has a manifest once an image is ready."""
    ready = any(one.state == "ready" for one in media)
    return {
        "id": addresses.pid(specimen.key),
        "key": specimen.key,
        "version": specimen.version,
        "catalogNumber": specimen.catalog_number,
        "interpreted": dict(specimen.interpreted),
        "verbatim": dict(specimen.verbatim),
        "source": specimen.source,
        "media": [media_json(one, addresses, by) for one in media],
        "links": {
            "self": addresses.specimen_record(specimen.key),
            "pid": addresses.pid(specimen.key),
            "page": addresses.specimen_page(specimen.key),
            "manifest": addresses.manifest(specimen.key) if ready else None,
        },
        "created": iso(specimen.created_at),
        "modified": iso(specimen.updated_at),
    }


def media_json(media: Media, addresses: Addresses, by: Principal) -> dict[str, Any]:
    """An image as `by` sees it; sizes are of the upright image, 0 until its state is `ready`.

    What would tell of a closed image's content or file is missing for whom it is closed to.
    """
    shown = {
        "id": addresses.pid(media.key),
        "key": media.key,
        "specimen": addresses.pid(media.specimen_key),
        "specimenKey": media.specimen_key,
        "sequence": media.sequence,
        "access": media.access,
        "fileName": media.file_name,
        "contentId": ni(media.sha256),
        "sha256": media.sha256,
        "byteSize": media.byte_size,
        "format": media.format,
        "width": media.width_px,
        "height": media.height_px,
        "exifOrientation": media.exif_orientation,
        "iccProfile": media.icc_profile,
        "rights": media.rights,
        "rightsIri": rights.iri_of(media.rights),
        "rightsHolder": media.rights_holder,
        "creator": media.creator,
        "state": media.state,
        "stateReason": media.state_reason,
        "links": {
            "self": f"{addresses.base}/api/media/{media.key}",
            "pid": addresses.pid(media.key),
            "image": addresses.image(media.key),
            "canvas": addresses.canvas(media.specimen_key, media.key),
        },
        "created": iso(media.created_at),
    }
    return shown if sees(media, by) else {name: value for name, value in shown.items() if name not in OF_THE_FILE}


def _limit() -> int:
    return integer("limit", context.current().settings.page_size, 1, MAX_LIMIT)


def _page(
    addresses: Addresses, name: str, total: int, items: list[dict[str, Any]], following: str, query: dict[str, Any]
) -> dict[str, Any]:
    """`total` counts all that the query picks; `next` is the address of the following page, null on the last."""
    kept = {key: value for key, value in query.items() if value}
    address = f"{addresses.base}/api/{name}?{urlencode({**kept, 'after': following})}" if following else None
    return {"total": total, "items": items, "next": address}
