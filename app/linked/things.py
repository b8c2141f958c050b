"""Every thing that has a name here, as linked data: one by its key, or all of them, a page at a time, in the order of their keys.

A thing is described by a JSON-LD document; its triples are those of the document, and `n_quads` puts them into a graph that is
named like the thing. What is told is what `by` sees: dumps and graphs for everybody are made for NOBODY.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from analytics import descriptions as of_analysis
from analytics import service as runs
from annotations import descriptions as of_statements
from annotations import service as annotations
from annotations.segments import service as segments
from annotations.segments import store as segment_store
from app.linked import people
from app.runtime import derived_names, ids
from app.runtime.context import Runtime
from app.runtime.derived_names import DerivedName
from app.runtime.derived_names import Kind as NameKind
from app.runtime.errors import NotFound
from app.runtime.principal import NOBODY, Principal
from iiif import descriptions as of_catalogue
from iiif.catalogue import service as catalogue
from iiif.catalogue.visibility import sees
from ontology import rdf

AT_ONCE = 500  # things read at once


class UnknownThing(NotFound):
    """No thing of that name is here."""


@dataclass(frozen=True, slots=True)
class Described:
    """A thing: the kind and key that it has here, its IRI, and the JSON-LD document that describes it."""

    kind: str
    key: str
    iri: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing: how one is read by its key, and how a page of them, from behind a key. `one` raises what the package that
    keeps it raises: NotFound, Gone, or that it is not for who asks."""

    name: str
    title: str
    shoulder: str
    one: Callable[[Session, str, Runtime, Principal], Mapping[str, Any]]
    page: Callable[[Session, str, int, Runtime, Principal], Sequence[tuple[str, Mapping[str, Any]]]]


def describe(session: Session, key: str, runtime: Runtime, by: Principal = NOBODY) -> Described:
    """The thing of that key: an ARK's name, or the name of an annotation. Raises UnknownThing, and what its kind raises."""
    kind = kind_of(key, runtime.settings.naan)
    key = name_of_annotation(session, key) if kind.name == "annotation" else key
    document = kind.one(session, key, runtime, by)
    return Described(kind.name, key, str(document["id"]), document)


def kind_of(key: str, naan: str) -> "Kind":
    """Raises UnknownThing."""
    if not ids.is_key(key, naan):
        return BY_NAME["annotation"]  # named by its author
    found = next((kind for kind in KINDS if kind.shoulder == key[:2]), None)
    if found is None:
        raise UnknownThing(f"Things whose names begin with {key[:2]!r} are not described by themselves.")
    return found


def triples_of(thing: Described, base: str) -> tuple[rdf.Triple, ...]:
    """What the thing says. Contexts that the hub does not hold are passed over, and with them what their terms say."""
    return rdf.of_document(thing.document, base, thing=thing.iri, passing_over=True)


def every(runtime: Runtime, *, kinds: Sequence[str] = (), after: str = "", by: Principal = NOBODY) -> Iterator[Described]:
    """All things, one kind after another, each kind in the order of its keys; with `kinds` those alone. `after` is a key of the
    first of the kinds, from behind which it goes on. Each page is read in a transaction of its own, so that nothing is held."""
    for name in kinds or [kind.name for kind in KINDS]:
        last, kind = after, BY_NAME[name]
        while True:
            with runtime.reads.begin() as session:
                found = kind.page(session, last, AT_ONCE, runtime, by)
            for key, document in found:
                yield Described(name, key, str(document["id"]), document)
            if len(found) < AT_ONCE:
                break
            last = found[-1][0]
        after = ""


def _specimen(session: Session, key: str, runtime: Runtime, by: Principal) -> Mapping[str, Any]:
    specimen = catalogue.get_specimen(session, key)
    return of_catalogue.of_specimen(specimen, catalogue.media_of(session, key), runtime.addresses, by)


def _specimens(session: Session, after: str, limit: int, runtime: Runtime, by: Principal) -> Sequence[tuple[str, Any]]:
    found = catalogue.list_specimens(session, after=after, limit=limit)
    media = catalogue.media_of_many(session, [one.key for one in found])
    return [(one.key, of_catalogue.of_specimen(one, media[one.key], runtime.addresses, by)) for one in found]


def _image(session: Session, key: str, runtime: Runtime, by: Principal) -> Mapping[str, Any]:
    media = catalogue.get_media(session, key)
    return of_catalogue.of_media(media, catalogue.specimens_of_media(session, [key])[key], runtime.addresses, by)


def _images(session: Session, after: str, limit: int, runtime: Runtime, by: Principal) -> Sequence[tuple[str, Any]]:
    found = catalogue.list_media(session, after=after, limit=limit)
    shown = catalogue.specimens_of_media(session, [one.key for one in found])
    return [(one.key, of_catalogue.of_media(one, shown[one.key], runtime.addresses, by)) for one in found]


def _annotation(session: Session, key: str, runtime: Runtime, by: Principal) -> Mapping[str, Any]:
    return of_statements.of_annotation(annotations.get(session, key, by=by), runtime.addresses)


def name_of_annotation(session: Session, key: str) -> str:
    """The name that the annotation of that key has in addresses: another where its author named it."""
    found = None if annotations.find(session, key) else derived_names.find(session, key)
    return found.name if found and found.kind == "annotation" else key


def _annotations(session: Session, after: str, limit: int, runtime: Runtime, by: Principal) -> Sequence[tuple[str, Any]]:
    found = annotations.page(session, by=by, after=after, limit=limit)
    return [(one.key, of_statements.of_annotation(one, runtime.addresses)) for one in found]


def _segment(session: Session, key: str, runtime: Runtime, by: Principal) -> Mapping[str, Any]:
    segment, media = segments.get(session, key, by=by)
    lying = segments.specimens_of(session, [segment])[key]
    return of_statements.of_segment(segment, media, lying, runtime.addresses)


def _segments(session: Session, after: str, limit: int, runtime: Runtime, by: Principal) -> Sequence[tuple[str, Any]]:
    found = segment_store.page(session, segment_store.Asked(), by, after=(-1, after), limit=limit)
    media, lying = segments.images_of(session, found), segments.specimens_of(session, found)
    told = ((one, media[one.media_key], lying[one.key]) for one in found)
    return [(one.key, of_statements.of_segment(one, image, keys, runtime.addresses)) for one, image, keys in told]


def _run(session: Session, key: str, runtime: Runtime, by: Principal) -> Mapping[str, Any]:
    tasks = runs.list_tasks(session, key, limit=of_analysis.MOST_USED)
    media = catalogue.media_by_key(session, [task.media_key for task in tasks])
    public = [task.media_key for task in tasks if task.media_key in media and sees(media[task.media_key], by)]
    return of_analysis.of_run(runs.get(session, key), public, runtime.addresses)


def _runs(session: Session, after: str, limit: int, runtime: Runtime, by: Principal) -> Sequence[tuple[str, Any]]:
    return [(key, _run(session, key, runtime, by)) for key in runs.keys(session, after=after, limit=limit)]


def _pipeline(session: Session, key: str, runtime: Runtime, _by: Principal) -> Mapping[str, Any]:
    """One that has run, or comes with the program and may run."""
    own = {one.key: one for one in of_analysis.own_pipelines(runtime.settings.naan)}
    return _of_pipeline(own.get(key) or _named(session, key), runtime)


def _pipelines(session: Session, after: str, limit: int, runtime: Runtime, _by: Principal) -> Sequence[tuple[str, Any]]:
    own = of_analysis.own_pipelines(runtime.settings.naan)
    return [(one.key, _of_pipeline(one, runtime)) for one in _with_own(session, "pipeline", own, after, limit)]


def _of_pipeline(one: DerivedName, runtime: Runtime) -> Mapping[str, Any]:
    return of_analysis.of_pipeline(one.name, one.version, str(one.details.get("source", "")), runtime.addresses)


def _model(session: Session, key: str, runtime: Runtime, _by: Principal) -> Mapping[str, Any]:
    own = {one.key: one for one in of_analysis.own_models(runtime.settings.naan)}
    return _of_model(own.get(key) or _named(session, key), runtime)


def _models(session: Session, after: str, limit: int, runtime: Runtime, _by: Principal) -> Sequence[tuple[str, Any]]:
    own = of_analysis.own_models(runtime.settings.naan)
    return [(one.key, _of_model(one, runtime)) for one in _with_own(session, "model", own, after, limit)]


def _of_model(one: DerivedName, runtime: Runtime) -> Mapping[str, Any]:
    return of_analysis.of_model(one.name, one.version, runtime.addresses)


def _with_own(session: Session, kind: NameKind, own: Sequence[DerivedName], after: str, limit: int) -> Sequence[DerivedName]:
    """A page of those that have run and those that come with the program, by key."""
    found = {one.key: one for one in derived_names.page(session, kind, after=after, limit=limit)}
    found |= {one.key: one for one in own if one.key > after}
    return [found[key] for key in sorted(found)][:limit]


def _named(session: Session, key: str) -> DerivedName:
    """Raises UnknownThing."""
    found = derived_names.find(session, key)
    if found is None:
        raise UnknownThing(f"There is nothing of the name {key} here.")
    return found


KINDS: tuple[Kind, ...] = (
    Kind("image", "Image", ids.MEDIA, _image, _images),
    Kind("annotation", "Annotation", ids.ANNOTATION, _annotation, _annotations),
    Kind("pipeline", "Pipeline", ids.PIPELINE, _pipeline, _pipelines),
    Kind("model", "Model", ids.MODEL, _model, _models),
    Kind("segment", "Segment", ids.REGION, _segment, _segments),
    Kind("specimen", "Specimen", ids.SPECIMEN, _specimen, _specimens),
    Kind("person", "Person", ids.AGENT, people.one, people.page),
    Kind("run", "Run", ids.RUN, _run, _runs),
)
BY_NAME: Mapping[str, Kind] = {kind.name: kind for kind in KINDS}
