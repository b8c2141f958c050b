"""From a plan to weights and their card: draw, train, export, check, measure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2

from analytics.training import card, export, plan, samples, score, train


@dataclass(frozen=True, slots=True)
class Made:
    """The files that were written, and `sha256:…` of the weights."""

    weights: Path
    card: Path
    digest: str


def make(path: Path, out: Path, data: str | None, told: Callable[[int, int, float], None]) -> Made:
    """`data` goes before the plan's own folder; `told` hears of each step, the number of all, and the loss.

    BadPlan, BadCheckpoint, NetworksDisagree.
    """
    cv2.setNumThreads(1)  # pictures are small, and torch has the threads of the plan
    written = plan.read(path)
    followed = replace(written, data=data) if data is not None and written.data else written
    pool = samples.pool(followed)
    out.mkdir(parents=True, exist_ok=True)
    last = [float("nan")]

    def step_done(step: int, loss: float, _seconds: float) -> None:
        last[0] = loss
        told(step, followed.steps, loss)

    network = train.train(written, pool, out, step_done)
    weights = out / f"{written.name}.onnx"
    digest = export.export(network, weights)
    page = out / f"{written.name}.md"
    page.write_text(card.card(written, digest, score.scores(followed, weights), last[0]), encoding="utf-8")
    return Made(weights, page, digest)
