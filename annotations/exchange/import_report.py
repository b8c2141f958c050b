"""The report of an import: what came in, what was here already, what was refused and why; in balance."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

MOST_REFUSED = 10_000  # rows that a report lists; the count goes on
EXAMPLES = 20


@dataclass(slots=True)
class ImportReport:
    """Objects read = added + here already + left out by the table of classes + refused."""

    format: str
    file: str
    sha256: str
    dry: bool
    images: int = 0
    images_without_objects: int = 0
    added: int = 0
    known: int = 0
    left_out: int = 0
    refused: int = 0
    refusals: list[dict[str, str]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    unknown_classes: Counter[str] = field(default_factory=Counter)
    alike: list[dict[str, Any]] = field(default_factory=list)
    alike_count: int = 0
    run: str = ""

    @property
    def read(self) -> int:
        return self.added + self.known + self.left_out + self.refused

    def refuse(self, row: str, reason: str) -> None:
        self.refused += 1
        if len(self.refusals) < MOST_REFUSED:
            self.refusals.append({"row": row, "reason": reason})

    def resembles(self, row: str, iri: str, iou: float) -> None:
        """An object that is very like what stands here, of the same class; it came in."""
        self.alike_count += 1
        if len(self.alike) < EXAMPLES:
            self.alike.append({"row": row, "annotation": iri, "iou": round(iou, 3)})

    def to_json(self) -> dict[str, Any]:
        return {
            "format": self.format,
            "file": self.file,
            "sha256": self.sha256,
            "dryRun": self.dry,
            "run": self.run or None,
            "images": self.images,
            "imagesWithoutObjects": self.images_without_objects,
            "objects": {
                "read": self.read,
                "added": self.added,
                "hereAlready": self.known,
                "leftOut": self.left_out,
                "refused": self.refused,
            },
            "classes": dict(self.classes.most_common()),
            "unknownClasses": dict(self.unknown_classes.most_common()),
            "notes": [{"sentence": sentence, "count": count} for sentence, count in self.notes.most_common(200)],
            "alike": {"count": self.alike_count, "examples": self.alike},
            "refusals": self.refusals,
            "refusalsLeftOut": max(0, self.refused - len(self.refusals)),
        }
