"""What speaks against an outline: the image's edge, a shadow, a label beside it, or straight edges as a card has them.

Everything here is judged on the copy that the outline was found on, in its pixels. The bounds were set on photographs of
specimens, labels, rulers and charts (docs/analysis.md says what they gave there).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.steps.specimen_fusion import Fused

Mask = NDArray[np.bool_]
REACH_PX = 4  # inside and outside of an outline are compared over so many pixels of the copy
NEIGHBOUR_PX = 3  # an outline so near to a label or ruler runs along it
EDGE_PX = 3  # fewer pixels on the image's edge are a chance touch of a hair
FAINT = 5.0  # CIE76 between inside and outside: an edge that a specimen's own seldom is as faint as
SOFT = 8.0
BESIDE = 0.05  # of an outline, along a label or ruler: more is no chance touch
REST = 0.25  # of an outline, along a label or ruler or faint: the rest of its paper
FAINT_SHARE = 0.25
SHADOW_SHARE = 0.15  # of a piece: smooth, of the background's hue, and darker
SHADOW_CHROMA = 6.0  # CIE76 in a and b alone
SHADOW_LIGHT = (0.25, 0.93)  # of the background's linear light
SMOOTH = 1.0  # of lightness a pixel
STRAIGHT_SHARE, LEAST_SIDE, STRAIGHT_DEGREES = 0.85, 0.12, 4.0
MOST_OF_IMAGE = 0.7
MOSTLY = 0.5  # of the image
LEAST_KEPT = 0.5  # of what the rules found, by the network: less is a contradiction
Evidence = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scene:
    """A copy of the image: `lab` and `background` float32 (H, W, 3) CIE L*a*b*, `excluded` bool (H, W) where labels, codes and
    rulers are. `left_out_px` is the greatest part that was left out because it runs along the edge, as far as it lies in the
    middle of the image, where no border lies. `fused` says what rules and network made of it together; None: rules alone."""

    lab: NDArray[np.float32]
    background: NDArray[np.float32]
    excluded: Mask
    left_out_px: int
    fused: Fused | None = None

    @property
    def covered(self) -> float:
        """The share of the image that labels, codes, charts and rulers cover."""
        return float(self.excluded.mean())


@dataclass(frozen=True, slots=True)
class Rim:
    """An outline's pixels: shares of them on the image's edge, along a label or ruler, and faint or soft against the outside."""

    edge_px: int
    edge: float
    beside: float
    faint: float
    soft: float


def rim_of(pixels: Mask, x: int, y: int, scene: Scene) -> Rim:
    """Of a piece, bool (h, w), whose first pixel lies at (x, y) of the copy."""
    piece, lab, excluded, left, top = _window(pixels, x, y, scene)
    height, width = scene.excluded.shape
    contours, _ = cv2.findContours(piece, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    rim = np.concatenate([contour[:, 0] for contour in contours])
    columns, rows = rim[:, 0], rim[:, 1]
    on_edge = (columns + left == 0) | (rows + top == 0) | (columns + left == width - 1) | (rows + top == height - 1)
    near = cv2.dilate(excluded.astype(np.uint8), np.ones((2 * NEIGHBOUR_PX + 1,) * 2, np.uint8)) > 0
    steps = _steps(piece, lab, excluded)[rows[~on_edge], columns[~on_edge]]
    known = steps[steps >= 0]
    faint, soft = (float((known < bound).mean()) if known.size else 0.0 for bound in (FAINT, SOFT))
    return Rim(int(on_edge.sum()), float(on_edge.mean()), float(near[rows, columns].mean()), faint, soft)


def is_rest(rim: Rim, scene: Scene) -> bool:
    """Whether the piece is what is left of a label or ruler around what was read on it. In a photograph mostly of labels any
    piece that runs along one is."""
    return rim.beside >= BESIDE and (rim.beside + rim.faint >= REST or scene.covered > MOSTLY)


def doubts(pixels: Mask, x: int, y: int, rim: Rim, scene: Scene) -> tuple[Evidence, ...]:
    """What speaks against the outline, each with its `kind`, a `share` where there is one, and a `text`: the end of a sentence
    about the outline."""
    share, shadow = pixels.sum() / scene.excluded.size, shadow_share(pixels, x, y, scene)
    is_shadow = shadow >= SHADOW_SHARE and (rim.soft >= 0.08 or shadow <= 0.8)
    several = (
        (rim.edge_px >= EDGE_PX, "edge", rim.edge, f"touches the image's edge along {percent(rim.edge)} of its length"),
        (is_shadow, "shadow", shadow, f"may take in a shadow, as which {percent(shadow)} of it looks"),
        (rim.faint >= FAINT_SHARE, "faint", rim.faint, f"is faint along {percent(rim.faint)} of its length"),
        (rim.beside >= BESIDE, "beside", rim.beside, f"runs along a label or ruler for {percent(rim.beside)} of its length"),
        (has_straight_edges(pixels), "straight", None, "has straight edges at right angles, as a card, a chart or a frame has"),
        _by_whom(scene),
        (share >= MOST_OF_IMAGE, "whole", float(share), f"takes in {percent(float(share))} of the image"),
        (
            scene.left_out_px > pixels.sum(),
            "left out",
            None,
            "leaves out something larger, which runs along the image's edge",
        ),
    )
    return tuple(
        {"kind": kind, "text": text, **({} if part is None else {"share": round(part, 3)})}
        for holds, kind, part, text in several
        if holds
    )


def _by_whom(scene: Scene) -> tuple[bool, str, float | None, str]:
    """That rules and network do not see the same."""
    found = scene.fused
    if found is None or (found.by == "both" and found.kept >= LEAST_KEPT):
        return False, "network", None, ""
    if found.by == "rules":
        return True, "network", 0.0, "is what differs from the background, in which the network sees no specimen"
    if found.by == "network":
        said = f"is the network's, with a coarse edge, for the rules found only {percent(found.covered)} of it"
        return True, "network", found.covered, said
    return True, "network", found.kept, f"takes in {percent(found.kept)} of what differs from the background"


def shadow_share(pixels: Mask, x: int, y: int, scene: Scene) -> float:
    """How much of the piece is smooth, darker than the background by a shadow's measure, and of its hue."""
    height, width = pixels.shape
    place = np.s_[y : y + height, x : x + width]
    lab, ground = scene.lab[place], scene.background[place]
    chroma = np.hypot(lab[..., 1] - ground[..., 1], lab[..., 2] - ground[..., 2])
    light = _light(lab[..., 0]) / np.maximum(_light(ground[..., 0]), 1e-4)
    smoothed = cv2.GaussianBlur(lab[..., 0], (0, 0), 1)
    slope = np.hypot(cv2.Sobel(smoothed, -1, 1, 0, ksize=3), cv2.Sobel(smoothed, -1, 0, 1, ksize=3)) / 8
    dark = (light > SHADOW_LIGHT[0]) & (light < SHADOW_LIGHT[1])
    return float((pixels & dark & (chroma < SHADOW_CHROMA) & (slope < SMOOTH)).sum() / max(1, pixels.sum()))


def has_straight_edges(pixels: Mask) -> bool:
    """Whether nearly all of the outline runs along two directions at right angles, and no less along one of them than a
    card's short sides do."""
    contours, _ = cv2.findContours(pixels.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    contour = max(contours, key=cv2.contourArea)
    corners = cv2.approxPolyDP(contour, max(2.0, 0.006 * cv2.arcLength(contour, closed=True)), closed=True)[:, 0].astype(float)
    if len(corners) < 4:
        return False
    sides = np.roll(corners, -1, axis=0) - corners
    lengths, angles = np.hypot(*sides.T), np.degrees(np.arctan2(sides[:, 1], sides[:, 0])) % 180
    main = angles[lengths.argmax()]
    off = (angles - main + 90) % 180 - 90
    along = lengths[np.abs(off) < STRAIGHT_DEGREES].sum() / lengths.sum()
    across = lengths[np.abs(np.abs(off) - 90) < STRAIGHT_DEGREES].sum() / lengths.sum()
    return bool(along + across >= STRAIGHT_SHARE and min(along, across) >= LEAST_SIDE)


def sentence(found: Sequence[Evidence]) -> str:
    """`Doubtful: it touches …; it may take in …`, or nothing."""
    return f" Doubtful: {'; '.join('it ' + one['text'] for one in found)}." if found else ""


def _window(pixels: Mask, x: int, y: int, scene: Scene) -> tuple[NDArray[np.uint8], NDArray[np.float32], Mask, int, int]:
    """The piece as 0 and 1 in a window with a margin, the same window of `lab` and `excluded`, and where it lies."""
    margin = 2 * REACH_PX + NEIGHBOUR_PX
    height, width = scene.excluded.shape
    left, top = max(0, x - margin), max(0, y - margin)
    right, bottom = min(width, x + pixels.shape[1] + margin), min(height, y + pixels.shape[0] + margin)
    piece = np.zeros((bottom - top, right - left), np.uint8)
    piece[y - top : y - top + pixels.shape[0], x - left : x - left + pixels.shape[1]] = pixels
    place = np.s_[top:bottom, left:right]
    return piece, scene.lab[place], scene.excluded[place], left, top


def _steps(piece: NDArray[np.uint8], lab: NDArray[np.float32], excluded: Mask) -> NDArray[np.float64]:
    """CIE76 between what lies just inside and just outside, at each pixel; -1 where one of them is not to be seen."""
    within, without = (cv2.distanceTransform(side, cv2.DIST_L2, 5) for side in (piece, 1 - piece))
    inside = ((within > 0) & (within <= REACH_PX)).astype(np.float32)
    outside = ((without > 0) & (without <= REACH_PX) & ~excluded).astype(np.float32)
    size = (3 * REACH_PX + 1,) * 2
    means, enough = [], np.ones(piece.shape, bool)
    for side in (inside, outside):
        weight = cv2.boxFilter(side, -1, size, normalize=False)
        total = cv2.boxFilter(lab * side[..., np.newaxis], -1, size, normalize=False)
        means.append(total / np.maximum(weight, 1)[..., np.newaxis])
        enough &= weight > REACH_PX
    return np.where(enough, np.linalg.norm(means[0] - means[1], axis=2), -1.0)


def _light(lightness: NDArray[np.float32]) -> NDArray[np.float32]:
    """Relative luminance of CIE L*."""
    return np.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness / 903.3).astype(np.float32)


def percent(share: float) -> str:
    """`7 %`."""
    return "less than 1 %" if share < 0.01 else f"{share:.0%}".replace("%", " %")
