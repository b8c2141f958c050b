"""The evaluation as one HTML file that needs nothing beside it: tables, calibration curves, the contact sheet."""

import base64
from collections.abc import Sequence
from datetime import datetime
from html import escape
from pathlib import Path

from analytics.evaluation import figures, report
from analytics.evaluation.outcomes import Evaluation

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
div { overflow-x: auto; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; }
th, td { border-bottom: 1px solid #8886; padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top; }
svg { max-width: 22rem; } img { max-width: 100%; }
"""
SIDE = 200  # of a curve, in its own units


def html(evaluation: Evaluation, command: str, at: datetime, before: Evaluation | None = None, sheet: Path | None = None) -> str:
    """The file; `sheet` is a picture of the misses, which is taken into it."""
    images = {one.image for one in evaluation.outcomes}
    said = f"Made by <code>{escape(command)}</code> on {at:%d %B %Y}, code {escape(evaluation.code)}, on {len(images)} images."
    parts = [f"<h1>Accuracy</h1><p>{said}</p>", "<h2>Summary</h2>", _table(report.summary(evaluation))]
    if before is not None:
        changed = _table(report.changes(before, evaluation))
        parts += [f"<h2>Changes since {escape(before.code)}</h2>", changed]
    for title, words, rows in report.left_out(evaluation):
        parts.append(f"<h2>{escape(title)}</h2><p>{escape(words.strip())}</p>{_table(rows)}")
    if coco := report.classes(evaluation):
        parts.append(f"<h2>Objects of COCO, class by class</h2>{_table(coco)}")
    for by, keys in (("kind", report.BY_KIND), ("source", report.BY_SOURCE)):
        for title, rows in report.by_group(evaluation, by, keys):
            parts.append(f"<h2>By {by}: {escape(title)}</h2>{_table(rows)}")
    for title, bins in report.calibrations(evaluation):
        parts.append(f"<h2>Calibration: {escape(title)}</h2>{_curve(title, bins)}")
    lines = "".join(f"<li><code>{escape(image)}</code>: {escape(why)}</li>" for image, why in report.misses(evaluation))
    parts.append(f"<h2>Misses</h2><ul>{lines or '<li>None.</li>'}</ul>")
    if sheet is not None and sheet.is_file():
        kind = {".jpg": "jpeg", ".jpeg": "jpeg"}.get(sheet.suffix.lower(), sheet.suffix.lower().lstrip("."))
        data = base64.b64encode(sheet.read_bytes()).decode()
        parts.append(
            f'<img alt="The misses, each with its name; the list above says the same" src="data:image/{kind};base64,{data}">'
        )
    body = "\n".join(parts)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Accuracy</title><style>{STYLE}</style></head><body><main>\n{body}\n</main></body></html>\n"
    )


def _table(rows: report.Table) -> str:
    head, *body = rows
    first = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in body)
    return f'<div tabindex="0"><table><thead><tr>{first}</tr></thead><tbody>{lines}</tbody></table></div>'


def _curve(title: str, bins: Sequence[figures.CalibrationBin]) -> str:
    """Confidence to the right, the share that is right upwards with its interval; on the diagonal it would be a probability."""
    marks = []
    for one in bins:
        x = SIDE * one.confidence
        low, high, y = (SIDE * (1 - value) for value in (one.right.low, one.right.high, one.right.value))
        marks.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="currentColor" stroke-opacity=".4"/>'
        )
        marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="currentColor"><title>{one.count} units</title></circle>')
    error = figures.calibration_error(bins)
    frame = f'<rect width="{SIDE}" height="{SIDE}" fill="none" stroke="currentColor" stroke-opacity=".3"/>'
    diagonal = f'<line x1="0" y1="{SIDE}" x2="{SIDE}" y2="0" stroke="currentColor" stroke-dasharray="4"/>'
    said = f"Confidence against the share that is right: {title}; off by {error:.2f} on average"
    box = f"-8 -8 {SIDE + 16} {SIDE + 16}"
    drawn = f'<svg viewBox="{box}" role="img" aria-label="{escape(said)}">{frame}{diagonal}{"".join(marks)}</svg>'
    rows = [("confidence stated", "right", "of")]
    rows += [
        (f"{one.confidence:.2f}", f"{one.right.value:.2f} ({one.right.low:.2f} to {one.right.high:.2f})", str(one.count))
        for one in bins
    ]
    return f"<p>{escape(said)}.</p>{drawn}{_table(rows)}"
