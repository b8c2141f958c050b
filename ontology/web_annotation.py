"""The JSON-LD context of the Web Annotation Vocabulary (W3C Recommendation 2017, appendix A), from its tables of terms.

It stands in for http://www.w3.org/ns/anno.jsonld, which nothing here fetches: a document means the same with either.
"""

from typing import Any

IRI = "http://www.w3.org/ns/anno.jsonld"
OA = "http://www.w3.org/ns/oa#"
PREFIXES = {
    "oa": OA,
    "as": "http://www.w3.org/ns/activitystreams#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "dctypes": "http://purl.org/dc/dcmitype/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "iana": "http://www.iana.org/assignments/relation/",
    "owl": "http://www.w3.org/2002/07/owl#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "schema": "http://schema.org/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
CLASSES_OF_OA = (
    "Annotation TextualBody ResourceSelection SpecificResource Choice FragmentSelector CssSelector XPathSelector "
    "TextQuoteSelector TextPositionSelector DataPositionSelector SvgSelector RangeSelector TimeState HttpRequestState Motivation"
)
OTHER_CLASSES = {
    "CssStylesheet": "oa:CssStyle",
    "Dataset": "dctypes:Dataset",
    "Image": "dctypes:StillImage",
    "Video": "dctypes:MovingImage",
    "Audio": "dctypes:Sound",
    "Text": "dctypes:Text",
    "Person": "foaf:Person",
    "Organization": "foaf:Organization",
    "Software": "as:Application",
    "AnnotationCollection": "as:OrderedCollection",
    "AnnotationPage": "as:OrderedCollectionPage",
    "Audience": "schema:Audience",
}
MOTIVATIONS = (
    "bookmarking classifying commenting describing editing highlighting identifying linking moderating questioning replying "
    "reviewing tagging"
)
DIRECTIONS = {"auto": "oa:autoDirection", "ltr": "oa:ltrDirection", "rtl": "oa:rtlDirection"}
RESOURCES = {  # members whose value is a resource
    "body": "oa:hasBody",
    "target": "oa:hasTarget",
    "source": "oa:hasSource",
    "selector": "oa:hasSelector",
    "state": "oa:hasState",
    "scope": "oa:hasScope",
    "refinedBy": "oa:refinedBy",
    "startSelector": "oa:hasStartSelector",
    "endSelector": "oa:hasEndSelector",
    "renderedVia": "oa:renderedVia",
    "via": "oa:via",
    "canonical": "oa:canonical",
    "stylesheet": "oa:styledBy",
    "cached": "oa:cachedSource",
    "creator": "dcterms:creator",
    "rights": "dcterms:rights",
    "conformsTo": "dcterms:conformsTo",
    "generator": "as:generator",
    "partOf": "as:partOf",
    "first": "as:first",
    "last": "as:last",
    "next": "as:next",
    "prev": "as:prev",
    "homepage": "foaf:homepage",
    "audience": "schema:audience",
}
WORDS = {"motivation": "oa:motivatedBy", "purpose": "oa:hasPurpose", "textDirection": "oa:textDirection"}
TEXTS = {
    "accessibility": "schema:accessibilityFeature",
    "bodyValue": "oa:bodyValue",
    "exact": "oa:exact",
    "prefix": "oa:prefix",
    "suffix": "oa:suffix",
    "styleClass": "oa:styleClass",
    "processingLanguage": "oa:processingLanguage",
    "format": "dc:format",
    "language": "dc:language",
    "value": "rdf:value",
    "label": "rdfs:label",
    "name": "foaf:name",
    "email": "foaf:mbox",
    "email_sha1": "foaf:mbox_sha1sum",
    "nickname": "foaf:nick",
}
TIMES = {
    "created": "dcterms:created",
    "modified": "dcterms:modified",
    "generated": "dcterms:issued",
    "sourceDate": "oa:sourceDate",
    "sourceDateStart": "oa:sourceDateStart",
    "sourceDateEnd": "oa:sourceDateEnd",
}
NUMBERS = {"start": "oa:start", "end": "oa:end", "total": "as:totalItems", "startIndex": "as:startIndex"}


def context() -> dict[str, Any]:
    """The value of `@context`."""

    def typed(terms: dict[str, str], kind: str) -> dict[str, Any]:
        return {name: {"@id": iri, "@type": kind} for name, iri in terms.items()}

    return {
        **PREFIXES,
        "id": {"@id": "@id", "@type": "@id"},
        "type": {"@id": "@type", "@type": "@id"},
        **{name: f"oa:{name}" for name in f"{CLASSES_OF_OA} {MOTIVATIONS}".split()},
        **OTHER_CLASSES,
        **DIRECTIONS,
        **typed(RESOURCES, "@id"),
        "items": {"@id": "as:items", "@type": "@id", "@container": "@list"},
        **typed(WORDS, "@vocab"),
        **TEXTS,
        **typed(TIMES, "xsd:dateTime"),
        **typed(NUMBERS, "xsd:nonNegativeInteger"),
    }
