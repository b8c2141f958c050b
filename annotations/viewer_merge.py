"""What a drawing client loses on its way, put back: viewers draw one shape and drop the rest when they save.

Annotorious keeps one selector, rewrites it, and drops `partOf` and all it does not know. So where the
shape has not moved, its selectors and the description of its source stay as stored, and provenance stays in any case.
"""

from collections.abc import Mapping
from typing import Any

from annotations import selectors
from annotations.targets import Place
from annotations.validation import several

ABOUT = ("motivation", "creator", "generator", "generated", "rights", "canonical", "via")
KEPT = (*ABOUT, "wasGeneratedBy", "confidence", "version", "proposes")


def wanted(document: Mapping[str, Any], from_viewer: bool | None) -> bool:
    """Whether the document comes from a drawing client: said so, or one selector on a source that is a plain string."""
    if from_viewer is not None:
        return from_viewer
    target = _only(document.get("target"))
    if not isinstance(target, Mapping):
        return False
    return isinstance(target.get("source"), str) and len(several(target.get("selector"))) == 1


def same_target(new: Place, old: Place) -> bool:
    """Whether both name the same image and a drawing client would show the same shape."""
    if (new.specimen_key, new.media_key) != (old.specimen_key, old.media_key):
        return False
    if new.region is None or old.region is None:
        return new.region is old.region
    return selectors.same_place(new.region, old.region)


def onto(new: Mapping[str, Any], old: Mapping[str, Any], *, same_target: bool) -> dict[str, Any]:
    """The new document with what the old one said and a drawing client cannot hold: context, provenance, and the target
    itself where the shape is the same; of a moved shape the description of its source (`partOf`) stays if it is the same."""
    merged = {**new, "@context": old.get("@context", new.get("@context"))}
    merged.update({name: old[name] for name in KEPT if name in old and name not in new})
    merged["target"] = old["target"] if same_target else _moved(new["target"], old["target"])
    return merged


def _moved(new: Any, old: Any) -> Any:
    mine, theirs = _only(new), _only(old)
    if not isinstance(mine, Mapping) or not isinstance(theirs, Mapping):
        return new
    source = theirs.get("source")
    if isinstance(source, Mapping) and source.get("id") == mine.get("source"):
        return {**mine, "source": source}
    return new


def _only(target: Any) -> Any:
    found = several(target)
    return found[0] if len(found) == 1 else None
