"""Text detection and recognition by PP-OCR (rapidocr, with the models that its wheel brings), loaded once per process."""

import re
import threading
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.steps import threads

LONGEST_SIDE_PX = 2000  # what is larger is scaled down before detection
MOST_THREADS = 4
NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}  # full-width forms, which the model likes, to ASCII
LEADERS = re.compile(r"[.…·‥]{2,}|…")  # dots of a form, to write upon
_turn = threading.Lock()  # the detector keeps state between its stages


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of text: `quad` is (4, 2) float64, from the line's own upper left corner clockwise; `score` from 0 to 1."""

    text: str
    score: float
    quad: NDArray[np.float64]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1."""
        (x0, y0), (x1, y1) = self.quad.min(axis=0), self.quad.max(axis=0)
        return float(x0), float(y0), float(x1), float(y1)


def read(rgb: NDArray[np.uint8]) -> tuple[TextLine, ...]:
    """Every line in the picture, uint8 (H, W, 3); quads in its pixels. One thread of the process reads at a time."""
    with _turn:
        found = _engine()(np.ascontiguousarray(rgb[:, :, ::-1]), use_det=True, use_cls=False, use_rec=True)
    if found.boxes is None or found.txts is None:
        return ()
    lines = zip(map(_plain, found.txts), found.scores, found.boxes, strict=True)
    return tuple(TextLine(text, float(score), np.asarray(quad, float)) for text, score, quad in lines if text)


def _plain(text: str) -> str:
    return " ".join(LEADERS.sub(" ", text.translate(NARROW)).split())


@cache
def _engine() -> Any:
    from rapidocr import RapidOCR  # takes a second and 200 MB, so only who reads pays

    return RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.max_side_len": LONGEST_SIDE_PX,
            "Global.text_score": 0.3,
            "Global.use_cls": False,
            "Det.limit_type": "max",  # by default thin crops are blown up to many megapixels
            "Det.limit_side_len": LONGEST_SIDE_PX,
            "EngineConfig.onnxruntime.intra_op_num_threads": min(MOST_THREADS, threads.available()),
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
