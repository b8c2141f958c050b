"""An annotation on an annotation lies where its target lies: when the target moves, it moves along.

The same holds of what lies on an image when that comes to show other specimens than before.

Locks are taken in one order, so that nobody waits in a circle: images, then annotations in the order of their keys, then
specimens in the order of theirs. Who will change several annotations thus locks all of them at once, before the first.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy.orm import Session

from annotations import placing, store, targets
from annotations.model import Target
from annotations.tables import AnnotationRow
from app.runtime import outbox
from iiif.catalogue import service as catalogue

MOST_MOVES = 8  # of one annotation at once: those that are about one another settle before


@dataclass(frozen=True, slots=True)
class Follower:
    """An annotation that has moved along, with its targets before and after."""

    key: str
    before: tuple[Target, ...]
    after: tuple[Target, ...]


def both(followers: Iterable[Follower]) -> tuple[Target, ...]:
    """Where they lay and where they lie."""
    return tuple(target for follower in followers for target in (*follower.before, *follower.after))


def lock(session: Session, keys: Iterable[str], besides: Iterable[str] = ()) -> None:
    """Lock these annotations, all that follows them, and those that are named `besides`, in the order of their keys."""
    found = set(keys)
    waiting = sorted(found)
    while waiting:
        waiting = [key for key in store.about_annotations(session, waiting) if key not in found]
        found.update(waiting)
    store.lock(session, found.union(besides))


def follow(session: Session, keys: Sequence[str]) -> tuple[Follower, ...]:
    """Let what is said about these annotations, and what is said about that in turn, lie where they lie now.

    The caller has locked all of them (`lock`); a follower that came since is locked here.
    """
    moved: list[Follower] = []
    moves: Counter[str] = Counter()
    waiting = list(keys)
    while waiting:
        changed = []
        for key in store.about_annotations(session, waiting):
            moves[key] += 1
            row = store.find(session, key, lock=True)
            if row is not None and moves[key] <= MOST_MOVES and (follower := lay_again(session, row)) is not None:
                moved.append(follower)
                changed.append(key)
        waiting = changed
    return tuple(moved)


def lay_again(session: Session, row: AnnotationRow) -> Follower | None:
    """Let the annotation lie where its targets lie now; None if that is where it lies already."""
    before = tuple(map(store.target, row.targets))
    after: list[Target] = []
    for _, same in groupby(before, key=lambda target: target.position):
        after.extend(lying_now(session, tuple(same)))
    if tuple(after) == before:
        return None
    store.keep_targets(session, row, after)
    return Follower(row.key, before, tuple(after))


def lying_now(session: Session, lying: tuple[Target, ...]) -> tuple[Target, ...]:
    """One target where it lies now. An annotation lies where that does, and what is on an image on the specimens it shows."""
    first = lying[0]
    if first.kind == "annotation":
        row = store.find(session, first.key)
        return lying if row is None else targets.lying(first, targets.places_of(list(map(store.target, row.targets))))
    if first.media_key:
        places = targets.places_on(session, first.media_key, first.box)
        return targets.lying(first, places) if places else lying
    return lying


def touch(session: Session, keys: set[str], lying: Iterable[Target], at: datetime) -> None:
    """Have these annotations indexed again, and every specimen that they lie on or lay on."""
    outbox.touch_all(session, "annotation", sorted(keys))
    lie_on = placing.specimens_of(session, lying)
    catalogue.touch_specimens(session, {key for keys in lie_on.values() for key in keys}, at=at)
