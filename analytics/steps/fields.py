"""Darwin Core terms from the words of the labels, beside the record: what it lacks or says otherwise is proposed.

The step reads no pixels. It takes the labels that the step `ocr` stated, as they stand now, and reads each by the parsers of
`fields_label.py`. A value rests on the statement of its label, and lies where its words stand.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analytics.steps import fields_label, fields_trust
from analytics.steps.fields_compare import is_finer_date, same
from analytics.steps.fields_text import Reading
from analytics.steps.model import Finding, SheetImage, StepContext, StepResult
from annotations.model import CanvasBox
from annotations.proposed.form import KIND, OF_THE_SOURCE
from annotations.regions import Region
from iiif.catalogue.places import tells_place
from ontology.darwin_core import TERMS, label_of

LOWEST_CONFIDENCE = 0.6
CLEARER = 0.15  # by so much one of two values that labels give is more trusted than the other, or neither is proposed
MOST_PROPOSED = 40


@dataclass(frozen=True, slots=True)
class _Field:
    """A reading on a label: how sure it is, the box of its lines in pixels (None where nobody knows it),
    and the address of the label's statement."""

    reading: Reading
    confidence: float
    box: CanvasBox | None
    label: str

    @property
    def term(self) -> str:
        return self.reading.term


def run(image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult:
    """A finding "fields" with all that was read, beside the record, and one "proposal" for each value that the record lacks.

    `lowest_confidence`: what is less sure is not proposed.
    """
    lowest = float(parameters.get("lowest_confidence", LOWEST_CONFIDENCE))
    if "ocr" in context.failed:
        return StepResult((), "The step ocr failed, so no label could be read for the record.")
    labels = context.of_kind("label")
    fields = [field for label in labels for field in _fields_of(label)]
    if context.withholds_place:
        fields = [field for field in fields if not tells_place(field.term)]
    if not fields:
        return StepResult((), f"Looked for names, people, dates and places on {len(labels)} labels: nothing was recognised.")
    told = [_beside(chosen, clear, context, lowest) for chosen, clear in _one_each(fields)]
    proposals = [_proposal(field, said, image) for field, said in told if said["is"] in ("new", "differs")]
    summary = Finding("fields", _sentence([said for _, said in told]), data={"terms": [said for _, said in told]})
    return StepResult((summary, *proposals[:MOST_PROPOSED]))


def _fields_of(label: Finding) -> Iterable[_Field]:
    """What is read on one label."""
    spans = _spans(label)
    for reading in fields_label.read(label.text):
        lines = [line for start, end, line in spans if start < reading.end and reading.start < end]
        poorest = min((float(line.get("confidence", 0)) for line in lines), default=0.0)
        yield _Field(reading, fields_trust.confidence(reading.rule, poorest), _around(lines, label), label.iri)


def _spans(label: Finding) -> list[tuple[int, int, Mapping[str, Any]]]:
    """Where each line of the label stands in its text; the whole text for each where a person has corrected the text since."""
    lines = [line for line in label.data.get("lines", ()) if isinstance(line, Mapping)]
    spans, at = [], 0
    for line in lines:
        words = str(line.get("text", ""))
        start = label.text.find(words, at)
        if start < 0 or label.text[at:start].strip():
            return [(0, len(label.text), one) for one in lines]
        at = start + len(words)
        spans.append((start, at, line))
    return spans


def _around(lines: Sequence[Mapping[str, Any]], label: Finding) -> CanvasBox | None:
    boxes = [tuple(map(float, str(line["xywh"]).split(","))) for line in lines if "xywh" in line]
    if not boxes:
        return label.box
    x0, y0 = min(box[0] for box in boxes), min(box[1] for box in boxes)
    return CanvasBox(x0, y0, max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes))


def _one_each(fields: Sequence[_Field]) -> Iterable[tuple[_Field, bool]]:
    """Of each term the surest field, and whether no other label says something else about as surely."""
    for term in dict.fromkeys(field.term for field in fields):
        those = sorted((field for field in fields if field.term == term), key=lambda field: -field.confidence)
        first = those[0]
        others = [field for field in those if not same(term, field.reading.value, first.reading.value)]
        yield first, not others or first.confidence - others[0].confidence >= CLEARER


def _beside(field: _Field, clear: bool, context: StepContext, lowest: float) -> tuple[_Field, dict[str, Any]]:
    """What was read beside what the record says; `is` tells how they stand to one another, and why nothing is proposed."""
    reading = field.reading
    known = context.record.get(reading.term, "")
    if known and (same(reading.term, reading.value, known) or _is_coarser(reading, known)):
        stands = "agrees"
    elif reading.term in OF_THE_SOURCE or reading.term not in TERMS:
        stands = "differs, for its source to change" if known else "only told"
    elif context.specimens > 1:
        stands = "of several specimens"
    elif not clear:
        stands = "labels differ"
    elif field.confidence < lowest:
        stands = "not sure"
    else:
        stands = "differs" if known else "new"
    said = {
        "term": reading.term,
        "value": reading.value,
        "verbatim": reading.verbatim,
        "rule": reading.rule,
        "confidence": round(field.confidence, 3),
        "is": stands,
    }
    if box := field.box:
        said["xywh"] = f"{box.x0:.0f},{box.y0:.0f},{box.x1 - box.x0:.0f},{box.y1 - box.y0:.0f}"
    return field, {**said, "record": known} if known else said


def _is_coarser(reading: Reading, known: str) -> bool:
    """Whether the record says the same date more exactly."""
    return reading.term in ("eventDate", "dateIdentified") and is_finer_date(known, reading.value)


def _proposal(field: _Field, said: Mapping[str, Any], image: SheetImage) -> Finding:
    box = field.box
    return Finding(
        KIND,
        field.reading.value,
        None if box is None else image.within(Region.of_box(box.x0, box.y0, box.x1, box.y1)),
        confidence=round(field.confidence, 3),
        motivations=("editing",),
        data=said,
        rests_on=(field.label,) if field.label else (),
    )


def _sentence(told: Sequence[Mapping[str, Any]]) -> str:
    """For people: what the labels say that the record says too, what it lacks, and where they differ."""
    groups = (
        ("The record says the same of", ("agrees",)),
        ("The record lacks", ("new",)),
        ("The record says something else of", ("differs", "differs, for its source to change")),
        ("Too doubtful to be proposed:", ("labels differ", "not sure")),
        ("The image shows several specimens, and it is not known whose these are:", ("of several specimens",)),
        ("Also on the labels:", ("only told",)),
    )
    parts = []
    for begin, states in groups:
        if names := [_label_of(one["term"]) for one in told if one["is"] in states]:
            parts.append(f"{begin} {', '.join(names)}.")
    return "Read on the labels. " + " ".join(parts)


def _label_of(term: str) -> str:
    name = label_of(term)
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]
