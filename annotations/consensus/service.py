"""Figures of agreement, between people and between people and machines apart, and what several say together of one statement."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from annotations import guards, store
from annotations import service as annotations
from annotations.consensus import alpha, answers, readings, regions
from annotations.consensus.alpha import Agreement
from annotations.consensus.answers import Asked, Unit
from annotations.errors import UnknownAnnotation
from annotations.frames import shown_region
from annotations.model import Canvas
from annotations.review import blindness
from annotations.states.derive import VERDICTS
from annotations.tables import AnnotationRow
from annotations.words_compared import folded
from app.runtime.accounts import store as accounts
from app.runtime.errors import Forbidden, NotAllowed
from app.runtime.principal import HOW_TO_ASK, Principal, require
from iiif.catalogue import service as catalogue

TEXTS = ("text", "label", "")  # kinds whose words are compared by character; other words are classes
MOST_SHAPES = 1_000  # pairs of regions that are compared
LEAST_GOLD = 20
Pair = tuple[AnnotationRow, AnnotationRow]


@dataclass(frozen=True, slots=True)
class Figures:
    """How far answers agree: verdicts, and what the answers say: classes, numbers, words (share of characters) and regions (mean
    of intersection over union, and F1 of regions that are of the same thing)."""

    verdicts: Agreement
    classes: Agreement
    numbers: Agreement
    characters: Agreement
    overlap: Agreement
    f1: float | None

    def to_json(self) -> dict[str, Any]:
        names = ("verdicts", "classes", "numbers", "characters", "overlap")
        return {name: getattr(self, name).to_json() for name in names} | {"f1": None if self.f1 is None else round(self.f1, 4)}


def agreement(session: Session, asked: Asked, *, by: Principal) -> dict[str, Any]:
    """Figures with their numbers and intervals; of gold no score from fewer than LEAST_GOLD, and never of one item."""
    found = answers.find(session, asked)
    outlines = _Outlines(session)
    machines = [unit for unit in found.units if unit.row.layer == "machine"]
    accepted = [answer.verdict == "approved" for unit in machines for answer in unit.answers if answer.verdict != "uncertain"]
    of_people = _figures([_pairs_of_people(unit) for unit in found.units], outlines)
    of_machines = _figures([_pairs_with_machine(unit) for unit in machines], outlines)
    people = alpha.alpha([[answer.verdict for answer in unit.answers] for unit in found.units])
    return {
        "units": len(found.units),
        "verdicts": sum(len(unit.answers) for unit in found.units),
        "leftOut": found.left_out,
        "cutOff": found.cut_off,
        "people": of_people(people).to_json(),
        "machines": of_machines(alpha.share(sum(accepted), len(accepted))).to_json(),
        "gold": _gold(session, asked.kind, by),
    }


def by_person(session: Session, asked: Asked, *, by: Principal) -> list[dict[str, Any]]:
    """For curators of all: of each person how many verdicts they gave, and how far these agree with those of others on the same
    statements, with what machines said, and with curators on gold; who gave most comes first.

    Raises NotAllowed, Forbidden.
    """
    require(by, "curate")
    found = answers.find(session, asked)
    scores = blindness.gold_scores(session, kind=asked.kind)
    tallies: dict[str, _Tally] = {account: _Tally() for account in scores}
    for unit in found.units:
        said = Counter(answer.verdict for answer in unit.answers)
        for answer in unit.answers:
            tally = tallies.setdefault(answer.account, _Tally())
            tally.verdicts += 1
            tally.others += len(unit.answers) - 1
            tally.same += said[answer.verdict] - 1
            if unit.row.layer == "machine" and answer.verdict != "uncertain":
                tally.machines += 1
                tally.accepted += answer.verdict == "approved"
    names = accounts.names(session, list(tallies))
    told = [
        {
            "account": account,
            "name": names.get(account, account),
            "verdicts": tally.verdicts,
            "others": alpha.share(tally.same, tally.others).to_json(),
            "machines": alpha.share(tally.accepted, tally.machines).to_json(),
            "gold": _score(*scores.get(account, (0, 0))),
        }
        for account, tally in tallies.items()
    ]
    return sorted(told, key=lambda one: (-one["verdicts"], one["name"], one["account"]))


@dataclass(slots=True)
class _Tally:
    """Verdicts of one person; pairs with those of `others` on the same statement, and how many of these say the same; verdicts
    on what machines said, and how many accept it."""

    verdicts: int = 0
    others: int = 0
    same: int = 0
    machines: int = 0
    accepted: int = 0


def together(session: Session, key: str, *, by: Principal) -> dict[str, Any]:
    """What those who answered say together, a suggestion: nothing of it is stored until somebody makes it their own.

    Raises UnknownAnnotation, Closed, NotYours; NotAllowed and Forbidden where it is judged blind and `by` has not judged it.
    """
    annotation = annotations.get(session, key, by=by)
    guards.require_sight(session, key, by)
    if not blindness.may_know(session, annotation, by):
        if not by.name:
            raise NotAllowed(by.refused or HOW_TO_ASK)
        raise Forbidden("This is judged blind: say first what you think of it, then you are told what others do.")
    unit = answers.of_statement(session, key)
    if unit is None:
        raise UnknownAnnotation(f"There is no annotation {key[:64]!r} here.")
    held = [answer.row for answer in unit.answers if answer.row is not None]
    body: dict[str, Any] = {
        "answers": len(unit.answers),
        "verdicts": {verdict: sum(one.verdict == verdict for one in unit.answers) for verdict in VERDICTS},
        "text": None,
        "region": None,
    }
    if held:
        vote = readings.vote([row.text for row in held])
        body["text"] = vote.to_json() | {"medoid": held[vote.medoid].key, "support": sum(
            folded(row.text) == folded(held[vote.medoid].text) for row in held
        )}  # fmt: skip
        body["region"] = _region_together(unit, _Outlines(session))
    return body


def _region_together(unit: Unit, outlines: "_Outlines") -> dict[str, Any] | None:
    drawn = [(one.account, one.row, shape) for one in unit.answers if one.row is not None and (shape := outlines.of(one.row))]
    if not drawn:
        return None
    largest = regions.clusters([(account, shape) for account, _, shape in drawn])[0]
    place, overlap = regions.medoid([drawn[number][2] for number in largest])
    return {"medoid": drawn[largest[place]][1].key, "support": len(largest), "of": len(drawn), "overlap": round(overlap, 4)}


def _pairs_of_people(unit: Unit) -> list[Pair]:
    held = [answer.row for answer in unit.answers if answer.row is not None]
    return [(one, other) for place, one in enumerate(held) for other in held[place + 1 :]]


def _pairs_with_machine(unit: Unit) -> list[Pair]:
    return [(unit.row, answer.row) for answer in unit.answers if answer.row is not None]


def _figures(pairs: Sequence[Sequence[Pair]], outlines: "_Outlines") -> Callable[[Agreement], Figures]:
    """Of the pairs of answers of each unit; without the figure of the verdicts, which the caller has."""
    flat = [pair for several in pairs for pair in several]
    numbers = [pair for pair in flat if pair[0].value is not None and pair[1].value is not None and pair[0].unit == pair[1].unit]
    words = [pair for pair in flat if pair[0].value is None]
    texts = [pair for pair in words if pair[0].kind in TEXTS]
    classes = [pair for pair in words if pair[0].kind not in TEXTS]
    drawn = [(outlines.of(one), outlines.of(other)) for one, other in flat[:MOST_SHAPES] if one.key != other.key]
    same = sum(outlines.of(one) is not None for one, other in flat[:MOST_SHAPES] if one.key == other.key)
    overlaps = [regions.overlap(one, other) for one, other in drawn if one is not None and other is not None]
    overlaps += [1.0] * same
    matched = sum(overlap >= regions.LEAST for overlap in overlaps)
    return lambda verdicts: Figures(
        verdicts,
        alpha.alpha([[folded(row.text) for row in pair] for pair in classes]),
        alpha.alpha([[float(row.value or 0) for row in pair] for pair in numbers], "interval"),
        alpha.mean([readings.in_common(one.text, other.text) for one, other in texts]),
        alpha.mean(overlaps),
        2 * matched / (2 * len(overlaps)) if overlaps else None,
    )


def _gold(session: Session, kind: str, by: Principal) -> dict[str, Any]:
    scores = blindness.gold_scores(session, kind=kind, in_steps_of=LEAST_GOLD)
    every = [sum(score[place] for score in scores.values()) for place in (0, 1)]
    return {"all": _score(*every), "own": _score(*scores.get(by.name, (0, 0))) if by.name else None}


def _score(right: int, given: int) -> dict[str, Any]:
    if given < LEAST_GOLD:
        return alpha.Agreement(None, None, None, given, given, None, f"no score before {LEAST_GOLD}").to_json()
    return alpha.share(right, given).to_json()


class _Outlines:
    """The areas of statements in canvas units, each read once."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.known: dict[str, BaseGeometry | None] = {}

    def of(self, row: AnnotationRow) -> BaseGeometry | None:
        """None of what has no region of its own, or none with an area."""
        if row.key not in self.known:
            self.known[row.key] = self._read(row)
        return self.known[row.key]

    def _read(self, row: AnnotationRow) -> BaseGeometry | None:
        if row.x0 is None or not row.media_key:
            return None
        media = catalogue.media_by_key(self.session, [row.media_key]).get(row.media_key)
        region = shown_region(store.annotation(row), Canvas(media.width_px, media.height_px)) if media else None
        return None if region is None else regions.shape(region)
