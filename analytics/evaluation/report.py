"""The evaluation as a Markdown page."""

import platform
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from statistics import median

from analytics.evaluation import figures, sources
from analytics.evaluation.intervals import Interval
from analytics.evaluation.outcomes import BY_KEY, MEASURES, Evaluation, Measure, Outcome, grouped

Table = Sequence[Sequence[str]]
SIGNIFICANT = 0.05
NOTES = ("<!-- notes: begin; they stay when the page is made anew -->", "<!-- notes: end -->")
BY_KIND = (
    "changed scale",
    "changed size",
    "changed codes",
    "scale right",
    "scale wrong",
    "chart found",
    "component found",
    "component stated",
    "statement accepted",
)
BY_SOURCE = ("scale right", "code read", "words", "outline plants")
CALIBRATED = ("line right", "scale right", "statement accepted")
RULES_LEFT_OUT = """\
The rules learn nothing from a source, so leaving it out changes nothing in them: what foretells a new source is the mean over
sources, each counted once however many images it has, and the worst of them. It does so as far as no rule was set while somebody
looked at these sources: see *tuned on*."""
NETWORK_LEFT_OUT = """\
The network of components has a part in outlines. Its plan (`analytics/training/plans`) says what it learned from; no other part
of the pipeline is trained on these images. Confidences of Darwin Core terms are measured with the source left out
in `docs/label-fields.md`."""
METHOD = """\
How it is measured:

- **Scale:** relative error of `px_per_mm` against graduations measured by hand; *right* within 1 %, *wrong* beyond 5 %.
- **Codes:** a value counts if it is the true one to the letter; any other value is false (of long JSON in a QR
  code, the beginning decides).
- **Text:** character error rate (Levenshtein distance over the characters of the truth) per labelled region. Of each block
  that the step gives, those lines count whose middle lies in the region (with a margin of 2 % of its longer side); the
  blocks are put in the order with the least distance (all orders up to four blocks, greedily beyond), the lines in a block
  stay in the step's order. Both sides are normalised: NFKC, one kind of dash and quote, any white space one space;
  letter case counts. What was not found at all counts as missing.
- **Words:** share of the different words of three and more characters of the transcription that were read anywhere on the
  image, without regard to case or order.
- **Outline:** intersection over union of all that is taken for specimen with the mask, at the step's own size; pixels that
  the masks mark as undecided do not count. The plant masks were made by a method of the same family: take it as flattered.
- **Components:** each box that is known on a sheet is found if a statement of its kind overlaps it by half (intersection over
  union); the surest statement chooses first. What no step states (sheet, stamp, packet) counts as missed. The step `ocr` states
  blocks of text, which are often smaller than the label that they stand on. Objects of COCO are counted alike, outlines by their
  pixels; *AP* is COCO's at that overlap.
- **Intervals** are of 95 %: Wilson's where each image has one trial, else a bootstrap over images (2,000 draws).
- **Tuned on** are images that a rule or threshold was set on, that a network learned from, or that were looked at while steps
  were made (`analytics/evaluation/tuned.txt`): only the others, where there are any, foretell unseen images.
"""


def markdown(evaluation: Evaluation, command: str, at: datetime, before: Evaluation | None = None) -> str:
    """The page; with an earlier evaluation, what has changed since."""
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    images = {one.image for one in evaluation.outcomes}
    changed = bool(evaluation.outcomes) and all(one.measure.startswith("changed") for one in evaluation.outcomes)
    head = f"# {'Robustness' if changed else 'Accuracy'}\n\n"
    head += f"Made by `{command}` on {at:%d %B %Y}, {machine}, code {evaluation.code}, on {len(images)} images.\n"
    parts = [head, METHOD, "## Summary\n", table(summary(evaluation)), "\n".join(NOTES) + "\n"]
    if before is not None:
        parts += [f"## Changes since {before.code}\n", table(changes(before, evaluation))]
    parts += [f"## {title}\n\n{said}{table(rows)}" for title, said, rows in left_out(evaluation)]
    if coco := classes(evaluation):
        parts.append(f"## Objects of COCO, class by class\n\n{table(coco)}")
    parts += [*_groups(evaluation), _calibration(evaluation), _misses(evaluation), _images(evaluation)]
    return "\n".join(part for part in parts if part)


def summary(evaluation: Evaluation) -> Table:
    """Every figure: over all images, over those that nothing was tuned on, and over the others."""
    rows: list[Sequence[str]] = [("what", "goal", "all", "of", "not tuned on", "of", "tuned on", "of")]
    for one in figures.figures(evaluation):
        found = evaluation.of(one.measure.key)
        parts = grouped(found, "tuned")
        named = (one.measure.title, goal(one.measure))
        cells: list[str] = [*named, shown(one.measure, one.interval), f"{one.count} {one.measure.of}"]
        for tuned in ("False", "True"):
            part = figures.figure(parts[tuned]) if tuned in parts else None
            cells += [shown(one.measure, part.interval), str(part.count)] if part else ["", ""]
        rows.append(cells)
    totals = [sum(seconds.values()) for seconds in evaluation.seconds.values() if seconds]
    if totals:
        rows.append(
            ("seconds an image", "", f"median {median(totals):.1f}, longest {max(totals):.1f}", f"{len(totals)}", *[""] * 4)
        )
    return rows


def changes(before: Evaluation, after: Evaluation) -> Table:
    """What has changed beyond chance, and what has not, over the units that both versions measured."""
    rows: list[Sequence[str]] = [("what", "before", "after", "change (95 %)", "better / worse units", "p", "verdict")]
    for one in figures.changes(before, after):
        shift = f"{one.shift.value:+.3f} ({one.shift.low:+.3f} to {one.shift.high:+.3f})"
        said = "no difference beyond chance"
        if one.p < SIGNIFICANT and one.measure.good:
            said = "better" if (one.shift.value > 0) == (one.measure.good == "more") else "worse"
        pair = (number(one.measure, one.before), number(one.measure, one.after))
        rows.append((one.measure.title, *pair, shift, f"{one.better} / {one.worse} of {one.count}", f"{one.p:.3f}", said))
    return [*rows, ("test", "McNemar's, exact, where an image has one trial; else a paired bootstrap over images", *[""] * 5)]


def shown(measure: Measure, interval: Interval) -> str:
    """A figure with its interval."""
    low, high = number(measure, interval.low), number(measure, interval.high)
    return f"{number(measure, interval.value)} ({low} to {high})"


def goal(measure: Measure) -> str:
    """What this project wants of it on images that nobody has seen."""
    if measure.goal is None:
        return ""
    return f"{'≥' if measure.good == 'more' else '≤'} {number(measure, measure.goal)}"


def with_notes(page: str, earlier: str) -> str:
    """The page with what people wrote into an earlier one between its two marks."""
    kept = re.search(f"{NOTES[0]}.*{NOTES[1]}", earlier, re.DOTALL)
    return page.replace("\n".join(NOTES), kept[0]) if kept else page


def number(measure: Measure, value: float) -> str:
    """Overlaps as such, shares in per cent."""
    return f"{value:.3f}" if measure.key.startswith("outline") else f"{value:.1%}"


def table(rows: Table) -> str:
    """Markdown."""
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def by_group(evaluation: Evaluation, by: str, keys: Sequence[str]) -> Iterator[tuple[str, Table]]:
    """A title and a table for each of the measures, by kind or by source."""
    for key in keys:
        groups = grouped(evaluation.of(key), by)
        if len(groups) > 1:
            rows: list[Sequence[str]] = [(by, BY_KEY[key].title, BY_KEY[key].of)]
            for name, found in groups.items():
                one = figures.figure(found)
                rows.append((name or "unknown", shown(one.measure, one.interval), str(one.count)))
            yield BY_KEY[key].title, rows


def left_out(evaluation: Evaluation) -> Iterator[tuple[str, str, Table]]:
    """Title, a paragraph and a table: figures with sources left out, of the rules and of what is learned."""
    rows: list[Sequence[str]] = [("what", "mean over sources (95 %)", "sources", "worst source", "its figure")]
    for measure, known in sources.over_sources(evaluation):
        middle, low, high = sources.mean_over([value for _, value, _ in known])
        mean = shown(measure, Interval(middle, max(0.0, low), min(1.0, high) if measure.binary else high))
        alike = sum(value == known[0][1] for _, value, _ in known)
        worst = known[0][0] if alike == 1 else f"{alike} sources alike"
        rows.append((measure.title, mean, str(len(known)), worst, number(measure, known[0][1])))
    if len(rows) > 1:
        yield "Each source left out: rules", f"{RULES_LEFT_OUT}\n\n", rows
    learned: list[Sequence[str]] = [("what", "images that the network", "overlap", "of")]
    for measure, name, found in sources.by_learning(evaluation):
        one = figures.figure(found)
        learned.append((measure.title, name, shown(measure, one.interval), f"{one.count} {measure.of}"))
    if len(learned) > 1:
        yield "Each source left out: the network of components", f"{NETWORK_LEFT_OUT}\n\n", learned


def classes(evaluation: Evaluation) -> Table:
    """Recall, precision and AP of each class of COCO; no rows without any."""
    known, stated = (grouped(evaluation.of(key), "kind") for key in ("object found", "object stated"))
    rows: list[Sequence[str]] = [("class", "objects", "recall", "precision", "statements", "AP")]
    for name, found in known.items():
        recall, there = figures.figure(found), stated.get(name, [])
        precision = shown(recall.measure, figures.figure(there).interval) if there else ""
        average = shown(recall.measure, figures.average_precision(found, there))
        rows.append((name, str(len(found)), shown(recall.measure, recall.interval), precision, str(len(there)), average))
    return rows if known else []


def misses(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Image and sentence of every unit that is wrong or missing, and of every step that failed."""
    found = [(image, f"step {step} failed: {why}") for image, steps in evaluation.failures.items() for step, why in steps.items()]
    found += [(one.image, one.note) for one in evaluation.outcomes if one.missed and one.note]
    return sorted(dict.fromkeys(found))


def calibrations(evaluation: Evaluation) -> Iterator[tuple[str, list[figures.CalibrationBin]]]:
    """A title and the curve of each measure whose outcomes have a confidence."""
    for key in CALIBRATED:
        if bins := figures.calibration(evaluation.of(key)):
            yield BY_KEY[key].title, bins


def _groups(evaluation: Evaluation) -> Iterator[str]:
    for by, keys in (("kind", BY_KIND), ("source", BY_SOURCE)):
        for title, rows in by_group(evaluation, by, keys):
            yield f"## By {by}: {title}\n\n{table(rows)}"


def _calibration(evaluation: Evaluation) -> str:
    parts = []
    for title, bins in calibrations(evaluation):
        rows: list[Sequence[str]] = [("confidence stated", "right", "of")]
        rows += [
            (f"{one.confidence:.2f}", f"{one.right.value:.2f} ({one.right.low:.2f} to {one.right.high:.2f})", str(one.count))
            for one in bins
        ]
        parts.append(
            f"### {title[0].upper()}{title[1:]}: off by {figures.calibration_error(bins):.2f} on average\n\n{table(rows)}"
        )
    return "## Is a stated confidence a probability?\n\n" + "\n".join(parts) if parts else ""


def _misses(evaluation: Evaluation) -> str:
    lines = [f"- `{image}`: {said}" for image, said in misses(evaluation)]
    return "## Misses\n\n" + "\n".join(lines or ["None."]) + "\n"


def _images(evaluation: Evaluation) -> str:
    rows: list[Sequence[str]] = [("image", "tuned on", "scale", "codes", "characters wrong", "words", "outline", "seconds")]
    for image, found in grouped(evaluation.outcomes, "image").items():
        tuned = "yes" if found[0].tuned else "no"
        seconds = sum(evaluation.seconds.get(image, {}).values())
        cells = (_scale(found), _codes(found), _part(found, "text"), _part(found, "words"), _part(found, "outline"))
        rows.append((image, tuned, *cells, f"{seconds:.1f}" if seconds else ""))
    return "## Image by image\n\n" + table(rows)


def _scale(found: Sequence[Outcome]) -> str:
    right = next((one for one in found if one.measure == "scale right"), None)
    if right is not None:
        return "right" if right.value else right.note.split(":")[0].split("; ")[0]
    return "false" if any(one.measure == "scale unasked" and one.value for one in found) else ""


def _codes(found: Sequence[Outcome]) -> str:
    codes = [one.value for one in found if one.measure == "code read"]
    false = any(one.measure == "code false" and one.value for one in found)
    return (f"{sum(codes):.0f} of {len(codes)}" if codes else "") + (" false" if false else "")


def _part(found: Sequence[Outcome], beginning: str) -> str:
    keys = {measure.key for measure in MEASURES if measure.key.startswith(beginning)}
    those = [one for one in found if one.measure in keys]
    weight = sum(one.weight for one in those)
    return number(BY_KEY[those[0].measure], sum(one.value for one in those) / weight) if those else ""
