"""The images of a selection, as a stream of batches in flat memory."""

from collections.abc import Iterator
from itertools import islice

from analytics.model import Selection
from annotations.search import service as searching
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media

BATCH = 500


def images_of(runtime: Runtime, selection: Selection) -> Iterator[tuple[Media, ...]]:
    """Batches of images, one after the other; an image may come twice.

    Raises UnknownSpecimen, UnknownMedia, SearchDown, and Invalid for a query that cannot be asked.
    """
    match selection.kind:
        case "images":
            yield from _named(runtime, selection)
        case "query":
            yield from _found(runtime, selection.query)
        case "all":
            yield from _all(runtime)
        case "ingest":
            return


def check(runtime: Runtime, selection: Selection) -> None:
    """That there is what it names, and that its query can be asked. Raises as `images_of` does."""
    if selection.kind in ("images", "query"):
        next(images_of(runtime, selection), None)


def _named(runtime: Runtime, selection: Selection) -> Iterator[tuple[Media, ...]]:
    """All of them are looked up before the first is given out, so that a name that is wrong begins nothing."""
    with runtime.reads.begin() as session:
        images = [catalogue.get_media(session, key) for key in selection.media]
        for key in selection.specimens:
            catalogue.get_specimen(session, key)
            images += catalogue.media_of(session, key)
    for start in range(0, len(images), BATCH):
        yield tuple(images[start : start + BATCH])


def _found(runtime: Runtime, query: str) -> Iterator[tuple[Media, ...]]:
    """Every image of the specimens that the search finds."""
    with runtime.reads.begin() as session:
        keys = searching.scan(session, runtime.search, searching.Question(q=query, by=Principal.of_system()))
    while batch := list(islice(keys, BATCH)):
        with runtime.reads.begin() as session:
            images = catalogue.media_of_many(session, batch)
        yield tuple(image for several in images.values() for image in several)


def _all(runtime: Runtime) -> Iterator[tuple[Media, ...]]:
    after = ""
    while True:
        with runtime.reads.begin() as session:
            images = catalogue.list_media(session, after=after, limit=BATCH)
        if not images:
            return
        yield images
        after = images[-1].key
