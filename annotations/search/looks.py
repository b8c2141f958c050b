"""What looks like a thing: the vectors in the index, and the hits that are nearest to one of them.

A segment has its own vector, a specimen that of the first of its images that has one and that the document tells of. Vectors
of two networks cannot be compared, so a document names the network, and only hits of the same one are measured.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from annotations.search import audience, items, query, service
from annotations.search.documents import SEGMENT, SPECIMEN
from annotations.search.schema import LOOKS, LOOKS_MODEL
from annotations.search.service import Question
from annotations.segments import service as segments
from annotations.vectors import service as vectors
from annotations.vectors.model import Vector
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid, NotFound
from app.runtime.principal import Principal
from app.runtime.search.port import And, Everything, Hit, Not, SearchEngine, Term
from iiif.catalogue import service as catalogue
from iiif.catalogue.visibility import sees, view_of

MOST = 200  # hits
SAME = 0.95  # from this cosine on two pictures are probably of the same thing: a copy, or the same sheet again


class NoVector(NotFound):
    """The thing has no vector yet."""


@dataclass(frozen=True, slots=True)
class Like:
    """What is to be looked like: its key, the type of thing that it is, and its vector."""

    key: str
    type: str
    vector: Vector


@dataclass(frozen=True, slots=True)
class Similar:
    """Hits with `score`, the cosine of the angle between the vectors: 1 is the same picture."""

    like: Like
    items: tuple[Mapping[str, Any], ...]


def of(session: Session, iri: str, by: Principal, addresses: Addresses) -> Like:
    """The thing of that IRI or key: a specimen, an image or a segment. Raises Invalid, NoVector, and what reading it raises."""
    named = addresses.identify(iri) or addresses.identify(addresses.pid(iri)) if iri else None
    if named is None or named.kind not in ("specimen", "image", "canvas", "segment") or ":" in named.key:
        raise Invalid("`to` is the IRI or the key of a specimen, an image or a segment of this hub.", parameter="to")
    if named.kind == "segment":
        segments.get(session, named.key, by=by)
        return Like(named.key, SEGMENT, _first(session, [named.key]))
    if named.kind == "specimen":
        catalogue.get_specimen(session, named.key)
        seen = [one.key for one in catalogue.media_of(session, named.key) if sees(one, by)]
        return Like(named.key, SPECIMEN, _first(session, seen))
    media = catalogue.get_media(session, named.key)
    view_of(media, by)
    return Like(media.specimen_key, SPECIMEN, _first(session, [media.key]))


def similar(
    session: Session, engine: SearchEngine, like: Like, asked: Question, addresses: Addresses, least: float = -1.0
) -> Similar:
    """The things of its type that look most like it, of those that answer the question; itself left out. Raises SearchDown."""
    asked = replace(asked, type=like.type)
    own = Not(Term("pid", (addresses.pid(like.key).removeprefix(f"{addresses.base}/"),)))
    tree = And((service.whole_tree(session, engine, asked), Term(LOOKS_MODEL, (like.vector.model,)), own))
    hits = engine.nearest(LOOKS, [float(one) for one in like.vector.values], tree, min(asked.size, MOST))
    scores = {service.key_of(hit): hit.score for hit in hits if hit.score >= least}
    if not hits:
        audience.check_index(session, engine)
    near: Sequence[Hit] = [hit for hit in hits if hit.score >= least]
    words = query.parse(asked.q) if asked.q else Everything()
    found = items.items_of(session, engine, [hit.key for hit in near], words, asked.by, addresses)
    return Similar(like, tuple({**item, "score": scores[item["key"]], "same": scores[item["key"]] >= SAME} for item in found))


def _first(session: Session, keys: Sequence[str]) -> Vector:
    found = vectors.of(session, keys)
    vector = next((found[key] for key in keys if key in found), None)
    if vector is None:
        raise NoVector("Nobody has looked at this yet in a way that tells what is like it: `lectotype run embedding` does.")
    return vector
