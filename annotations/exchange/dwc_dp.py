"""Darwin Core Data Package: material, its media, and regions of interest as media that are parts of others.

Darwin Core Data Package guide (dwc.tdwg.org/dp): tables of CSV with a `datapackage.json` that gives each its schema. Regions are
boxes as fractions of the image. Reading takes the media that are parts of others.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from annotations.exchange import dwca
from annotations.exchange.abilities import Ability, table
from annotations.exchange.classes import ClassTable
from annotations.exchange.losses import Losses
from annotations.exchange.model import ExchangeImage, Files, Found, ImageStream, Options, Piece, ReadOptions
from annotations.exchange.naming import whole
from annotations.exchange.pieces import HeldBack
from app.runtime.errors import Invalid
from app.runtime.spreadsheets import csv_line

OF_RECORD = (
    "institutionCode", "collectionCode", "catalogNumber", "otherCatalogNumbers", "preparations", "disposition", "typeStatus",
    "verbatimIdentification", "identifiedBy", "dateIdentified", "scientificName", "scientificNameAuthorship", "taxonRank",
)  # fmt: skip
MATERIAL = ("materialEntity_pk", "materialEntityID", "materialEntityCategory", *OF_RECORD)
MEDIA = (
    "media_pk", "mediaID", "isPartOfMediaID", "mediaType", "title", "description", "language", "accessURI", "format",
    "pixelXDimension", "pixelYDimension", "hashFunction", "hashValue", "comments", "subjectPartLiteral", "subjectPartIRI",
    "xFrac", "yFrac", "widthFrac", "heightFrac", "usagePolicy_fk",
)  # fmt: skip
LINKS = ("media_fk", "materialEntity_fk")
POLICIES = ("usagePolicy_pk", "usagePolicyID", "license", "rightsHolder")
TYPES = dict.fromkeys(("pixelXDimension", "pixelYDimension"), "integer")
SHARES = ("xFrac", "yFrac", "widthFrac", "heightFrac")
TYPES |= dict.fromkeys(SHARES, "number")
NOT_KEPT = ("creator", "class term", "licence")
ABILITIES = table(
    **{name.replace(" ", "_"): ability for name, ability in dwca.ABILITIES.items() if name not in NOT_KEPT},
    class_term=Ability("exact", "as subjectPartIRI"),
)
DESCRIPTOR = "datapackage.json"
MOST_BYTES = 20_000_000


def write(stream: ImageStream, classes: ClassTable, losses: Losses, options: Options) -> Iterator[Piece]:
    """`material.csv`, `media.csv`, `material-media.csv`, `usage-policy.csv` and `datapackage.json`."""
    material, links = HeldBack(), HeldBack()
    policies: dict[tuple[str, str], str] = {}
    specimens: set[str] = set()
    yield "media.csv", csv_line(MEDIA).encode()
    for image, statements in stream:
        losses.image(len(statements))
        if image.specimen_key not in specimens:
            specimens.add(image.specimen_key)
            known = {"materialEntity_pk": image.specimen_iri, "materialEntityID": image.specimen_iri}
            said = {**image.record, **known, "materialEntityCategory": "PreservedSpecimen"}
            material.add(csv_line([said.get(name, "") for name in MATERIAL]))
        policy = ""
        if image.licence or image.rights_holder:
            policy = policies.setdefault((image.licence, image.rights_holder), f"p{len(policies) + 1}")
        links.add(csv_line([image.iri, image.specimen_iri]))
        yield "media.csv", _row(_image(image, policy))
        for one in statements:
            if (row := dwca.region_row(image, one, classes, losses)) is not None:
                yield "media.csv", _row(_region(row, policy))
    for name, columns, rows in (("material", MATERIAL, material), ("material-media", LINKS, links)):
        yield f"{name}.csv", csv_line(columns).encode()
        yield from rows.pieces(f"{name}.csv")
    yield "usage-policy.csv", csv_line(POLICIES).encode()
    for (licence, holder), key in policies.items():
        yield "usage-policy.csv", csv_line([key, licence, licence, holder]).encode()
    yield DESCRIPTOR, (json.dumps(_descriptor(options), ensure_ascii=False, indent=1) + "\n").encode()


def _image(image: ExchangeImage, policy: str) -> Mapping[str, Any]:
    return {
        "media_pk": image.iri, "mediaID": image.iri, "mediaType": "StillImage", "title": image.file_name,
        "accessURI": image.access_iri, "format": image.media_type, "pixelXDimension": image.width,
        "pixelYDimension": image.height, "hashFunction": "SHA-256" if image.sha256 else "",
        "hashValue": image.sha256, "usagePolicy_fk": policy,
    }  # fmt: skip


def _region(row: list[Any], policy: str) -> Mapping[str, Any]:
    """A region of interest, which is a medium of its own and a part of its image."""
    said = dict(zip((name for name, _ in dwca.REGIONS), row, strict=True))
    return {
        "media_pk": said["identifier"], "mediaID": said["identifier"], "isPartOfMediaID": said["isROIOf"],
        "mediaType": "StillImage", **{name: said[name] for name in ("description", "language", "comments", *SHARES)},
        "subjectPartLiteral": said["subjectPart"], "subjectPartIRI": said["CVterm"], "usagePolicy_fk": policy,
    }  # fmt: skip


def _descriptor(options: Options) -> dict[str, Any]:
    keys = {"material": "materialEntity_pk", "media": "media_pk", "usage-policy": "usagePolicy_pk"}
    refers = {
        "media": [("usagePolicy_fk", "usage-policy", "usagePolicy_pk")],
        "material-media": [("media_fk", "media", "media_pk"), ("materialEntity_fk", "material", "materialEntity_pk")],
    }
    resources = []
    tables = {"material": MATERIAL, "media": MEDIA, "material-media": LINKS, "usage-policy": POLICIES}
    for name, columns in tables.items():
        schema: dict[str, Any] = {"fields": [{"name": column, "type": TYPES.get(column, "string")} for column in columns]}
        if name in keys:
            schema["primaryKey"] = keys[name]
        if name in refers:
            schema["foreignKeys"] = [
                {"fields": column, "reference": {"resource": resource, "fields": key}} for column, resource, key in refers[name]
            ]
        resources.append(
            {"name": name, "path": f"{name}.csv", "profile": "tabular-data-resource", "format": "csv", "encoding": "utf-8",
             "mediatype": "text/csv", "schema": schema}
        )  # fmt: skip
    return {
        "name": "annotations", "title": options.title or "Annotations", "profile": "tabular-data-package", "resources": resources,
    }  # fmt: skip


def _row(said: Mapping[str, Any]) -> bytes:
    return csv_line([said.get(name, "") for name in MEDIA]).encode()


def read(files: Files, _options: ReadOptions) -> Iterator[Found]:
    """Every medium that is a part of another. Raises Invalid where there is no package, or none with media."""
    name = next((name for name in files.names() if PurePosixPath(name).name == DESCRIPTOR), "")
    if not name:
        raise Invalid(f"A Darwin Core Data Package has a {DESCRIPTOR}, and there is none.")
    try:
        descriptor = json.loads(whole(files, name, MOST_BYTES))
        paths = [one["path"] for one in descriptor["resources"] if one.get("name") == "media" and isinstance(one["path"], str)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Invalid(f"{DESCRIPTOR} cannot be read, or lists no resources.") from error
    folder = PurePosixPath(name).parent
    for path in paths:
        media: dict[str, Mapping[str, str]] = {}
        for _, row in _rows(files, str(folder / path)):
            if not row.get("isPartOfMediaID"):
                media[row.get("media_pk", "")] = row
        for place, row in _rows(files, str(folder / path)):
            if row.get("isPartOfMediaID"):
                yield _found(row, f"{path}: row {place}", media)
    if not paths:
        raise Invalid("The package has no table of media.")


def _found(row: Mapping[str, str], where: str, media: Mapping[str, Mapping[str, str]]) -> Found:
    about = media.get(row["isPartOfMediaID"], {})
    told = {
        **row, "identifier": row.get("mediaID") or row.get("media_pk", ""), "isROIOf": row["isPartOfMediaID"],
        "CVterm": row.get("subjectPartIRI", ""),
    }  # fmt: skip
    known = {row["isPartOfMediaID"]: {**about, "identifier": row["isPartOfMediaID"]}} if about else {}
    return dwca.region_of(told, where, known)


def _rows(files: Files, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with files.open(name) as binary:
            table_of = csv.DictReader(io.TextIOWrapper(binary, encoding="utf-8-sig", newline=""))
            for place, row in enumerate(table_of, 1):
                yield place, {key: value for key, value in row.items() if isinstance(key, str) and isinstance(value, str)}
    except FileNotFoundError as missing:
        raise Invalid(f"The file {name[:200]!r} that {DESCRIPTOR} names is not there.") from missing
    except (csv.Error, UnicodeDecodeError) as error:
        raise Invalid(f"{name[:200]!r} is no CSV in UTF-8: {str(error)[:100]}") from error
