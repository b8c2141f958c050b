"""What parts of an image are: the classes of segments, each with its term.

Where the TDWG vocabulary of content descriptions (Audiovisual Core, 2026) has a term it is that, and otherwise one of the hub's
own scheme `hub:segmentClass`, which has broader matches there.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SegmentClass:
    """`name` is our word, `term` its compact IRI, `label` and `plural` are for people."""

    name: str
    term: str
    label: str
    plural: str


CLASSES: Mapping[str, SegmentClass] = {
    one.name: one
    for one in (
        SegmentClass("label", "accd:c01", "Label", "Labels"),
        SegmentClass("ruler", "accd:c03", "Ruler", "Rulers"),
        SegmentClass("chart", "accd:c04", "Colour chart", "Colour charts"),
        SegmentClass("barcode", "accd:c07", "Barcode", "Barcodes"),
        SegmentClass("packet", "accd:c08", "Packet", "Packets"),
        SegmentClass("stamp", "hub:stamp", "Stamp", "Stamps"),
        SegmentClass("signature", "hub:signature", "Signature", "Signatures"),
        SegmentClass("handwriting", "hub:handwriting", "Handwriting", "Handwriting"),
        SegmentClass("specimen", "accd:c06", "Specimen", "Specimens"),
        SegmentClass("leaf", "accd:c06", "Leaf", "Leaves"),
        SegmentClass("flower", "accd:c06", "Flower", "Flowers"),
        SegmentClass("fruit", "accd:c06", "Fruit", "Fruits"),
        SegmentClass("stain", "hub:mercuryStain", "Stain", "Stains"),
        SegmentClass("damage", "hub:herbivoryDamage", "Damage", "Damage"),
        SegmentClass("other", "hub:segment", "Other part", "Other parts"),
    )
}
OF_KIND: Mapping[str, str] = {"outline": "specimen", "text": "label"}  # words of analyses that are not those of classes


def class_of(kind: str) -> str:
    """The class of the segment that a statement of that kind finds; empty where it finds none, as a length does."""
    name = OF_KIND.get(kind, kind)
    return name if name in CLASSES else ""
