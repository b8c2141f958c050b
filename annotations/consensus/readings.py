"""How far transcriptions agree, and what several say together: the reading nearest to all, with the places in dispute.

The vote is that of ROVER (J. Fiscus, 1997) with one difference: its line, which nobody may have written, is told and not
chosen. What is compared is folded (NFC, runs of white space as one space); what is stored stays.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz.distance import Levenshtein

from annotations.words_compared import folded


@dataclass(frozen=True, slots=True)
class Slot:
    """A place where not all read the same: the number of the word in the medoid reading that it is at, or before (`inserted`),
    and how many have read what there; an empty word is nothing."""

    word: int
    inserted: bool
    votes: tuple[tuple[str, int], ...]

    @property
    def is_disputed(self) -> bool:
        """Whether no word has more than half of the votes."""
        return self.votes[0][1] * 2 <= sum(number for _, number in self.votes)


@dataclass(frozen=True, slots=True)
class Vote:
    """`medoid` is the place of the reading that is nearest to all, `agreement` the mean share of characters that the readings
    have in common with it, `slots` the places where they differ, and `together` the line of the majority in each."""

    medoid: int
    agreement: float
    slots: tuple[Slot, ...]
    together: str

    def to_json(self) -> dict[str, Any]:
        slots = [{"word": one.word, "inserted": one.inserted, "votes": dict(one.votes), "disputed": one.is_disputed} for one in
                 self.slots]  # fmt: skip
        return {"medoid": self.medoid, "agreement": round(self.agreement, 4), "slots": slots, "together": self.together}


def in_common(one: str, other: str, *, loose: bool = False) -> float:
    """The share of aligned characters that are the same: 1 less edits over the length of the longer; 1 of two that are empty."""
    return float(Levenshtein.normalized_similarity(folded(one, loose=loose), folded(other, loose=loose)))


def error_rate(read: str, truth: str, *, loose: bool = False) -> float:
    """Character error rate of a reading: edits over the length of the truth."""
    right = folded(truth, loose=loose)
    return Levenshtein.distance(folded(read, loose=loose), right) / max(1, len(right))


def vote(readings: Sequence[str], *, loose: bool = False) -> Vote:
    """Of one reading or more. ValueError for none."""
    if not readings:
        raise ValueError("of no readings there is no vote")
    texts = [folded(one, loose=loose) for one in readings]
    near = [sum(Levenshtein.normalized_similarity(one, other) for other in texts) - 1 for one in texts]
    best = max(range(len(texts)), key=lambda place: (near[place], -place))
    words = texts[best].split()
    ballots = _ballots(words, [text.split() for text in texts])
    slots, together = [], []
    for (word, inserted), counted in sorted(ballots.items(), key=lambda one: (one[0][0], not one[0][1])):
        votes = counted.most_common()
        own = "" if inserted else words[word]
        first = votes[0][0] if votes[0][1] > counted[own] else own
        together += [first] if first else []
        if len(votes) > 1:
            slots.append(Slot(word, inserted, tuple(votes)))
    others = len(texts) - 1
    return Vote(best, near[best] / others if others else 1.0, tuple(slots), " ".join(together))


def _ballots(words: Sequence[str], texts: Sequence[Sequence[str]]) -> dict[tuple[int, bool], Counter[str]]:
    """What each text has at each word of the medoid, and between them: (number of the word, whether before it)."""
    ballots: dict[tuple[int, bool], Counter[str]] = {(place, False): Counter() for place in range(len(words))}
    between: dict[int, Counter[str]] = {}
    for text in texts:
        for step_of in Levenshtein.opcodes(words, text):
            tag, from_, to = step_of.tag, step_of.src_start, step_of.src_end
            at, end = step_of.dest_start, step_of.dest_end
            if tag == "insert":
                between.setdefault(from_, Counter())[" ".join(text[at:end])] += 1
                continue
            for step in range(to - from_):
                ballots[from_ + step, False][text[at + step] if tag != "delete" else ""] += 1
    for place, counted in between.items():
        counted[""] += len(texts) - counted.total()
        ballots[place, True] = counted
    return ballots
