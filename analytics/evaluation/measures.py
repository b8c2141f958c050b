"""The measures: character error rate, words found, overlap."""

import itertools
import re
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MOST_PERMUTED = 4
DASHES = str.maketrans("‐‑‒–—−’‘`´“”", "------''''\"\"")


def plain(text: str) -> str:
    """NFKC, one kind of dash and quote, white space and line ends as single spaces; letter case is kept."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(DASHES).split())


def edit_distance(one: str, other: str) -> int:
    """Levenshtein's: insertions, deletions and substitutions of characters."""
    if not other:
        return len(one)
    letters = np.array([ord(char) for char in other])
    steps = np.arange(len(other) + 1)
    row = steps.copy()
    for number, char in enumerate(one, 1):
        best = np.minimum(row[1:] + 1, row[:-1] + (letters != ord(char)))
        row = np.minimum.accumulate(np.concatenate([[number], best]) - steps) + steps
    return int(row[-1])


def block_distance(truth: str, blocks: Sequence[str]) -> int:
    """Edit distance from the truth to the blocks joined in the order that suits it best.

    Up to four blocks are tried in every order; of more, each next one is put where it does least harm.
    """
    truth = plain(truth)
    texts = [plain(block) for block in blocks]
    if len(texts) <= MOST_PERMUTED:
        return min(edit_distance(truth, " ".join(order)) for order in itertools.permutations(texts))
    order: list[str] = []
    for text in sorted(texts, key=len, reverse=True):
        tries = [[*order[:place], text, *order[place:]] for place in range(len(order) + 1)]
        order = min(tries, key=lambda tried: edit_distance(truth, " ".join(tried)))
    return edit_distance(truth, " ".join(order))


def words(text: str) -> set[str]:
    """Words of three or more letters or digits, without regard to case."""
    return set(re.findall(r"\w{3,}", plain(text).casefold()))


def overlap(one: NDArray[np.bool_], other: NDArray[np.bool_], counted: NDArray[np.bool_]) -> float:
    """Intersection over union, among the pixels that count."""
    union = ((one | other) & counted).sum()
    return float((one & other & counted).sum() / union) if union else 1.0
