"""RO-Crate 1.1 of a package (https://w3id.org/ro/crate/1.1), and its README for people."""

from collections.abc import Iterable, Sequence
from typing import Any

from annotations.datasets import citing, content
from annotations.datasets.croissant import MadeFile
from annotations.datasets.describing import Described, https
from annotations.datasets.model import ImageMember

MOST_IMAGES = 5_000  # that the crate describes one by one; more of them only by images.csv
CONTEXT = ["https://w3id.org/ro/crate/1.1/context", {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}]
ABOUT = {
    "members.jsonl": "The manifest: what the version is made of. Its SHA-256 is the content id.",
    "manifest.sha256": "Proves the manifest: sha256sum -c manifest.sha256",
    "images.csv": "The images, one a row: file, size, licence, holder, creator, split.",
    "annotations.jsonl": "The annotations, one a line, each with its W3C document and its box in pixels of the upright image.",
    "records.jsonl": "The Darwin Core records of the specimens, one a line, in the version that is a member.",
    "withheld.csv": "Images that are not given out, and why.",
    "ATTRIBUTION.csv": "Whom to name, counted; the rows of images add up to their number.",
    "LICENSE.txt": "The licence of the compilation, and those of the pictures.",
    "dataset.json": "Question, split rule, class table, counts and what was left out.",
    "citation.txt": "How to cite, in words.",
    "citation.bib": "The same as BibTeX.",
    "citation.ris": "The same as RIS.",
    "citation.json": "The same as CSL-JSON.",
    "datacite.json": "DataCite 4.7 metadata as JSON.",
    "datacite.xml": "The same as XML.",
    "croissant.json": "Croissant 1.1: loads images.csv and annotations.jsonl into machine learning.",
    "README.md": "What this is.",
    "manifest-sha256.txt": "The SHA-256 of every file: sha256sum -c manifest-sha256.txt",
}


def metadata(of: Described, files: Sequence[MadeFile], images: Iterable[ImageMember]) -> dict[str, Any]:
    """`ro-crate-metadata.json`: every file, with its digest; of more images than MOST_IMAGES their table alone."""
    entities: list[dict[str, Any]] = []
    for one in sorted(files, key=lambda file: file.name):
        said = {"@id": one.name, "@type": "File", "name": one.name, "encodingFormat": one.media_type}
        said |= {"contentSize": str(one.byte_size), "description": ABOUT.get(one.name, one.name)}
        entities.append(said | ({"sha256": one.sha256} if one.sha256 else {}))
    licences = {of.licence: None}
    for image in images:
        entity: dict[str, Any] = {
            "@id": content.path_of(image),
            "@type": "File",
            "name": f"Image {image.media_key}",
            "encodingFormat": image.media_type,
            "contentSize": str(image.byte_size),
            "sha256": image.sha256,
            "isBasedOn": {"@id": of.addresses.pid(image.specimen_key)},
        }
        if image.licence:
            licences[https(image.licence)] = None
            entity["license"] = {"@id": https(image.licence)}
        entities.append(entity)
    people = [_creator(of, number, one) for number, one in enumerate(of.creators, 1)]
    root: dict[str, Any] = {
        "@id": "./",
        "@type": "Dataset",
        "name": of.title,
        "description": of.description,
        "datePublished": of.day,
        "license": {"@id": of.licence},
        "identifier": of.pid,
        "url": of.page,
        "version": str(of.version.number),
        "creator": [{"@id": one["@id"]} for one in people],
        "publisher": {"@id": "#publisher"},
        "creditText": citing.text(of),
        "keywords": ", ".join(of.told["keywords"]),
        "hasPart": [{"@id": one["@id"]} for one in entities],
    }
    graph = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        },
        {name: value for name, value in root.items() if value},
        *people,
        {"@id": "#publisher", "@type": "Organization", "name": of.publisher},
        *({"@id": iri, "@type": "CreativeWork", "name": iri, "description": "Licence"} for iri in licences),
        *entities,
    ]
    return {"@context": CONTEXT, "@graph": graph}


def _creator(of: Described, number: int, said: dict[str, str]) -> dict[str, Any]:
    kind = "Person" if of.has_people else "Organization"
    return {"@id": said["orcid"] or f"#creator-{number}", "@type": kind, "name": said["name"]}


def readme(of: Described, files: Sequence[MadeFile]) -> str:
    """`README.md`."""
    counted = of.summary
    lines = [
        f"# {of.title}",
        "",
        f"Version {of.version.number}, frozen on {of.day}. {of.contents}",
        "",
        *([str(of.told["description"]), ""] if of.told["description"] else []),
        f"- Identifier: {of.cited}",
        f"- Content id: `{of.content_id}`",
        f"- Licence of the compilation: {of.licence}; pictures: LICENSE.txt",
        "",
        "## Cite",
        "",
        citing.text(of),
        "",
        "## Splits",
        "",
        *(f"- {name}: {number:,} images" for name, number in counted["splits"].items()),
        "",
        "Images that share a specimen, a gathering or their bytes are in one split.",
        "",
        "## Files",
        "",
        *(f"- `{one.name}`: {ABOUT.get(one.name, '')}" for one in files),
        "- `images/`: the originals, by the key of the image",
        "- `ro-crate-metadata.json`: all of this for machines",
    ]
    if counted["leftOut"]:
        lines += ["", "## Left out", "", *(f"- {one['images']:,} images: {one['reason']}" for one in counted["leftOut"])]
    return "\n".join(lines) + "\n"
