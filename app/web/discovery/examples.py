"""Questions to the graph, worked out: those that the model was made to answer, each with what it shows."""

import re
from dataclasses import dataclass

from ontology import rdf

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


@dataclass(frozen=True, slots=True)
class Example:
    """`name` is its anchor; `query` has no PREFIX lines, which `with_prefixes` puts before it."""

    name: str
    title: str
    query: str


def with_prefixes(query: str, base: str) -> str:
    """The query with a line for each prefix that it uses."""
    known = {**rdf.PREFIXES, "rdf": RDF, "hub": f"{base}/ns#"}
    used = [name for name in sorted(known) if re.search(rf"(?<![\w:]){name}:", query)]
    return "".join(f"PREFIX {name}: <{known[name]}>\n" for name in used) + query


EXAMPLES = (
    Example(
        "measurements",
        "Which traits were measured, in which unit, how surely, and on which specimen?",
        """SELECT ?trait ?value ?unit ?uncertainty ?specimen WHERE {
  ?said oa:hasBody ?body ; oa:hasTarget ?part .
  ?body dwc:assertionType ?trait ; qudt:quantityValue ?quantity .
  ?quantity qudt:numericValue ?value ; qudt:hasUnit ?unit .
  OPTIONAL { ?quantity qudt:standardUncertainty ?uncertainty }
  ?part ac:isROIOf ?image .
  ?image hub:depicts ?specimen .
} LIMIT 100""",
    ),
    Example(
        "runs",
        "By which run, code, environment and seed was a statement made?",
        """SELECT ?said ?run ?seed ?environment ?pipeline ?code WHERE {
  ?said prov:wasGeneratedBy ?run .
  ?run hub:randomSeed ?seed ; hub:environmentDigest ?environment ;
       prov:qualifiedAssociation/prov:hadPlan ?pipeline .
  ?pipeline hub:swhid ?code .
} LIMIT 100""",
    ),
    Example(
        "models",
        "Which models were used for what is said of an image, and which bytes are they?",
        """SELECT DISTINCT ?image ?model ?name ?content WHERE {
  ?said prov:wasGeneratedBy ?run ; oa:hasTarget/ac:isROIOf ?image .
  ?run prov:used ?model .
  ?model a <https://w3id.org/fair4ml#MLModel> ; foaf:name ?name ; hub:contentId ?content .
} LIMIT 100""",
    ),
    Example(
        "labels",
        "What is written on the labels, by physical specimen?",
        """SELECT ?thing ?text ?said WHERE {
  ?said oa:motivatedBy <http://iiif.io/api/presentation/3#supplementing> ;
        oa:hasTarget/ac:isROIOf ?image ; oa:hasBody ?body .
  ?body a oa:TextualBody ; rdf:value ?text .
  FILTER NOT EXISTS { ?body oa:hasPurpose oa:tagging }
  ?image hub:depicts/hub:digitalTwinOf ?thing .
} LIMIT 100""",
    ),
    Example(
        "identifications",
        "Which of the names proposed for a specimen comes first?",
        """SELECT ?about ?said ?name WHERE {
  ?said oa:motivatedBy oa:identifying ; oa:hasTarget ?about ; oa:hasBody/as:items ?list .
  ?list rdf:first/rdf:value ?name .
} LIMIT 100""",
    ),
    Example(
        "unreviewed",
        "What did machines say that nobody has reviewed, the least sure first?",
        """SELECT ?said ?score ?created WHERE {
  ?said a oa:Annotation ; prov:wasGeneratedBy ?run ; hub:reviewState "unreviewed" ; dct:created ?created .
  OPTIONAL { ?said ods:score ?score }
} ORDER BY ?score LIMIT 100""",
    ),
    Example(
        "segments",
        "How many segments of each class are there?",
        """SELECT ?class (COUNT(?segment) AS ?segments) WHERE {
  ?segment a ac:RegionOfInterest ; ac:CVtermLiteral ?class .
} GROUP BY ?class ORDER BY DESC(?segments)""",
    ),
    Example(
        "collected",
        "Who collected what, where and when?",
        """SELECT ?specimen ?name ?collector ?country ?date WHERE {
  ?specimen a ods:DigitalSpecimen ; dwc:scientificName ?name ; dwc:recordedBy ?collector .
  OPTIONAL { ?specimen dwc:country ?country }
  OPTIONAL { ?specimen dwc:eventDate ?date }
} ORDER BY ?collector ?date LIMIT 100""",
    ),
    Example(
        "licences",
        "Under which licences are the images, and how many of each?",
        """SELECT ?licence (COUNT(?image) AS ?images) WHERE {
  ?image a ac:Media ; dct:license ?licence .
} GROUP BY ?licence ORDER BY DESC(?images)""",
    ),
    Example(
        "people",
        "Who said how much, and who are they elsewhere?",
        """SELECT ?person ?name ?elsewhere (COUNT(?said) AS ?statements) WHERE {
  ?said a oa:Annotation ; dct:creator ?person .
  ?person a prov:Person ; foaf:name ?name .
  OPTIONAL { ?person <http://www.w3.org/2002/07/owl#sameAs> ?elsewhere }
} GROUP BY ?person ?name ?elsewhere ORDER BY DESC(?statements)""",
    ),
)
