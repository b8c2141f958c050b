"""Croissant 1.1 and schema.org of a version (https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html).

Images, annotations and splits are record sets over the tables of the package: its documents lie beside this one, so that who
has taken the package along loads them without the hub.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotations.datasets import citing
from annotations.datasets.describing import Described

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "dwc": "http://rs.tdwg.org/dwc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "arrayShape": "cr:arrayShape",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
IMAGE_FIELDS = (
    ("id", "sc:Text", "The ARK of the image"),
    ("path", "sc:Text", "Its file in the package; empty where it is not given out"),
    ("url", "sc:URL", "Its IIIF image service"),
    ("width", "sc:Integer", "Pixels of the upright image"),
    ("height", "sc:Integer", "Pixels of the upright image"),
    ("sha256", "sc:Text", "Of the file"),
    ("specimen", "sc:Text", "The ARK of the specimen"),
    ("licence", "sc:Text", "Of the picture, empty where none is stated"),
    ("split", "sc:Text", "Which part it is for"),
)
ANNOTATION_FIELDS = (
    ("id", "sc:Text", "The annotation, on this hub"),
    ("version", "sc:Integer", "Which version of it"),
    ("image", "sc:Text", "The ARK of the image"),
    ("class", "sc:Text", "What it says that there is"),
    ("split", "sc:Text", "That of the image"),
)
BOX = ("box", "cr:BoundingBox", "x0, y0, x1, y1 in pixels of the upright image")


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file of a package."""

    name: str
    sha256: str
    byte_size: int
    media_type: str


def schema_org(of: Described, files: Sequence[MadeFile] = ()) -> dict[str, Any]:
    """What stands in the landing page: schema.org with all licences, and what can be downloaded."""
    licences = list(dict.fromkeys([of.licence, *of.picture_licences]))
    said: dict[str, Any] = {
        "@type": "Dataset",
        "@id": of.pid,
        "identifier": [of.pid, of.content_id, *([of.cited] if of.version.doi else [])],
        "name": of.title,
        "description": of.description,
        "url": of.page,
        "version": str(of.version.number),
        "datePublished": of.day,
        "dateModified": of.day,
        "inLanguage": "en",
        "isAccessibleForFree": True,
        "conditionsOfAccess": "http://publications.europa.eu/resource/authority/access-right/PUBLIC",
        "license": licences,
        "creator": [_person(of, one) for one in of.creators],
        "publisher": {"@type": "Organization", "name": of.publisher, **_url(of.told["publisher"]["url"])},
        "keywords": list(of.told["keywords"]) or ["natural history collections", "annotated images"],
        "isBasedOn": [],
        "isPartOf": {"@type": "Dataset", "@id": of.concept, "name": of.title, "url": of.concept},
        "variableMeasured": [
            {"@type": "PropertyValue", "name": name, "value": sum(splits.values())}
            for name, splits in list(of.summary["classes"].items())[:50]
        ],
        "citation": citing.text(of),
        "distribution": [_download(of, one) for one in files],
    }
    if of.version.previous:
        said["isBasedOn"] = [of.addresses.pid(f"{of.version.key}.v{of.version.previous}")]
    return {name: value for name, value in said.items() if value or value is False}


def _url(text: str) -> dict[str, str]:
    return {"url": text} if text else {}


def _person(of: Described, said: Mapping[str, str]) -> dict[str, Any]:
    kind = "Person" if of.has_people else "Organization"
    return {"@type": kind, "name": said["name"], **({"@id": said["orcid"]} if said["orcid"] else {})}


def _download(of: Described, one: MadeFile) -> dict[str, Any]:
    return {
        "@type": "DataDownload",
        "name": one.name,
        "contentUrl": of.below(f"files/{one.name}"),
        "encodingFormat": one.media_type,
        "contentSize": str(one.byte_size),
        "sha256": one.sha256,
    }


def croissant(of: Described, files: Sequence[MadeFile], *, base: str = "") -> dict[str, Any]:
    """The document; `base` stands before the names of files, which lie beside it where that is empty."""
    by_name = {one.name: one for one in files}
    said = {**schema_org(of), "@type": "sc:Dataset"}
    said.pop("isPartOf")
    said.pop("variableMeasured", None)
    said |= {
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "citeAs": citing.text(of),
        "isLiveDataset": False,
        "distribution": [_file_object(by_name[name], base) for name in ("images.csv", "annotations.jsonl") if name in by_name],
        "recordSet": [_splits(of), _images(), _annotations()],
    }
    said["keywords"] = list(said["keywords"])
    return {"@context": CONTEXT, **said}


def _file_object(one: MadeFile, base: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": one.name,
        "name": one.name,
        "contentUrl": f"{base}{one.name}",
        "contentSize": f"{one.byte_size} B",
        "encodingFormat": "text/csv" if one.name.endswith(".csv") else "application/jsonlines",
        "sha256": one.sha256,
    }


def _splits(of: Described) -> dict[str, Any]:
    names = list(dict(of.told["split"]["shares"]))
    known = {"train": "cr:TrainingSplit", "validation": "cr:ValidationSplit", "test": "cr:TestSplit"}
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [
            {"@type": "cr:Field", "@id": "splits/name", "name": "name", "dataType": "sc:Text"},
            {"@type": "cr:Field", "@id": "splits/url", "name": "url", "dataType": ["sc:URL", "cr:Split"]},
        ],
        "data": [{"splits/name": name, "splits/url": known.get(name, "cr:Split")} for name in names],
    }


def _images() -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "images",
        "name": "images",
        "key": {"@id": "images/id"},
        "field": [_field("images", "images.csv", *one) for one in IMAGE_FIELDS],
    }


def _annotations() -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "annotations",
        "name": "annotations",
        "field": [_field("annotations", "annotations.jsonl", *one) for one in (*ANNOTATION_FIELDS, BOX)],
    }


def _field(of: str, file: str, name: str, data_type: str, description: str) -> dict[str, Any]:
    said: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{of}/{name}",
        "name": name,
        "description": description,
        "dataType": data_type,
        "source": {"fileObject": {"@id": file}, "extract": {"column": name}},
    }
    if (of, name) == ("images", "split"):  # mlcroissant 1.1 joins no JSON Lines, so annotations name theirs without a reference
        said["references"] = {"field": {"@id": "splits/name"}}
    return said
