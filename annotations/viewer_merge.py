"""What a drawing client loses on its way, put back: viewers draw one shape and drop the rest when they save.

Annotorious keeps one selector, rewrites it, and drops `partOf` and all it does not know. So where the
shape has not moved, its selectors and the description of its source stay as stored; provenance and other targets stay in any
case.
"""

from collections.abc import Mapping
from typing import Any

from annotations import frames, selectors
from annotations.model import Annotation, Target
from annotations.selectors import Canvas
from annotations.targets import ResolvedTarget
from annotations.validation import several

ABOUT = ("motivation", "creator", "generator", "generated", "rights", "canonical", "via")
KEPT = (*ABOUT, "wasGeneratedBy", "confidence", "version", "proposes")
OF_TARGET = ("styleClass", "renderedVia", "scope", "state")  # members of a target that say nothing of its shape


def wanted(document: Mapping[str, Any], from_viewer: bool | None) -> bool:
    """Whether the document comes from a drawing client: said so, or one selector on a source that is a plain string."""
    if from_viewer is not None:
        return from_viewer
    target = _only(document.get("target"))
    if not isinstance(target, Mapping):
        return False
    return isinstance(target.get("source"), str) and len(several(target.get("selector"))) == 1


def shown(old: Annotation, drawn: Target) -> Annotation:
    """The stored annotation as the drawing client was shown it: with the target in front that lies where it has drawn."""
    return old.seen_from(media_key=drawn.media_key) if drawn.media_key else old.seen_from(specimen_key=drawn.specimen_key)


def onto(new: Mapping[str, Any], old: Annotation, drawn: ResolvedTarget, canvas: Canvas | None) -> dict[str, Any]:
    """The new document with what the old one said and a drawing client cannot hold: context, provenance, and targets.

    A drawing client holds one target. It takes the place of the one that it was shown (see `shown`), or leaves that as it was
    stored where the shape has not moved; all others stay. Of a moved shape what the client cannot hold of its target stays if
    the source is the same. `drawn` is the new target, resolved, and `canvas` the one that it lies on.
    """
    document = old.document
    merged = {**new, "@context": document.get("@context", new.get("@context"))}
    merged.update({name: document[name] for name in KEPT if name in document and name not in new})
    if (mine := _only(new.get("target"))) is None:
        return merged
    stored, position = several(document["target"]), old.front.position
    if not _same_shape(drawn, old, canvas):
        stored = [*stored[:position], _moved(mine, stored[position]), *stored[position + 1 :]]
    merged["target"] = stored if isinstance(document["target"], list) else stored[0]
    return merged


def _same_shape(drawn: ResolvedTarget, old: Annotation, canvas: Canvas | None) -> bool:
    """Whether a drawing client would show both alike: the same shape on the same image, or the same whole specimen."""
    front = drawn.front
    if front.media_key != old.front.media_key:
        return False
    if canvas is None:
        return front.specimen_key == old.front.specimen_key
    region = frames.shown_region(old, canvas)
    if drawn.region is None or region is None:
        return drawn.region is None and region is None
    return selectors.same_place(drawn.region, region)


def _moved(mine: Any, theirs: Any) -> Any:
    if not isinstance(mine, Mapping) or not isinstance(theirs, Mapping):
        return mine
    source = theirs.get("source")
    if mine.get("source") not in (source, source.get("id") if isinstance(source, Mapping) else source):
        return mine
    return {**{name: theirs[name] for name in OF_TARGET if name in theirs}, **mine, "source": source}


def _only(target: Any) -> Any:
    found = several(target)
    return found[0] if len(found) == 1 else None
