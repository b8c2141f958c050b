"""How good the Darwin Core terms are that are read from labels: on the words as they are known, and as they were recognised.

`python -m analytics.evaluation.label_fields PHOTOGRAPHS FIELDS` (`make label-fields`) prints tables in Markdown: precision,
recall and F1 by term, kind of label and source; how often each rule was right; and how well the confidence tells that, for each
source with the rates of the others. With `--read` the labels are read by the step `ocr`, else their known words are taken.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from analytics.evaluation import truth
from analytics.evaluation.run import LIMITS
from analytics.steps import fields_label, fields_trust, ocr
from analytics.steps.fields_compare import same
from analytics.steps.model import SheetImage, StepContext
from analytics.synth.labels import label_text
from annotations.model import CanvasBox
from iiif.image.service import rgb_of

NOT_COUNTED = frozenset({"scientificNameAuthorship", "maximumElevationInMeters", "maximumDepthInMeters", "exchange"})
DRAWN, MISREAD, SEED = 160, 0.004, 10
MOST_DRAWN = 20  # of a rule: drawn labels are of few forms, and must not outweigh real ones
BINS = (0.0, 0.6, 0.8, 0.9, 0.95, 1.0)


@dataclass(frozen=True, slots=True)
class FieldResult:
    """A term that was read on a label, is known of it, or both. `score` is the recogniser's, 1 for words that are known."""

    source: str
    kind: str
    term: str
    rule: str
    score: float
    read: bool
    known: bool
    right: bool


def judged(
    source: str, kind: str, readings: Mapping[str, tuple[str, str, float]], known: Mapping[str, str]
) -> Iterator[FieldResult]:
    """What was read of a label (value, rule and score by term) against what is known of it."""
    for term in sorted({*readings, *known} - NOT_COUNTED):
        value, rule, score = readings.get(term, ("", "", 0.0))
        right = term in readings and term in known and same(term, value, known[term])
        yield FieldResult(source, kind, term, rule, score, term in readings, term in known, right)


def of_words(source: str, kind: str, text: str, known: Mapping[str, str], score: float = 1.0) -> Iterator[FieldResult]:
    """What is read from the words of a label."""
    readings = {one.term: (one.value, one.rule, score) for one in fields_label.read(text)}
    return judged(source, kind, readings, known)


def drawn() -> Iterator[FieldResult]:
    """On drawn labels in eight languages."""
    random = np.random.default_rng(SEED)
    for number in range(DRAWN):
        label = label_text(random, number, MISREAD)
        yield from of_words("drawn", "drawn", label.text, label.fields)


def real(folder: Path, fields: Path, *, read: bool) -> Iterator[FieldResult]:
    """On the labels whose fields are known; `read`: as the reader recognises them."""
    known = json.loads(fields.read_text(encoding="utf-8"))
    regions = json.loads((folder.parent / "annotations" / "labels.json").read_text(encoding="utf-8"))
    for image in truth.read(folder):
        those = [one for one in known if one["file"] == image.path.name]
        if not those:
            continue
        source = "_".join(image.path.stem.split("_")[:2])
        lines = _recognised(image) if read else ()
        for one in those:
            index = [region["box"] for region in regions if region["file"] == one["file"]].index(one["box"])
            region = image.regions[index]
            if read:
                yield from _as_recognised(source, region, lines, one["fields"])
            else:
                yield from of_words(source, region.kind, region.text, one["fields"])


def sheets(folder: Path, fields: Path) -> Iterator[FieldResult]:
    """On whole herbarium sheets, by the lines that people transcribed from the top down: labels, stamps and slips, as one text.

    `folder` has the transcriptions (`sdr_htr/HTR`), in which a line may stand several times.
    """
    for one in json.loads(fields.read_text(encoding="utf-8")):
        page = json.loads((folder / one["sheet"]).read_text(encoding="utf-8"))
        lines: dict[tuple[int, int], list[str]] = defaultdict(list)
        for line in page["transcriptions"]:
            middle = np.mean(np.array(line["polygon"], float), axis=0)
            lines[round(middle[1]), round(middle[0])].append(line["transcription"])
        text = "\n".join(min(same, key=lambda words: words.count(" .")) for _, same in sorted(lines.items()))
        yield from of_words(one["sheet"].partition("/")[0], "sheet", text, one["fields"])


def _recognised(image: truth.Truth) -> tuple[Any, ...]:
    return ocr.run(SheetImage(rgb_of(image.path, LIMITS)), {}, StepContext()).findings


def _as_recognised(
    source: str, region: truth.TrueRegion, labels: Sequence[Any], known: Mapping[str, str]
) -> Iterator[FieldResult]:
    """What is read on the rows of each block whose middles lie in the region."""
    readings: dict[str, tuple[str, str, float]] = {}
    for label in labels:
        inside = [line for line in label.data["lines"] if _holds(region.box, line["xywh"])]
        poorest = min((float(line["confidence"]) for line in inside), default=0.0)
        whole = len(inside) == len(label.data["lines"])
        for one in fields_label.read(label.text if whole else "\n".join(str(line["text"]) for line in inside)):
            readings.setdefault(one.term, (one.value, one.rule, poorest))
    return judged(source, region.kind, readings, known)


def _holds(box: CanvasBox, xywh: str) -> bool:
    x, y, width, height = map(float, xywh.split(","))
    return box.x0 <= x + width / 2 <= box.x1 and box.y0 <= y + height / 2 <= box.y1


def rates(results: Iterable[FieldResult]) -> dict[str, tuple[int, int]]:
    """Of each rule how often it was right, and how often it read something; of drawn labels at most MOST_DRAWN count."""
    counts: dict[tuple[str, bool], list[int]] = defaultdict(lambda: [0, 0])
    for one in results:
        if one.read:
            count = counts[one.rule, one.source == "drawn"]
            count[0] += one.right
            count[1] += 1
    total: dict[str, tuple[int, int]] = {}
    for (rule, is_drawn), (right, seen) in sorted(counts.items()):
        share = min(1.0, MOST_DRAWN / seen) if is_drawn else 1.0
        before = total.get(rule, (0, 0))
        total[rule] = (before[0] + round(right * share), before[1] + round(seen * share))
    return total


def reliability(results: Sequence[FieldResult]) -> list[tuple[float, str, bool]]:
    """Confidence, source and whether it was right of each reading, with the rates of all other sources."""
    told = []
    for source in sorted({one.source for one in results if one.source != "drawn"}):
        others = rates(one for one in results if one.source != source)
        for one in results:
            if one.source == source and one.read:
                told.append((fields_trust.of_rate(*others.get(one.rule, fields_trust.UNKNOWN), one.score), source, one.right))
    return told


def table(results: Sequence[FieldResult], key: Callable[[FieldResult], str], title: str) -> str:
    """Right, false, missed, precision, recall and F1, by that key."""
    rows = [f"| {title} | right | false | missed | precision | recall | F1 |", "|---|---|---|---|---|---|---|"]
    for name in sorted({key(one) for one in results}):
        those = [one for one in results if key(one) == name]
        right = sum(one.right for one in those)
        false, missed = sum(one.read for one in those) - right, sum(one.known for one in those) - right
        scores = (right / max(1, right + false), right / max(1, right + missed), 2 * right / max(1, 2 * right + false + missed))
        rows.append(f"| {name} | {right} | {false} | {missed} | {scores[0]:.2f} | {scores[1]:.2f} | {scores[2]:.2f} |")
    return "\n".join(rows)


def calibration(told: Sequence[tuple[float, str, bool]]) -> str:
    """What was said and what held, by the confidence."""
    rows = ["| confidence | readings | said | right |", "|---|---|---|---|"]
    for low, high in pairwise(BINS):
        those = [(said, right) for said, _, right in told if low <= said < high or (high == 1 and said == 1)]
        if those:
            means = (np.mean([said for said, _ in those]), np.mean([right for _, right in those]))
            rows.append(f"| {low:.2f} to {high:.2f} | {len(those)} | {means[0]:.2f} | {means[1]:.2f} |")
    return "\n".join(rows)


def main(arguments: Sequence[str]) -> None:
    folder, fields, read = Path(arguments[0]), Path(arguments[1]), "--read" in arguments
    known = list(real(folder, fields, read=read))
    everything = [*known, *drawn()]
    whole = list(sheets(folder.parent / "annotations/sdr_htr/HTR", fields.with_name("sheet_fields.json")))
    everything = [*everything, *whole]
    for key, title in ((lambda one: one.kind, "kind"), (lambda one: one.term, "term"), (lambda one: one.source, "source")):
        _print(table(known, key, title))
    _print(table([one for one in everything if one.source == "drawn"], lambda one: one.term, "term, drawn"))
    _print(table(whole, lambda one: one.source, "source, sheets"))
    _print(calibration(reliability(everything)))
    _print("\n".join(f'    "{rule}": {count},' for rule, count in rates(everything).items()))
    _print(f"{Counter(one.kind for one in known)}")


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n\n")


if __name__ == "__main__":
    main(sys.argv[1:])
