"""Groups of images that belong together, and the split that each group goes to (no order, no state but the version before).

Images are of one group where they share a specimen, a gathering, or bytes that are (nearly) the same: a classifier that has seen
one of them knows the other. A group is the connected component over all of these; its name is the least digest of its images,
so that neither order nor keys decide.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from annotations.datasets.model import SplitRule

NAME = 16  # hexadecimal digits of the name of a group
WHOLE_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def joins(specimen_keys: Iterable[str], institution: str, terms: Mapping[str, str]) -> list[str]:
    """Digests of what the image of these specimens, with that record, may share with others; empty fields join nothing.

    A gathering is known by its event (of one institution), by collector and number, or by collector, day and locality.
    """
    collector, number = _plain(terms.get("recordedBy", "")), _plain(terms.get("recordNumber", ""))
    day, locality = WHOLE_DATE.match(terms.get("eventDate", "")), _plain(terms.get("locality", ""))
    event = terms.get("eventID", "").strip()
    found: list[tuple[str, ...]] = [("specimen", key) for key in specimen_keys]
    found += [("event", institution, event)] if event else []
    found += [("number", collector, number)] if collector and number else []
    found += [("place", collector, day[0], locality)] if collector and day and locality else []
    return sorted(hashlib.sha256("\0".join(one).encode()).hexdigest()[:32] for one in found)


def _plain(text: str) -> str:
    """In one case, with single blanks between words and without other signs: `Humboldt, A. v.` is `humboldt a v`."""
    return " ".join(re.findall(r"\w+", text.casefold()))


class Groups:
    """Connected components over images, in memory: about 300 bytes an image."""

    def __init__(self) -> None:
        self._parents: list[int] = []
        self._least: list[str] = []
        self._numbers: dict[str, int] = {}
        self._by_join: dict[str, int] = {}

    def add(self, media_key: str, sha256: str, joins: Iterable[str]) -> None:
        """Enter an image with what it may share with others."""
        number = len(self._parents)
        self._parents.append(number)
        self._least.append(sha256[:NAME])
        self._numbers[media_key] = number
        for join in joins:
            other = self._by_join.setdefault(join, number)
            if other != number:
                self._unite(other, number)

    def unite(self, media_key: str, other: str) -> None:
        """Say that these two are of one group."""
        self._unite(self._numbers[media_key], self._numbers[other])

    def of(self, media_key: str) -> str:
        """The name of the group of the image."""
        return self._least[self._root(self._numbers[media_key])]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """(image, group)."""
        return ((key, self.of(key)) for key in self._numbers)

    def _root(self, number: int) -> int:
        while self._parents[number] != number:
            self._parents[number] = number = self._parents[self._parents[number]]
        return number

    def _unite(self, one: int, other: int) -> None:
        one, other = self._root(one), self._root(other)
        if one != other:
            self._parents[other] = one
            self._least[one] = min(self._least[one], self._least[other])


@dataclass(frozen=True, slots=True)
class Placing:
    """The split of each group; `joined` are groups that were in two splits in the version before, with the images that moved."""

    splits: Mapping[str, str]
    joined: Mapping[str, int] = field(default_factory=dict)


def place(groups: Iterable[tuple[str, str]], before: Mapping[str, str], rule: SplitRule) -> Placing:
    """Give each group its split: the one that its images had `before` (by image), or by the rule.

    A group whose images were in several splits goes where most of them were, of equally many to the first by name.
    """
    splits: dict[str, str] = {}
    held: dict[str, Counter[str]] = {}
    for media_key, group in groups:
        splits[group] = ""
        if (split := before.get(media_key, "")) in rule.shares:
            held.setdefault(group, Counter())[split] += 1
    joined = {}
    for group in splits:
        had = held.get(group)
        if had is None:
            splits[group] = drawn(group, rule)
            continue
        splits[group] = min(had, key=lambda name: (-had[name], name))
        if len(had) > 1:
            joined[group] = had.total() - had[splits[group]]
    return Placing(splits, joined)


def drawn(group: str, rule: SplitRule) -> str:
    """The split of a group by the rule alone: its digest with the seed, from 0 to 1, against the shares one after the other."""
    at = int.from_bytes(hashlib.sha256(f"{rule.seed}\n{group}".encode()).digest()[:8]) / 2**64
    total, reached = sum(rule.shares.values()), 0.0
    for name, share in rule.shares.items():
        reached += share / total
        if at < reached:
            return name
    return list(rule.shares)[-1]
