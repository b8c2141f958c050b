"""The results as a Markdown page and as JSON."""

import platform
from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import mean, median
from typing import Any

from analytics import provenance
from analytics.evaluation.run import ImageResult

KINDS = ("printed", "typed", "mixed", "handwritten")
WITHIN = 0.01  # relative error of px_per_mm that counts as right
WRONG = 0.05  # beyond this it is another unit or another thing
Table = Sequence[Sequence[str]]

METHOD = """\
How it is measured:

- **Ruler:** relative error of `px_per_mm` against graduations measured by hand; *right* within 1 %, *wrong* beyond 5 %.
- **Barcodes:** a value counts if it is the true one to the letter; any other value is false (of long JSON in a QR
  code, the beginning decides).
- **OCR:** character error rate (Levenshtein distance over the characters of the truth) per labelled region. Of each block
  that the step gives, those lines count whose middle lies in the region (with a margin of 2 % of its longer side); the
  blocks are put in the order with the least distance (all orders up to four blocks, greedily beyond), the lines in a block
  stay in the step's order. Both sides are normalised: NFKC, one kind of dash and quote, any white space one space;
  letter case counts. What was not found at all counts as missing.
- **Words:** share of the different words of three and more characters of the transcription that were read anywhere on the
  image, without regard to case or order.
- **Outline:** intersection over union of all that is taken for specimen with the mask, at the step's own size; pixels that
  the masks mark as undecided do not count. The plant masks were made by a method of the same family: take it as flattered.
"""


def markdown(results: Sequence[ImageResult], beetles: Sequence[tuple[str, float]], command: str, at: datetime) -> str:
    """The page."""
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    head = (
        f"# Accuracy\n\nMade by `{command}` on {at:%d %B %Y}, {machine}, code {provenance.code_version()}, one process, "
        f"on {len(results)} development images. The steps were tuned on these same images, so unseen ones will do worse.\n"
    )
    parts = [head, METHOD, "## Summary\n", _table(_summary(results, beetles)), _misses(results), _per_image(results)]
    if beetles:
        parts += ["## Beetle crops\n", _table([("crop", "overlap"), *((name, f"{value:.3f}") for name, value in beetles)])]
    return "\n".join(parts)


def to_json(results: Sequence[ImageResult], beetles: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """The same for scripts."""
    rows = [
        {
            "file": one.truth.path.name,
            "pxPerMm": one.scale,
            "pxPerMmTrue": one.truth.px_per_mm,
            "codes": one.codes,
            "codesTrue": one.truth.codes,
            "regions": [{"kind": part.kind, "characters": part.characters, "errors": part.errors} for part in one.regions],
            "wordsFound": one.words_found,
            "wordsKnown": one.words_known,
            "overlap": one.overlap,
            "seconds": {name: round(value, 2) for name, value in one.seconds.items()},
            "failures": one.failures,
        }
        for one in results
    ]
    return {"images": rows, "beetles": [{"file": name, "overlap": value} for name, value in beetles]}


def scale_error(one: ImageResult) -> float | None:
    """Relative error of px_per_mm, or None where either is missing."""
    return None if one.scale is None or not one.truth.px_per_mm else abs(one.scale / one.truth.px_per_mm - 1)


def codes_read(one: ImageResult) -> tuple[list[str], list[str], list[str]]:
    """True values that were read, true values that were missed, and false values."""
    beginnings = {code: code.split("...")[0] for code in one.truth.codes}
    right = [code for code, start in beginnings.items() if any(_is(got, code, start) for got in one.codes)]
    false = [got for got in one.codes if not any(_is(got, code, start) for code, start in beginnings.items())]
    return right, [code for code in beginnings if code not in right], false


def _is(got: str, code: str, start: str) -> bool:
    return got == code or (start != code and got.startswith(start))


def _summary(results: Sequence[ImageResult], beetles: Sequence[tuple[str, float]]) -> Table:
    scaled = [one for one in results if one.truth.px_per_mm]
    errors = [error for one in scaled if (error := scale_error(one)) is not None]
    right, wrong = sum(error <= WITHIN for error in errors), sum(error > WRONG for error in errors)
    unasked = sum(one.scale is not None and not one.truth.has_ruler for one in results)
    codes = [codes_read(one) for one in results]
    read, missed, false = (sum(len(code[place]) for code in codes) for place in range(3))
    middle = f", median error {median(errors):.2%}" if errors else ""
    rows: list[Sequence[str]] = [
        ("what", "result", "of"),
        ("ruler: px_per_mm within 1 %", str(right), f"{len(scaled)} images with a scale in mm"),
        ("ruler: any value given", f"{len(errors)}{middle}", f"{len(scaled)}"),
        ("ruler: wrong by more than 5 %", str(wrong), f"{len(errors)} values"),
        ("ruler: value where there is no ruler", str(unasked), f"{sum(not one.truth.has_ruler for one in results)} images"),
        ("codes read", str(read), f"{read + missed}"),
        ("false code values", str(false), f"{len(results)} images"),
    ]
    for kind in KINDS:
        parts = [part for one in results for part in one.regions if part.kind == kind]
        characters = sum(part.characters for part in parts)
        if characters:
            rate = sum(part.errors for part in parts) / characters
            middle = f"{median(part.errors / part.characters for part in parts):.1%}"
            rows.append((f"OCR, {kind}: character error rate", f"{rate:.1%} (median region {middle})", f"{len(parts)} regions"))
    known = sum(one.words_known for one in results)
    rows.append(("OCR: words found", f"{sum(one.words_found for one in results) / max(1, known):.1%}", f"{known} words"))
    plants = [one.overlap for one in results if one.overlap is not None]
    for name, overlaps in (("plants", plants), ("beetles", [value for _, value in beetles])):
        if overlaps:
            low = f"mean {mean(overlaps):.3f}, median {median(overlaps):.3f}, worst {min(overlaps):.3f}"
            rows.append((f"outline, {name}: overlap", low, f"{len(overlaps)} images"))
    seconds = [sum(one.seconds.values()) for one in results]
    rows.append(("time per image, all steps", f"median {median(seconds):.1f} s, longest {max(seconds):.1f} s", f"{len(seconds)}"))
    return rows


def _misses(results: Sequence[ImageResult]) -> str:
    lines = ["", "## Misses\n"]
    for one in results:
        lines += [f"- `{one.truth.path.name}`: {said}" for said in _missed(one)]
    return "\n".join(lines if len(lines) > 2 else [*lines, "None."]) + "\n"


def _missed(one: ImageResult) -> Iterable[str]:
    _, missed, false = codes_read(one)
    error = scale_error(one)
    yield from (f"step {step} failed: {reason}" for step, reason in one.failures.items())
    yield from (f"code {code} was not read" for code in missed)
    yield from (f"false code {code[:60]}" for code in false)
    if one.truth.px_per_mm and one.scale is None and "ruler" not in one.failures:
        yield f"no scale ({one.truth.px_per_mm:g} px/mm is true): {one.unresolved}"
    if error is not None and error > WITHIN:
        yield f"scale {one.scale:.4g} px/mm, {one.truth.px_per_mm:g} is true ({error:.1%} off)"
    if one.scale is not None and not one.truth.px_per_mm:
        yield f"scale {one.scale:.4g} px/mm, where no scale in mm is known"
    for part in one.regions:
        if part.errors > 0.2 * part.characters:
            yield f"{part.kind} label: {part.errors} errors in {part.characters} characters"
    if one.overlap is not None and one.overlap < 0.9:
        yield f"outline overlaps by {one.overlap:.3f}"


def _per_image(results: Sequence[ImageResult]) -> str:
    rows: list[Sequence[str]] = [("image", "px/mm", "error", "codes", "CER", "words", "overlap", "seconds")]
    for one in results:
        error, (right, missed, false) = scale_error(one), codes_read(one)
        characters = sum(part.characters for part in one.regions)
        rows.append(
            (
                one.truth.path.name,
                "" if one.scale is None else f"{one.scale:.4g}",
                "" if error is None else f"{error:.2%}",
                f"{len(right)} of {len(right) + len(missed)}" + (f", {len(false)} false" if false else ""),
                f"{sum(part.errors for part in one.regions) / characters:.1%}" if characters else "",
                f"{one.words_found} of {one.words_known}" if one.words_known else "",
                "" if one.overlap is None else f"{one.overlap:.3f}",
                f"{sum(one.seconds.values()):.1f}",
            )
        )
    return "## Image by image\n\n" + _table(rows)


def _table(rows: Table) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"
