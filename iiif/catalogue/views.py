"""The catalogue as REST: `/api/specimens` and `/api/media`, paged by key."""

import json
from typing import Any, cast
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from app.runtime import context, memento, principal
from app.runtime.addresses import Addresses
from app.runtime.clock import iso
from app.runtime.errors import Invalid
from app.runtime.http import answer, integer
from app.runtime.ids import ni
from app.runtime.principal import Principal
from iiif.catalogue import places, records, rights, service
from iiif.catalogue.model import Depiction, DepictionRole, Media, OwnRegion, Specimen
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
    """One specimen: what its source said, how that was read, its images, and where else it is shown.

    With Accept-Datetime, on to the version of its record that stood then.
    """
    original, when = _record(key), memento.asked()
    if when is not None:
        with context.current().reads.begin() as session:
            return memento.to_memento(original, records.stood_at(session, key, when), *records.edges(session, key))
    with context.current().reads.begin() as session:
        specimen = service.get_specimen(session, key)
        media = service.media_of(session, key)
        shown = service.specimens_of_media(session, [image.key for image in media])
        namesakes = service.same_number(session, specimen)
    by, addresses = principal.of_request(), context.current().addresses
    body = specimen_json(specimen, media, addresses, by)
    for image, image_json in zip(media, body["media"], strict=True):
        own = [depiction for depiction in shown[image.key] if depiction.specimen_key == key]
        image_json |= {"depiction": depiction_json(own[0], image, addresses, by), "depictsTotal": len(shown[image.key])}
    body["sameNumber"] = [{"id": addresses.pid(other.key), "self": addresses.specimen_record(other.key)} for other in namesakes]
    return memento.of_original(answer(body, by=by), original)


@blueprint.get("/specimens/<key>/history")
def read_history(key: str) -> Response:
    """The versions of the record, newest first: who made which when, from which statement, and what differs from the one before.

    `before` is the number of the version from which earlier ones are told.
    """
    by, addresses = principal.of_page(), context.current().addresses
    before, limit = integer("before", 0, 0, 2**31 - 1), integer("limit", 100, 1, records.MOST_TOLD - 1)
    with context.current().reads.begin() as session:
        found = records.history(session, key[:64], by=by, before=before, limit=limit + 1)
    pairs = list(zip(found, [*found[1:], None], strict=True))[:limit]
    body = {
        "id": addresses.specimen_record(key),
        "versions": [records.version_json(version, earlier, addresses) for version, earlier in pairs],
        "next": pairs[-1][0].number if len(found) > limit else None,
    }
    return answer(body, by=by)


@blueprint.get("/specimens/<key>/diff")
def read_difference(key: str) -> Response:
    """The terms of which two versions of the record (`from`, `to`) say different things."""
    by = principal.of_page()
    numbers = [integer(name, 0, 1, 2**31 - 1) for name in ("from", "to")]
    if 0 in numbers:
        raise Invalid("Name two versions: from=1&to=2.", parameter="from" if not numbers[0] else "to")
    with context.current().reads.begin() as session:
        before, after = (records.version(session, key[:64], number, by=by) for number in numbers)
    terms = [records.difference_json(one) for one in records.differences(before, after)]
    original = _record(key)
    return answer({"from": original.version(numbers[0]), "to": original.version(numbers[1]), "terms": terms}, by=by)


@blueprint.get("/specimens/<key>/versions/<int:number>")
def read_version(key: str, number: int) -> Response:
    """The record as it stood in that version."""
    by, addresses = principal.of_request(), context.current().addresses
    with context.current().reads.begin() as session:
        version = records.version(session, key[:64], min(number, 2**31 - 1), by=by)
        first, last = records.edges(session, key)
    body = {
        "id": addresses.pid(key),
        "recordVersion": version.number,
        "stored": iso(version.at),
        "interpreted": dict(version.specimen.interpreted),
        "verbatim": dict(version.specimen.verbatim),
        "changes": [records.change_json(change, addresses) for change in version.specimen.changes.values()],
    }
    etag = records.etag_of(version.number) + ("-withheld" if version.withheld else "")
    return memento.of_version(
        answer(body, by=by, etag=etag), _record(key), memento.Stamp(version.number, version.at), first, last
    )


@blueprint.get("/specimens/<key>/timemap")
def read_timemap(key: str) -> Response:
    """The versions of the record by their times (RFC 7089, 5), oldest first; a page ends before the version `before`."""
    original, before = _record(key), integer("before", 0, 0, 2**31 - 1)
    with context.current().reads.begin() as session:
        stamps = records.stamps(session, key[:64], before=before)
    own = f"{original.timemap}?before={before}" if before else original.timemap
    earlier = f"{original.timemap}?before={stamps[0].version}" if stamps and stamps[0].version > 1 else ""
    return memento.timemap(original, stamps, own=own, earlier=earlier)


def _record(key: str) -> memento.Original:
    return memento.Original(context.current().addresses.specimen_record(key[:64]))


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
        depictions = service.specimens_of_media(session, [key])[key]
    by, addresses = principal.of_request(), context.current().addresses
    depicts = [depiction_json(depiction, media, addresses, by) for depiction in depictions]
    return answer({**media_json(media, addresses, by), "depicts": depicts}, by=by)


@blueprint.get("/specimens/<key>/media/<media_key>")
def read_depiction(key: str, media_key: str) -> Response:
    """How the image shows the specimen: its place among the specimen's images, role and region."""
    with context.current().reads.begin() as session:
        depiction = service.get_depiction(session, key, media_key)
        media = service.get_media(session, media_key)
    by = principal.of_request()
    return answer(depiction_json(depiction, media, context.current().addresses, by), by=by)


@blueprint.put("/specimens/<key>/media/<media_key>")
def depict(key: str, media_key: str) -> Response:
    """Say that the image shows the specimen: `role` and `region` (x,y,width,height), both of which may be left out."""
    by, runtime = principal.of_writer(), context.current()
    role, region = _depiction_of(request.get_data())
    with runtime.db.begin() as session:
        known = {depiction.specimen_key for depiction in service.specimens_of_media(session, [media_key])[media_key]}
        depiction = service.depict(session, key, media_key, role=role, region=region, by=by, at=runtime.clock())
        media = service.get_media(session, media_key)
    return answer(depiction_json(depiction, media, runtime.addresses, by), status=200 if key in known else 201, by=by)


@blueprint.delete("/specimens/<key>/media/<media_key>")
def end_depiction(key: str, media_key: str) -> Response:
    """Say that the image does not show the specimen after all. That it shows its home specimen cannot be taken back."""
    by, runtime = principal.of_writer(), context.current()
    with runtime.db.begin() as session:
        service.end_depiction(session, key, media_key, by=by, at=runtime.clock())
    return Response(status=204)


def _depiction_of(body: bytes) -> tuple[DepictionRole, OwnRegion | None]:
    """What a request says of a depiction; nothing means neither role nor region. Raises Invalid."""
    try:
        members = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise Invalid(f"The body is not JSON ({str(error)[:100]}).") from error
    if not isinstance(members, dict) or members.keys() - {"role", "region"}:
        raise Invalid("The body must be a JSON object with `role`, `region`, both or neither.")
    role, region = members.get("role", ""), members.get("region")
    if not isinstance(role, str) or not isinstance(region, str | None):
        raise Invalid("`role` and `region` must be texts, such as `label` and `0,0,800,600`.")
    return cast(DepictionRole, role), None if region is None else OwnRegion.parse(region)


def depiction_json(depiction: Depiction, media: Media, addresses: Addresses, by: Principal) -> dict[str, Any]:
    """How an image shows a specimen; the region of a closed image is missing for whom it is closed to."""
    region = depiction.region.xywh() if depiction.region else None
    return {
        "specimen": addresses.pid(depiction.specimen_key),
        "specimenKey": depiction.specimen_key,
        "media": addresses.pid(depiction.media_key),
        "mediaKey": depiction.media_key,
        "sequence": depiction.sequence,
        "role": depiction.role or None,
        **({"region": region} if sees(media, by) else {}),
        "home": depiction.is_home,
        "canvas": addresses.canvas(depiction.specimen_key, depiction.media_key),
    }


def specimen_json(specimen: Specimen, media: tuple[Media, ...], addresses: Addresses, by: Principal) -> dict[str, Any]:
    """A specimen as `by` sees it; `interpreted` and `verbatim` as in `Specimen`. It has a manifest once an image is ready."""
    ready = any(image.state == "ready" for image in media)
    specimen = places.as_seen(specimen, by)
    return {
        "id": addresses.pid(specimen.key),
        "key": specimen.key,
        "version": specimen.version,
        "catalogNumber": specimen.catalog_number,
        "interpreted": dict(specimen.interpreted),
        "verbatim": dict(specimen.verbatim),
        "source": specimen.source,
        "recordVersion": specimen.record_version,
        "changes": [records.change_json(change, addresses) for change in specimen.changes.values()],
        "media": [media_json(image, addresses, by) for image in media],
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
