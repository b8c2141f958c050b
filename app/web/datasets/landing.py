"""What the page of a version shows: contents in numbers and pictures, how to cite it, what can be taken along, its versions."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from annotations.datasets import citing, content, croissant, differences, exporting, service, store, work
from annotations.datasets.describing import Described, https
from annotations.datasets.model import Dataset, Version
from annotations.exchange import formats
from app.runtime import ids
from app.runtime.context import Runtime
from app.runtime.principal import Principal, may
from app.web.image_links import ImageLink, is_pictured, picture_of
from app.web.names.signposting import Signposts
from iiif.catalogue import service as catalogue

PICTURES, PICTURE_PX = 8, (400, 500)
CLASSES_SHOWN, VERSIONS_SHOWN, OTHERS_SHOWN = 50, 20, 10
COMPARED = 100_000  # members that the page itself reads, to say of the newest versions what differs from those before
DOCUMENTS = ("README.md", "images.csv", "annotations.jsonl", "records.jsonl", "ATTRIBUTION.csv", "LICENSE.txt")


def shown(session: Session, runtime: Runtime, dataset: Dataset, version: Version, by: Principal) -> dict[str, Any]:
    """The values of the template for a version that stands."""
    of, summary = Described(version, runtime.addresses), version.summary
    splits = list(dict(version.told["split"]["shares"]))
    told_splits = [name for name in splits if name not in version.told["split"]["hidden"]]
    return {
        **_common(dataset, version, of, by),
        "pictures": _pictures(session, version),
        "counts": summary,
        "splits": [(name, summary["splits"].get(name, 0), name in version.told["split"]["hidden"]) for name in splits],
        "split_names": told_splits,
        "classes": [
            (name or "none stated", [of_split.get(split, 0) for split in told_splits], sum(of_split.values()))
            for name, of_split in list(summary["classes"].items())[:CLASSES_SHOWN]
        ],
        "classes_in_all": len(summary["classes"]),
        "licences": [(https(one["licence"]), one["said"], one["images"]) for one in summary["licences"]],
        "strictest": https(summary["strictest"]["licence"]) or summary["strictest"]["said"] or "none stated",
        "question": version.told["selection"],
        "question_href": question_href(version.told["selection"]),
        "cite": citing.text(of),
        "cite_forms": {form: citing.TITLES[form] for form in citing.FORMS},
        "documents": DOCUMENTS,
        "formats": [(name, formats.FORMATS[name].label) for name in exporting.format_names() if name in formats.FORMATS],
        "versions": _versions(session, dataset, runtime),
        "others": _others(session, version),
        "jobs": [one for one in work.of_dataset(session, dataset.key, 5) if one.state in work.OPEN],
        "jsonld": {"@context": {"@vocab": "https://schema.org/"}, **croissant.schema_org(of)},
    }


def withdrawn(dataset: Dataset, version: Version, runtime: Runtime, by: Principal) -> dict[str, Any]:
    """The values of the template for one that was withdrawn: what it was, and why it is gone."""
    return _common(dataset, version, Described(version, runtime.addresses), by)


def _common(dataset: Dataset, version: Version, of: Described, by: Principal) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "version": version,
        "of": of,
        "content_id": ids.ni(version.content_id) if version.content_id else "",
        "keeps": bool(by.session) and (by.name == dataset.created_by or may(by, "curate")),
    }


def question_href(selection: Mapping[str, Any]) -> str:
    """The search page with the same question."""
    pairs = [("q", selection["q"])] if selection["q"] else []
    pairs += [("type", selection["type"])] if selection["type"] != "specimen" else []
    pairs += [(name, value) for name, values in selection["filters"].items() if name != "type" for value in values]
    return "/" + (f"?{urlencode(pairs)}" if pairs else "")


def _pictures(session: Session, version: Version) -> list[tuple[ImageLink, str]]:
    """Some of its pictures with the specimens that they show; of those that are closed now none."""
    members = store.page_of_images(session, version.key, version.number, after="", limit=3 * PICTURES)
    media = catalogue.media_by_key(session, [one.media_key for one in members])
    known = [media[one.media_key] for one in members if one.media_key in media and is_pictured(media[one.media_key])]
    return [(picture_of(one, PICTURE_PX), f"/specimens/{one.specimen_key}") for one in known[:PICTURES]]


def _versions(session: Session, dataset: Dataset, runtime: Runtime) -> list[dict[str, Any]]:
    """The newest versions, each with what differs from the one before where that is counted quickly."""
    found = service.versions(session, dataset.key, limit=VERSIONS_SHOWN)
    by_number = {one.number: one for one in found}
    listed, left = [], COMPARED
    for one in found:
        before = by_number.get(one.previous)
        both = before is not None and one.state == before.state == "frozen"
        told = None
        if both and before is not None:
            left -= sum(each.summary[name] for each in (before, one) for name in ("images", "annotations"))
            told = differences.compare(session, before, one).to_json() if left >= 0 else None
        listed.append({"version": one, "day": Described(one, runtime.addresses).day, "diff": told, "before": one.previous})
    return listed


def _others(session: Session, version: Version) -> list[tuple[str, str]]:
    """Other datasets that hold some of its first images."""
    members = store.page_of_images(session, version.key, version.number, after="", limit=content.PAGE)
    found = store.with_image(session, [one.media_key for one in members], OTHERS_SHOWN * 5)
    names = dict.fromkeys(key for key, _ in found if key != version.key)
    return [(key, service.get(session, key).title) for key in list(names)[:OTHERS_SHOWN]]


def signposts(version: Version, runtime: Runtime) -> Signposts:
    """What the page tells programs (FAIR Signposting)."""
    of = Described(version, runtime.addresses)
    people: Sequence[str] = [one["orcid"] for one in of.creators if one["orcid"]]
    return Signposts(
        cite_as=of.cited,
        described_by=(
            (of.below("croissant.json"), "application/ld+json"),
            (of.below("ro-crate-metadata.json"), "application/ld+json"),
            (of.below("datacite.json"), "application/json"),
            (of.below("datacite.xml"), "application/xml"),
        ),
        items=((of.below("archive.zip"), "application/zip"), (of.below("members.jsonl"), "application/x-ndjson")),
        authors=tuple(people),
        licence=of.licence,
        types=("https://schema.org/Dataset",),
        linkset=of.below("linkset.json"),
        more=(("collection", of.addresses.dataset_page(version.key)),),
    )
