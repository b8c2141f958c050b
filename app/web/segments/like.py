"""Groups of like segments as pages: the largest of a class, the crops of one, and a name that goes to all of it as proposals.

Each step is a form that works without script; `/api/segments/{segment}/like` does the same for programs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from annotations.groups import service as groups
from annotations.groups.service import Group, Name
from annotations.proposed.form import LONGEST_VALUE, OF_THE_SOURCE
from annotations.segments import service
from annotations.segments.likeness import RULES
from annotations.segments.model import Segment
from app.runtime import context, principal
from app.runtime.errors import Invalid
from app.runtime.principal import Principal
from app.web import layout, refusals
from app.web.account.forms import field
from app.web.image_links import ImageLink, is_pictured, picture_of
from app.web.refusals import Refusal
from iiif.catalogue import places
from iiif.catalogue import service as catalogue
from iiif.presentation.manifest import title
from ontology import darwin_core
from ontology.segment_classes import CLASSES

blueprint = Blueprint("like_segments", __name__)
GROUPS_SHOWN, CROPS_SHOWN = 24, 48
CROP_PX = (280, 180)
LONGEST_WORDS = 120
RULE_NAMES = {"words": "the same words", "form": "the same form"}
USUAL_TERM = "recordedBy"


@dataclass(frozen=True, slots=True)
class Crop:
    """One segment of a group: its piece of the image where pages show that, and what it lies on."""

    key: str
    picture: ImageLink | None
    words: str
    specimens: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a name that was given to a group or taken back, and the `after` of the segments that are left to do."""

    deed: str
    made: int = 0
    known: int = 0
    taken_back: int = 0
    passed_over: tuple[tuple[str, str], ...] = ()
    following: str = ""


@blueprint.get("/review/groups")
def largest() -> Response:
    """The groups of a `class` that read the same, the largest first; for who may write somewhere."""
    by, runtime = principal.of_page(), context.current()
    principal.require_somewhere(by, "annotate")
    name, after = request.args.get("class", "label"), request.args.get("after", "")[:64]
    if name not in CLASSES:
        raise Invalid(f"class is one of {', '.join(CLASSES)}.", parameter="class")
    with runtime.reads.begin() as session:
        found, following = groups.largest(session, name, by=by, after=after, limit=GROUPS_SHOWN)
        crops = _crops(session, [one.segment for one in found], by)
    sizes = {one.segment.key: one.size for one in found}
    told: Any = {"class_name": name, "classes": CLASSES, "after": after, "following": following, "sizes": sizes}
    return layout.page("groups.html", by=by, personal=True, here="review", crops=crops, **told)


@blueprint.get("/segments/<segment:key>/like")
def like(key: str) -> Response:
    """The crops of those that are like it, `by` words or form; with a `value` for a `term` who would get it."""
    by, runtime, asked = principal.of_page(), context.current(), request.args
    name = Name(key, asked.get("by", "words"), asked.get("term", ""), asked.get("value", "")[: LONGEST_VALUE + 1])
    seen = None
    if name.value and by.granted("judge"):
        try:
            with runtime.reads.begin() as session:
                seen = groups.group(session, _checked(name), by=by)
        except Invalid as error:
            return _page(name, by, refused=Refusal(error, "name", "", asked.to_dict()))
    return _page(name, by, seen=seen)


@blueprint.post("/segments/<segment:key>/like/proposals")
def give(key: str) -> Response:
    """Propose `value` for `term` of the records of all of them, or with `do=take back` take back one's own: the page with what
    came of it. The same again makes none twice."""
    by, runtime = principal.of_page_writer(), context.current()
    principal.require_somewhere(by, "judge")
    asked = request.form
    value, after = asked.get("value", "")[: LONGEST_VALUE + 1], asked.get("after", "")[:64]
    name = Name(key, asked.get("by", ""), asked.get("term", ""), value, after)
    try:
        deed = field("do", 20)
        if deed == "take back":
            number, following = groups.take_back(runtime.db.begin, _checked(name), by=by, at=runtime.clock())
            return _page(name, by, done=Done(deed, taken_back=number, following=following))
        made = groups.propose(runtime.db.begin, _checked(name), by=by, addresses=runtime.addresses, at=runtime.clock())
        done = Done(deed, len(made.made), made.known, 0, made.passed_over, made.following)
        return _page(name, by, done=done)
    except Invalid as error:
        return _page(name, by, refused=Refusal(error, "name", "", asked.to_dict()))


def _checked(name: Name) -> Name:
    """Raises Invalid for a value that no proposal may have."""
    if len(name.value) > LONGEST_VALUE or "\0" in name.value:
        raise Invalid(f"A proposed value has from 1 to {LONGEST_VALUE:,} characters.", parameter="value")
    return name


def _page(
    name: Name, by: Principal, *, seen: Group | None = None, done: Done | None = None, refused: Refusal = refusals.NONE
) -> Response:
    runtime, after = context.current(), request.args.get("after", "")[:64]
    rule = "words" if refused.error and name.rule not in RULES else name.rule
    with runtime.reads.begin() as session:
        segment, _ = service.get(session, name.segment_key, by=by)
        found = groups.like(session, segment.key, rule, by=by, after=after, limit=CROPS_SHOWN + 1)
        crops = _crops(session, found[:CROPS_SHOWN], by)
        itself = _crops(session, [segment], by)[0]
        sample = _titles(session, [one.specimen_key for one in seen.members[: groups.SHOWN]], by) if seen else {}
    return layout.page(
        "like.html",
        by=by,
        personal=bool(by.session),
        status=refused.status,
        here="review",
        segment=segment,
        label=CLASSES[segment.class_name].label,
        itself=itself,
        crops=crops,
        following=found[CROPS_SHOWN - 1].key if len(found) > CROPS_SHOWN else "",
        after=after,
        rule=rule,
        rules=RULE_NAMES,
        terms=_terms(),
        term=name.term or USUAL_TERM,
        value=name.value,
        judges=bool(by.granted("judge")),
        seen=seen,
        sample=sample,
        done=done,
        passed=_passed(done),
        refused=refused,
        homeless=(),
    )


def _passed(done: Done | None) -> Mapping[str, int]:
    """Why some records got none, each reason with how many it holds for."""
    told: dict[str, int] = {}
    for _, why in done.passed_over if done else ():
        told[why] = told.get(why, 0) + 1
    return told


def _terms() -> list[tuple[str, list[tuple[str, str]]]]:
    """The terms that a value may be proposed for, by group, with their labels."""
    grouped = [
        (darwin_core.label_of(group), [(term, darwin_core.label_of(term)) for term in terms if term not in OF_THE_SOURCE])
        for group, terms in darwin_core.GROUPS.items()
    ]
    return [(group, terms) for group, terms in grouped if terms]


def _crops(session: Session, some: Sequence[Segment], by: Principal) -> list[Crop]:
    media, lying = service.images_of(session, some), service.specimens_of(session, some)
    titles = _titles(session, [key for keys in lying.values() for key in keys], by)
    words = groups.words_of(session, some, by=by)
    return [
        Crop(
            one.key,
            picture_of(media[one.media_key], CROP_PX, one.box) if is_pictured(media[one.media_key]) else None,
            " ".join(words.get(one.key, "").split())[:LONGEST_WORDS],
            tuple((key, titles[key]) for key in lying[one.key] if key in titles),
        )
        for one in some
    ]


def _titles(session: Session, keys: Sequence[str], by: Principal) -> dict[str, str]:
    """What these specimens are called, by key."""
    known = catalogue.specimens_by_key(session, set(keys))
    return {key: title(places.as_seen(one, by)) for key, one in known.items()}
