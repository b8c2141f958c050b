"""What steps say of an image, set against what is known of it, as outcomes."""

import math
from collections.abc import Iterator, Mapping
from functools import partial

from analytics.evaluation import objects
from analytics.evaluation.measures import block_distance, plain, words
from analytics.evaluation.outcomes import Outcome
from analytics.evaluation.truth import TrueRegion, Truth
from analytics.steps.model import Finding, StepContext
from annotations.model import CanvasBox

MARGIN = 0.02  # of a region's longer side, within which a line's middle may lie outside it
WITHIN = 0.01  # relative error of px_per_mm that counts as right
WRONG = 0.05  # beyond this it is another unit or another thing
STEPS = {"ruler": "ruler", "chart": "chart", "barcode": "barcode"}  # that look for a kind; of labels and all others "ocr"
Earlier = Mapping[str, tuple[Finding, ...]]


def outcomes(
    truth: Truth, earlier: Earlier, unresolved: Mapping[str, str], ran: frozenset[str], overlap: float | None
) -> tuple[Outcome, ...]:
    """Of the steps that ran; one that failed found nothing."""
    context = StepContext("", earlier)
    found: list[Outcome] = []
    if "ruler" in ran:
        found += _scale(truth, context, unresolved.get("ruler", ""))
    if "chart" in ran:
        found += _chart(truth, context)
    if "barcode" in ran:
        found += _codes(truth, context)
    if "ocr" in ran:
        found += _text(truth, context)
    if truth.components:
        found += _components(truth, context, ran)
    if "specimen" in ran and overlap is not None:
        note = f"outline overlaps by {overlap:.3f}"
        found.append(_of(truth)("outline plants", truth.path.name, value=overlap, note=note))
    return tuple(found)


def _of(truth: Truth) -> "partial[Outcome]":
    return partial(Outcome, image=truth.path.name, source=truth.source, tuned=truth.tuned)


def _outcome(truth: Truth, measure: str, unit: str, **more: object) -> Outcome:
    given = {"source": truth.source, "tuned": truth.tuned} | more
    return Outcome(measure, unit, truth.path.name, **given)  # type: ignore[arg-type]  # names and types are those of the class


def _scale(truth: Truth, context: StepContext, why: str) -> Iterator[Outcome]:
    ruler, made = context.scale, partial(_outcome, truth, unit=truth.path.name, kind=truth.ruler)
    value, known = ruler.value if ruler else None, truth.px_per_mm
    box = _xyxy(ruler.box) if ruler else None
    if known is None:
        if not truth.ruler:
            note = f"a scale of {value:.4g} px/mm, where there is no ruler" if value else ""
            yield made("scale unasked", value=float(value is not None), note=note, box=box)
        return
    yield made("scale given", value=float(value is not None))
    if ruler is None or value is None:
        yield made("scale right", value=0.0, note=f"no scale ({known:g} px/mm is true): {why}")
        return
    error, confidence = abs(value / known - 1), ruler.confidence
    note = f"a scale of {value:.4g} px/mm; {known:g} is true ({error:.1%} off)"
    right = error <= WITHIN
    yield made("scale right", value=float(right), confidence=confidence, note=note, box=box)
    yield made("scale wrong", value=float(error > WRONG), note=note, box=box)
    stated = (ruler.uncertainty or 0.0) / value
    covered = error <= 2 * (stated**2 + truth.px_per_mm_error**2) ** 0.5
    yield made("scale covered", value=float(covered), note=f"{note}; {stated:.2%} stated", box=box)


def _chart(truth: Truth, context: StepContext) -> Iterator[Outcome]:
    found = context.of_kind("chart")
    made = partial(_outcome, truth, unit=truth.path.name, kind=truth.chart, value=float(bool(found)))
    if truth.chart:
        yield made("chart found", note=f"{truth.chart}: not found")
    else:
        yield made("chart unasked", note="a chart, where there is none", box=_xyxy(found[0].box) if found else None)


def codes_read(known: tuple[str, ...], given: tuple[str, ...]) -> tuple[list[str], list[str], list[str]]:
    """True values that were read, true values that were missed, and false values. Of a long one the beginning decides."""
    beginnings = {code: code.split("...")[0] for code in known}
    right = [code for code, start in beginnings.items() if any(_is(got, code, start) for got in given)]
    false = [got for got in given if not any(_is(got, code, start) for code, start in beginnings.items())]
    return right, [code for code in beginnings if code not in right], false


def _is(got: str, code: str, start: str) -> bool:
    return got == code or (start != code and got.startswith(start))


def _codes(truth: Truth, context: StepContext) -> Iterator[Outcome]:
    name, given = truth.path.name, tuple(str(finding.data["value"]) for finding in context.of_kind("barcode"))
    right, missed, false = codes_read(truth.codes, given)
    for code in (*right, *missed):
        yield _outcome(truth, "code read", f"{name}#{code}", value=float(code in right), note=f"code {code[:60]} was not read")
    yield _outcome(truth, "code false", name, value=float(bool(false)), note=f"false code {', '.join(false)[:80]}")


def _text(truth: Truth, context: StepContext) -> Iterator[Outcome]:
    labels, name = context.of_kind("label"), truth.path.name
    for number, region in enumerate(truth.regions, 1):
        characters, errors = len(plain(region.text)), _errors(region, labels)
        note = f"{region.kind} label: {errors} errors in {characters} characters"
        made = partial(_outcome, truth, kind=region.kind, box=_xyxy(region.box), note=note)
        yield made(f"text {region.kind}", f"{name}#{number}", value=float(errors), weight=float(max(1, characters)))
        yield from _lines(truth, region, number, labels)
    if known := words(truth.text):
        read = words(" ".join(label.text for label in labels)) & known
        note = f"{len(read)} of {len(known)} words found"
        yield _outcome(truth, "words", name, value=float(len(read)), weight=float(len(known)), note=note)


def _components(truth: Truth, context: StepContext, ran: frozenset[str]) -> Iterator[Outcome]:
    """Of those kinds whose step ran. What no step states is missed wherever all of them did."""
    known = [one for one in truth.components if STEPS.get(one.kind, "ocr") in ran]
    size = (
        math.ceil(max(one.region.box.x1 for one in truth.components)),
        math.ceil(max(one.region.box.y1 for one in truth.components)),
    )
    yield from objects.outcomes(known, context.of_kind(*{one.kind for one in known}), size, _of(truth), "component")


def _lines(truth: Truth, region: TrueRegion, number: int, labels: tuple[Finding, ...]) -> Iterator[Outcome]:
    """Each line that was read in the region, and whether its text stands so in the transcription; with its own confidence."""
    known = plain(region.text)
    inside = [line for label in labels for line in label.data.get("lines", ()) if _holds(region.box, line["xywh"])]
    for place, line in enumerate(inside):
        right, confidence = plain(str(line["text"])) in known, line.get("confidence")
        unit = f"{truth.path.name}#{number}.{place}"
        yield _outcome(truth, "line right", unit, value=float(right), kind=region.kind, confidence=confidence)


def _errors(region: TrueRegion, labels: tuple[Finding, ...]) -> int:
    """Errors in what was read of one label: those lines of each block whose middle lies in the region."""
    blocks = []
    for label in labels:
        inside = [line["text"] for line in label.data.get("lines", ()) if _holds(region.box, line["xywh"])]
        blocks += [" ".join(inside)] if inside else []
    return block_distance(region.text, blocks)


def _holds(box: CanvasBox, xywh: str) -> bool:
    x, y, width, height = map(float, xywh.split(","))
    margin = MARGIN * max(box.x1 - box.x0, box.y1 - box.y0)
    x, y = x + width / 2, y + height / 2
    return box.x0 - margin <= x <= box.x1 + margin and box.y0 - margin <= y <= box.y1 + margin


def _xyxy(box: CanvasBox | None) -> tuple[float, float, float, float] | None:
    return None if box is None else (box.x0, box.y0, box.x1, box.y1)
