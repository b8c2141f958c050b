"""Rules and network together: the rules' fine edge, in the neighbourhood where the network sees a specimen.

The rules find the edge to the pixel, but take for specimen whatever differs from the background. The network knows what a
specimen looks like, but sees the image at a size at which thin stems run together. So what the rules find counts near to where
the network sees some, and what the network is sure of counts where the rules miss a large piece of it. A piece of which the
network sees a part counts as a whole, unless it sees another thing in it or the piece reaches the image's edge. Where the rules
miss much of what the network is sure of, that is followed alone, and the outline says so.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
POSSIBLE, LIKELY, SURE = 0.2, 0.5, 0.9  # chances of specimen
REACH = 0.006  # of the longer side: so far from where the network sees it may the rules find some
LEAST_COVERED = 0.8  # of what the network is sure of, by the rules
SMALLEST = 0.0001  # of the picture: smaller pieces of the network's are specks
PARTLY, MOSTLY = 0.1, 0.5  # shares of a piece that the network sees: from the first to the second it counts as a whole
NEARLY_ALL = 0.95  # of a piece that the image's edge cuts: as it stands out alike, it is one thing
AS_STRONGLY = 0.6  # of the mean distance to the background where the network sees a specimen
MOST_OTHER = 0.1  # of such a piece, taken for another thing
LARGE_MISS = 0.01  # of the network's pixels


@dataclass(frozen=True, slots=True)
class Fused:
    """`mask` bool (H, W); `covered`: the share of what the network is sure of that the rules found, too; `kept`: the share of
    what the rules found that counts; `by` which of them it goes: "both", "network", or "rules" where the network sees no
    specimen."""

    mask: Mask
    covered: float
    kept: float
    by: str


def fused(rules: Mask, chance: NDArray[np.float32], excluded: Mask, others: Mask, distance: NDArray[np.float32]) -> Fused:
    """`rules`, `excluded` and `others`, which is where the network sees other things, bool (H, W); `chance`, and the `distance`
    in Lab to the background, float32 (H, W)."""
    alone = _without_small((chance > LIKELY) & ~excluded, SMALLEST * rules.size)
    if not alone.any():
        return Fused(rules, 1.0, 1.0, "rules")
    near = max(1, round(REACH * max(rules.shape)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * near + 1, 2 * near + 1))
    in_part = _seen_in_part(rules, chance > LIKELY, others, distance)
    both = rules & ((cv2.dilate((chance > POSSIBLE).astype(np.uint8), disc) > 0) | in_part)
    core = (chance > SURE) & alone
    covered = float((both & core).sum() / core.sum()) if core.any() else 1.0
    kept = float(both.sum() / max(1, rules.sum()))
    if covered < LEAST_COVERED:
        return Fused(alone, covered, kept, "network")
    return Fused(both | _without_small(core & ~both, LARGE_MISS * alone.sum()), covered, kept, "both")


def _seen_in_part(rules: Mask, likely: Mask, others: Mask, distance: NDArray[np.float32]) -> Mask:
    """The pieces that do not reach the picture's edge and of which the network sees a part, and in the rest nothing else. Where
    it sees most of one, what stands out from the background as what it sees does, and as a shadow does not. A piece at the
    edge counts where nearly all of it stands out so: it is a specimen that the image cuts."""
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(rules.astype(np.uint8), connectivity=8)
    area = np.maximum(stats[:, cv2.CC_STAT_AREA], 1)
    seen, other = (np.bincount(numbers.ravel(), mask.ravel(), count) / area for mask in (likely, others))
    right, bottom = stats[:, 0] + stats[:, 2], stats[:, 1] + stats[:, 3]
    inside = (stats[:, 0] > 0) & (stats[:, 1] > 0) & (right < rules.shape[1]) & (bottom < rules.shape[0])
    alone = inside & (other <= MOST_OTHER)
    alone[0] = False
    strength = np.bincount(numbers.ravel(), (distance * likely).ravel(), count) / np.maximum(seen * area, 1)
    strongly = distance >= (AS_STRONGLY * strength)[numbers]
    alike = ~inside & (seen >= MOSTLY / 2) & (np.bincount(numbers.ravel(), strongly.ravel(), count) / area >= NEARLY_ALL)
    alike[0] = False
    standing_out = (alone & (seen >= MOSTLY))[numbers] & strongly & ~others
    return np.asarray((alone & (seen >= PARTLY) & (seen < MOSTLY) | alike)[numbers] | standing_out)


def _without_small(mask: Mask, least: float) -> Mask:
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    kept = np.zeros(count, bool)
    kept[1:] = stats[1:, cv2.CC_STAT_AREA] >= least
    return np.asarray(kept[numbers])
