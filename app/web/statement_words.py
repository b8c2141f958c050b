"""Who says a statement, when, and on what grounds, in words. The only probability is that of a value proposed for the record."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from annotations.bodies import several
from annotations.model import Annotation

CHECKED = {
    "QR code": "Decoded; the code carries its own error correction, which agreed.",
    "Data Matrix": "Decoded; the code carries its own error correction, which agreed.",
    "Code 128": "Decoded; its check character agrees.",
}
UNCHECKED = "Decoded; a code of this kind need not have a check character, so it may be misread."
POORLY = 0.9  # of the recogniser's score: below it, one line in a few has an error
NAMES_SHOWN = 5
Ends = tuple[tuple[float, float], tuple[float, float]]


def creators(annotation: Annotation) -> tuple[str, ...]:
    """The identifiers of those whom the statement names as who made it, as far as it gives any."""
    said = several(annotation.document.get("creator"))
    ids = (one.get("id") if isinstance(one, Mapping) else one for one in said)
    return tuple(one for one in ids if isinstance(one, str))


def author(annotation: Annotation, people: Mapping[str, str]) -> str:
    """Whom the statement names as who made it; of a person's that names nobody it says so.

    `people` are the names of people with an account, by identifier; those go before what the statement calls them.
    """
    names = [name for one in several(annotation.document.get("creator")) if (name := _name(one, people))]
    if annotation.layer == "machine":
        return ", ".join(names) or "a machine"
    if not names:
        return "a person who is not named"
    left = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {left} more" if left > 0 else "")


def when(at: datetime) -> str:
    return f"{at:%d %b %Y, %H:%M} UTC"


def grounds(annotation: Annotation) -> str:
    """What a machine's statement stands on, in a sentence; empty where its own text says it, and of what people say."""
    if annotation.layer != "machine":
        return ""
    details = details_of(annotation)
    if annotation.kind == "barcode":
        return CHECKED.get(str(details.get("format")), UNCHECKED)
    if annotation.kind == "proposal" and annotation.confidence is not None:
        right = f"of a hundred values read like this one, about {annotation.confidence * 100:.0f} are right"
        return f"Read from the words “{details.get('verbatim', '')}”; {right}."
    if annotation.kind in ("label", "text"):
        return _of_reading(details)
    if annotation.kind == "ruler" and annotation.value is not None:
        witnesses = [str(one) for one in several(details.get("witnesses"))]
        return f"The unit was told by the ruler's own marks: {'; '.join(witnesses)}." if witnesses else ""
    return ""


def bodies(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The bodies that are more than an IRI."""
    yield from (body for body in several(document.get("body")) if isinstance(body, Mapping))


def details_of(annotation: Annotation) -> Mapping[str, Any]:
    """What stands behind a machine's statement."""
    return next((one for one in _members(annotation, "details") if isinstance(one, Mapping)), {})


def rests_on(annotation: Annotation) -> str:
    """The IRI of the scale that a size in millimetres rests on; empty where none is named."""
    named = (iri for one in _members(annotation, "wasDerivedFrom") for iri in several(one))
    return next((str(iri) for iri in named), "") if "mm" in annotation.unit else ""


def is_doubtful(annotation: Annotation) -> bool:
    return bool(details_of(annotation).get("doubts"))


def ends_px(annotation: Annotation) -> Ends | None:
    """The ends of the line that was measured, in canvas units; None where none was."""
    ends = details_of(annotation).get("endsPx") if annotation.layer == "machine" or annotation.kind == "distance" else None
    match ends:
        case [[int() | float() as x0, int() | float() as y0], [int() | float() as x1, int() | float() as y1]]:
            return (float(x0), float(y0)), (float(x1), float(y1))
    return None


def _of_reading(details: Mapping[str, Any]) -> str:
    lines = [line for line in several(details.get("lines")) if isinstance(line, Mapping)]
    poor = sum(isinstance(line.get("confidence"), int | float) and line["confidence"] < POORLY for line in lines)
    if not poor:
        return "Read by machine, not proofread."
    return f"Read by machine, not proofread; {poor} of {len(lines)} {'line' if len(lines) == 1 else 'lines'} poorly."


def _name(creator: Any, people: Mapping[str, str]) -> str:
    known = creator if isinstance(creator, Mapping) else {"id": creator}
    said = str(known.get("id") or "")
    return str(people.get(said) or known.get("name") or known.get("nickname") or said)


def _members(annotation: Annotation, name: str) -> Iterator[Any]:
    yield from (body[name] for body in bodies(annotation.document) if name in body)
