"""A document that comes back in a viewer's form, merged with what stands: it changes what its sender saw and has changed.

Viewers draw one target and plain texts, and drop what they do not know. So each part that comes back as it was shown stands
as it was stored; of a part that was changed, what the form does not show stays, whatever is sent in its place; and what is
missing is only gone if it is a body, which viewers can remove. Times that are the same moment are the same, however written.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotations import frames, projections, viewer_selectors
from annotations.errors import UnknownTarget
from annotations.model import Annotation, Canvas, Target
from annotations.projections import PAINTING, Profile
from annotations.targets import ResolvedTarget
from annotations.validation import CONTEXT, iri_of, is_time, several
from annotations.viewer_forms import as_w3c
from app.runtime.addresses import Addresses

MERGED = ("@context", "body", "bodyValue", "motivation", "target")
CONTEXTS = (CONTEXT, projections.IIIF3, projections.IIIF2)
IDENTITY = ("id", "type", "source", "selector")  # of a target: what it is and where, not what is said of it


@dataclass(frozen=True, slots=True)
class Seen:
    """What stands (`old`, with the target in front that was shown), how it was shown, and the place of the stored body that
    each shown body stands for (-1: none). `canvas` is the one that the new target lies on."""

    old: Annotation
    form: Mapping[str, Any]
    places: tuple[int, ...]
    canvas: Canvas | None
    addresses: Addresses

    @classmethod
    def of(cls, old: Annotation, profile: Profile, canvas: Canvas | None, addresses: Addresses) -> "Seen":
        shown = projections.project(old, profile, canvas if old.media_key else None, addresses)
        form = as_w3c(shown, profile, addresses)
        if profile == "annotorious":
            places = tuple(range(len(several(form.get("body")))))
        else:
            places = tuple(place for place, _ in projections.viewer_bodies_by_place(old))
        return cls(old, form, places, canvas, addresses)


def shown(old: Annotation, drawn: Target) -> Annotation:
    """The stored annotation as the drawing client was shown it: with the target in front that lies where it has drawn."""
    return old.seen_from(media_key=drawn.media_key) if drawn.media_key else old.seen_from(specimen_key=drawn.specimen_key)


def onto(new: Mapping[str, Any], seen: Seen, drawn: ResolvedTarget) -> dict[str, Any]:
    """The stored document with what was changed in the new one; `drawn` is the first of its targets, resolved."""
    document = seen.old.document
    changed = {name: value for name, value in _changed(new, seen.form, document).items() if name not in MERGED}
    merged = {**document, **changed, "@context": _contexts(document, new), "target": _targets(new, seen, drawn)}
    if "motivation" in new:
        merged |= _motivation(new["motivation"], seen)
    if "body" in new or "bodyValue" in new:
        merged = {name: value for name, value in merged.items() if name not in ("body", "bodyValue")} | _bodies(new, seen)
    return merged


def _changed(sent: Mapping[str, Any], shown: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """The members of which another value was sent than was shown; not those that stand and were not shown."""
    return {
        name: value
        for name, value in sent.items()
        if not _is_same(value, shown.get(name)) and (name in shown or name not in stored)
    }


def _is_same(one: Any, other: Any) -> bool:
    """Whether the values are equal, or times of the same moment."""
    if isinstance(one, str) and isinstance(other, str) and is_time(one) and is_time(other):
        return datetime.fromisoformat(one) == datetime.fromisoformat(other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_is_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return bool(one == other)


def _contexts(document: Mapping[str, Any], new: Mapping[str, Any]) -> Any:
    """The stored one, and those that the sender names beside it for members of its own."""
    stored = document.get("@context")
    more = [one for one in several(new.get("@context")) if one not in (*CONTEXTS, *several(stored))]
    return [*more, *several(stored)] if more else stored


def _motivation(sent: Any, seen: Seen) -> dict[str, Any]:
    """The words that were sent, less the one that we added for viewers and with those that we held back from them."""
    stored, form = several(seen.old.document.get("motivation")), several(seen.form.get("motivation"))
    if several(sent) == form:
        return {}
    added = [word for word in form if word not in stored]
    hidden = [word for word in stored if word in PAINTING and word not in form]
    words = [word for word in several(sent) if word not in added] + hidden
    return {"motivation": words[0] if len(words) == 1 else words} if words else {"motivation": sent}


def _bodies(new: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    """`body`, or `bodyValue` where that is what was stored and stays; nothing where none is left.

    A body that comes back as it was shown is the stored one, and one that was changed changes it. Those that the form does not
    show stay where they stood, or behind the others if the sender has put these in another order.
    """
    document = seen.old.document
    stored, form = projections.stored_bodies(document), several(seen.form.get("body"))
    sent = [body if isinstance(body, Mapping) else {"id": body} for body in projections.stored_bodies(new)]
    pairs = _pairs(sent, form, seen.places, stored)
    placed: list[tuple[float, Any]] = []  # each with the place of the stored body that it was
    for body, number in zip(sent, pairs, strict=True):
        place = -1 if number is None else seen.places[number]
        if number is None:
            placed.append((math.inf, body))
        elif place >= 0:
            placed.append((place, _edited(body, form[number], stored[place])))
    used = {place for place, _ in placed}
    new_texts = [body for body, number in zip(sent, pairs, strict=True) if number is None and "value" in body]
    written_over = {place for number, place in enumerate(seen.places) if _is_link(form[number], place, stored)} - used
    over = {place for place in written_over if any(_may_be_over(text, form[seen.places.index(place)]) for text in new_texts)}
    unseen = [(place, body) for place, body in enumerate(stored) if place not in seen.places or place in over]
    in_order = [place for place, _ in placed] == sorted(place for place, _ in placed)
    kept = [body for _, body in (sorted([*placed, *unseen], key=lambda one: one[0]) if in_order else [*placed, *unseen])]
    if kept == stored:
        return {name: document[name] for name in ("body", "bodyValue") if name in document}
    if not kept:
        return {}
    return {"body": kept[0] if len(kept) == 1 and not isinstance(document.get("body"), list) else kept}


def _pairs(sent: list[Any], form: list[Any], places: tuple[int, ...], stored: list[Any]) -> list[int | None]:
    """For each body that was sent the number of the shown one that it is, or was made from; None for a new one."""
    left = list(range(len(form)))
    pairs: list[int | None] = []
    for body in sent:
        same = next((number for number in left if _is_same(form[number], body)), None)
        pairs.append(same)
        if same is not None:
            left.remove(same)
    for kept in (("id", "purpose"), ("id", "value", "source", "items")):  # a changed text, then a changed purpose
        for index, body in enumerate(sent):
            if pairs[index] is None:
                near = next((number for number in left if _is_edit(body, form[number], places[number], stored, kept)), None)
                if near is not None:
                    pairs[index] = near
                    left.remove(near)
    return pairs


def _is_edit(body: Mapping[str, Any], shown: Mapping[str, Any], place: int, stored: list[Any], kept: tuple[str, ...]) -> bool:
    """Whether it may be the shown body after a change: of the same sort, and equal in the members `kept` that it has. A text
    in place of what only stands for a link is a text of its own."""
    if _is_link(shown, place, stored):
        return False
    alike = all(body.get(name, shown.get(name)) == shown.get(name) for name in kept)
    return alike and all((name in body) == (name in shown) for name in ("value", "source", "items"))


def _edited(body: Mapping[str, Any], shown: Mapping[str, Any], stored: Any) -> Any:
    if not isinstance(stored, Mapping):
        return stored if _is_same(body, shown) else dict(body)
    changed = _changed(body, shown, stored)
    return {**stored, **changed} if changed else stored


def _is_link(shown: Mapping[str, Any], place: int, stored: list[Any]) -> bool:
    """Whether the shown text only stands for something linked."""
    return place >= 0 and "value" in shown and not (isinstance(stored[place], Mapping) and "value" in stored[place])


def _may_be_over(text: Mapping[str, Any], shown: Mapping[str, Any]) -> bool:
    """Whether a new text may have been written over that which stood for a link; then the link is not removed."""
    return bool(text.get("purpose", shown.get("purpose")) == shown.get("purpose"))


def _targets(new: Mapping[str, Any], seen: Seen, drawn: ResolvedTarget) -> Any:
    """The first target takes the place of the one that was shown, unless it has not moved; all others stay, and more that
    were sent stand behind them."""
    stored, position = several(seen.old.document["target"]), seen.old.front.position
    first, *more = several(new["target"])
    theirs = stored[position]
    mine = _placed(first, theirs, seen)
    if first == seen.form["target"] or _same_shape(drawn, seen):
        mine = _with_more(theirs, first, seen.form["target"])
    else:
        mine = _moved(mine, theirs)
    stored = [*stored[:position], mine, *stored[position + 1 :]]
    stored = [*stored, *(one for one in more if one not in stored)]
    return stored if isinstance(seen.old.document["target"], list) or len(stored) > 1 else stored[0]


def _placed(mine: Any, theirs: Any, seen: Seen) -> Any:
    """The target that was sent, on the canvas that its sender saw or, if that is the same place, on what was stored.

    Drawing clients write an address of their own for the image that they show, such as its info.json.
    """
    if not seen.old.front.media_key or not isinstance(mine, Mapping) or "source" not in mine or not _is_whole(mine, seen):
        return mine
    known = theirs if _is_whole(theirs, seen) else seen.form["target"]
    return {**mine, "source": iri_of(known).partition("#")[0]}


def _is_whole(target: Any, seen: Seen) -> bool:
    """Whether its source is the whole image that was shown, in the units of its canvas."""
    named = seen.addresses.identify(iri_of(target).partition("#")[0])
    if named is None or named.kind not in ("canvas", "image") or named.key != seen.old.front.media_key or seen.canvas is None:
        return False
    try:
        frame = frames.of(named, seen.canvas)
    except UnknownTarget:  # a picture that is made no more
        return False
    return frame.whole and frame.size == seen.canvas and not frame.turned


def _with_more(theirs: Any, mine: Any, shown: Any) -> Any:
    """The stored target with the members that were added to what was shown of it."""
    if not isinstance(mine, Mapping):
        return theirs
    known = {*IDENTITY, *(shown if isinstance(shown, Mapping) else ()), *(theirs if isinstance(theirs, Mapping) else ())}
    more = {name: value for name, value in mine.items() if name not in known}
    if not more:
        return theirs
    return {**(theirs if isinstance(theirs, Mapping) else _specific(theirs)), **more}


def _specific(target: str) -> dict[str, Any]:
    """A target that is an IRI, as an object."""
    whole, _, fragment = target.partition("#")
    return {"source": whole, **({"selector": {"type": "FragmentSelector", "value": fragment}} if fragment else {})}


def _same_shape(drawn: ResolvedTarget, seen: Seen) -> bool:
    """Whether a drawing client would show both alike: the same shape on the same image, or the same whole specimen."""
    front, old = drawn.front, seen.old
    if front.media_key != old.front.media_key:
        return False
    if seen.canvas is None:
        return front.specimen_key == old.front.specimen_key
    region = frames.shown_region(old, seen.canvas)
    if drawn.region is None or region is None:
        return drawn.region is None and region is None
    return viewer_selectors.same_place(drawn.region, region)


def _moved(mine: Any, theirs: Any) -> Any:
    """The new target with what the stored one says beside its place, and with the stored description of the same source."""
    if not isinstance(theirs, Mapping):
        return mine
    whole = iri_of(mine).partition("#")[0]
    if not isinstance(mine, Mapping):
        mine = _specific(mine)
    is_specific = "source" in theirs
    source = theirs.get("source") if is_specific else {name: value for name, value in theirs.items() if name != "selector"}
    if iri_of({"source": source}).partition("#")[0] == whole and "source" in mine:
        if isinstance(source, Mapping) and source.get("id") != whole:
            source = {**source, "id": whole}
        elif isinstance(source, str):
            source = whole
        mine = {**mine, "source": source}
    if not is_specific:
        return mine
    placed = {name: value for name, value in mine.items() if name not in ("id", "type")}
    return {**placed, **{name: value for name, value in theirs.items() if name not in ("source", "selector")}}
