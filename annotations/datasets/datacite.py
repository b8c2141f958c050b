"""DataCite Metadata 4.7 of a version, as JSON (of the DataCite REST API) and as XML."""

from typing import Any
from xml.sax.saxutils import escape, quoteattr

from annotations.datasets.describing import Described
from app.runtime.references import plain

NAMESPACE = "http://datacite.org/schema/kernel-4"
SCHEMA = "http://schema.datacite.org/meta/kernel-4/metadata.xsd"
ORCID = "https://orcid.org"


def attributes(of: Described, doi: str = "") -> dict[str, Any]:
    """What stands in `data.attributes` of a request to DataCite; `doi` is the one to be minted."""
    related = [
        {"relatedIdentifier": of.concept, "relatedIdentifierType": "URL", "relationType": "IsVersionOf"},
        *(
            [{"relatedIdentifier": _previous(of), "relatedIdentifierType": "URL", "relationType": "IsNewVersionOf"}]
            if of.version.previous
            else []
        ),
        {"relatedIdentifier": of.below("croissant.json"), "relatedIdentifierType": "URL", "relationType": "HasMetadata"},
    ]
    return {
        **({"doi": doi or of.version.doi} if doi or of.version.doi else {}),
        "identifiers": [
            {"identifier": of.pid.removeprefix(f"{of.addresses.base}/"), "identifierType": "ARK"},
            {"identifier": of.content_id, "identifierType": "ni"},
        ],
        "url": of.page,
        "creators": [_creator(of, one) for one in of.creators],
        "titles": [{"title": of.title}],
        "publisher": {"name": of.publisher},
        "publicationYear": of.year,
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Images with annotations"},
        "subjects": [{"subject": word} for word in of.told["keywords"]],
        "dates": [{"date": of.day, "dateType": "Issued"}],
        "language": "en",
        "relatedIdentifiers": related,
        "sizes": [f"{of.summary['images']} images", f"{of.summary['bytes']} bytes"],
        "formats": ["image/jpeg", "application/x-ndjson"],
        "version": str(of.version.number),
        "rightsList": _rights(of),
        "descriptions": [{"description": of.description, "descriptionType": "Abstract"}],
        "schemaVersion": "http://datacite.org/schema/kernel-4",
    }


def _previous(of: Described) -> str:
    return of.addresses.pid(f"{of.version.key}.v{of.version.previous}")


def _creator(of: Described, said: dict[str, str]) -> dict[str, Any]:
    orcid = [{"nameIdentifier": said["orcid"], "nameIdentifierScheme": "ORCID", "schemeUri": ORCID}] if said["orcid"] else []
    name_type = "Personal" if of.has_people else "Organizational"
    return {"name": said["name"], "nameType": name_type, "nameIdentifiers": orcid}


def _rights(of: Described) -> list[dict[str, str]]:
    """The compilation's licence first, then all of the pictures', never one for many."""
    listed = [{"rights": "Licence of the compilation", "rightsUri": of.licence}]
    listed += [{"rights": "Licence of pictures", "rightsUri": iri} for iri in of.picture_licences]
    if of.unstated:
        listed.append({"rights": f"{of.unstated} pictures state no licence: see ATTRIBUTION.csv"})
    return listed


def xml(of: Described, doi: str = "") -> str:
    """The same as XML of kernel 4; without a DOI the identifier is the ARK's address, as DataCite takes any there for drafts."""
    said = attributes(of, doi)
    identifier = said.get("doi", "")
    kind = "DOI" if identifier else "URL"
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<resource xmlns="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xsi:schemaLocation="{NAMESPACE} {SCHEMA}">',
        f"<identifier identifierType={quoteattr(kind)}>{_text(identifier or of.pid)}</identifier>",
        "<creators>",
        *(_creator_xml(one) for one in said["creators"]),
        "</creators>",
        f"<titles><title>{_text(of.title)}</title></titles>",
        f"<publisher>{_text(of.publisher)}</publisher>",
        f"<publicationYear>{of.year}</publicationYear>",
        '<resourceType resourceTypeGeneral="Dataset">Images with annotations</resourceType>',
    ]
    if said["subjects"]:
        lines.append(
            "<subjects>" + "".join(f"<subject>{_text(one['subject'])}</subject>" for one in said["subjects"]) + "</subjects>"
        )
    lines += [
        f'<dates><date dateType="Issued">{of.day}</date></dates>',
        "<language>en</language>",
        "<alternateIdentifiers>"
        + "".join(
            f"<alternateIdentifier alternateIdentifierType={quoteattr(one['identifierType'])}>{_text(one['identifier'])}"
            "</alternateIdentifier>"
            for one in said["identifiers"]
        )
        + "</alternateIdentifiers>",
        "<relatedIdentifiers>"
        + "".join(
            f'<relatedIdentifier relatedIdentifierType="URL" relationType={quoteattr(one["relationType"])}>'
            f"{_text(one['relatedIdentifier'])}</relatedIdentifier>"
            for one in said["relatedIdentifiers"]
        )
        + "</relatedIdentifiers>",
        "<sizes>" + "".join(f"<size>{_text(one)}</size>" for one in said["sizes"]) + "</sizes>",
        "<formats>" + "".join(f"<format>{_text(one)}</format>" for one in said["formats"]) + "</formats>",
        f"<version>{of.version.number}</version>",
        "<rightsList>" + "".join(_rights_xml(one) for one in said["rightsList"]) + "</rightsList>",
        f'<descriptions><description descriptionType="Abstract">{_text(of.description)}</description></descriptions>',
        "</resource>",
    ]
    return "\n".join(lines) + "\n"


def _creator_xml(said: dict[str, Any]) -> str:
    orcid = "".join(
        f'<nameIdentifier nameIdentifierScheme="ORCID" schemeURI="{ORCID}">{_text(one["nameIdentifier"])}</nameIdentifier>'
        for one in said["nameIdentifiers"]
    )
    return f'<creator><creatorName nameType="{said["nameType"]}">{_text(said["name"])}</creatorName>{orcid}</creator>'


def _rights_xml(said: dict[str, str]) -> str:
    uri = f" rightsURI={quoteattr(said['rightsUri'])}" if "rightsUri" in said else ""
    return f"<rights{uri}>{_text(said['rights'])}</rights>"


def _text(text: str) -> str:
    return escape(plain(text))
