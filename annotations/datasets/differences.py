"""What two versions of a dataset differ in, by going through both lists of members side by side, in flat memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from sqlalchemy.orm import Session

from annotations.datasets import store
from annotations.datasets.model import AnnotationMember, ImageMember, Version

LISTED = 1_000  # members that an answer names, of each kind of difference
Of = Literal["image", "annotation"]
How = Literal["added", "removed", "changed"]
Member = TypeVar("Member", ImageMember, AnnotationMember)
RECORD = ("record_version", "holder", "creator")


@dataclass(frozen=True, slots=True)
class Difference:
    """A member that only the later version has (`added`), only the earlier one (`removed`), or both otherwise (`changed`).

    `what` says of a changed one what is: bytes, record, licence, access, split of an image, version of an annotation.
    """

    of: Of
    how: How
    key: str
    what: tuple[str, ...] = ()


@dataclass(slots=True)
class Comparison:
    """Counts of the differences by kind, and the first of them."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    listed: list[Difference] = field(default_factory=list)
    listed_all: bool = True
    moved: int = 0
    licences: int = 0
    classes_added: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        zero = {"added": 0, "removed": 0, "changed": 0}
        return {
            "images": zero | self.counts.get("image", {}),
            "annotations": zero | self.counts.get("annotation", {}),
            "movedBetweenSplits": self.moved,
            "licencesChanged": self.licences,
            "classesAdded": self.classes_added,
            "differences": [
                {"of": one.of, "how": one.how, "key": one.key, **({"what": list(one.what)} if one.what else {})}
                for one in self.listed
            ],
            "complete": self.listed_all,
        }


def compare(session: Session, earlier: Version, later: Version) -> Comparison:
    """All differences counted, the first ones of each kind named."""
    found = Comparison()
    named: dict[tuple[str, str], int] = {}
    for one in stream(session, earlier, later):
        of = found.counts.setdefault(one.of, {})
        of[one.how] = of.get(one.how, 0) + 1
        found.moved += "split" in one.what
        found.licences += "licence" in one.what
        place = (one.of, one.how)
        named[place] = named.get(place, 0) + 1
        if named[place] <= LISTED:
            found.listed.append(one)
        else:
            found.listed_all = False
    before = {name for _, name in earlier.told["classes"]}
    found.classes_added = [name for _, name in later.told["classes"] if name not in before]
    return found


def stream(session: Session, earlier: Version, later: Version) -> Iterator[Difference]:
    """Every difference: images first, then annotations, each by the bytes of their keys."""
    pairs = ((one.key, one.number) for one in (earlier, later))
    (key, number), (other_key, other_number) = pairs
    yield from _merged(
        "image",
        store.images(session, key, number),
        store.images(session, other_key, other_number),
        lambda one: one.media_key,
        _image_changes,
    )
    yield from _merged(
        "annotation",
        store.annotations(session, key, number),
        store.annotations(session, other_key, other_number),
        lambda one: one.annotation_key,
        _annotation_changes,
    )


def _merged(
    of: Of,
    earlier: Iterator[Member],
    later: Iterator[Member],
    key_of: Callable[[Member], str],
    changes: Callable[[Member, Member], tuple[str, ...]],
) -> Iterator[Difference]:
    one, other = next(earlier, None), next(later, None)
    while one is not None or other is not None:
        key, other_key = (None if member is None else key_of(member).encode() for member in (one, other))
        if other is None or (key is not None and other_key is not None and key < other_key):
            yield Difference(of, "removed", key_of(one))  # type: ignore[arg-type]  # one of them is there
            one = next(earlier, None)
        elif one is None or (key is not None and other_key is not None and other_key < key):
            yield Difference(of, "added", key_of(other))
            other = next(later, None)
        else:
            if what := changes(one, other):
                yield Difference(of, "changed", key_of(one), what)
            one, other = next(earlier, None), next(later, None)


def _image_changes(one: ImageMember, other: ImageMember) -> tuple[str, ...]:
    found = (
        ("bytes", one.sha256 != other.sha256),
        ("record", any(getattr(one, name) != getattr(other, name) for name in RECORD) or one.specimen_key != other.specimen_key),
        ("licence", (one.licence, one.rights) != (other.licence, other.rights)),
        ("access", one.access != other.access),
        ("split", one.split != other.split),
        ("group", one.group_id != other.group_id),
    )
    return tuple(name for name, differs in found if differs)


def _annotation_changes(one: AnnotationMember, other: AnnotationMember) -> tuple[str, ...]:
    found = (
        ("version", (one.version, one.sha256) != (other.version, other.sha256)),
        ("image", one.media_key != other.media_key),
        ("class", one.class_name != other.class_name),
    )
    return tuple(name for name, differs in found if differs)
