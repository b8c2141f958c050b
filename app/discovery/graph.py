"""The graph of all that everybody may know: written anew beside the one that SPARQL is put to, and compared with the database."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from app.discovery import snapshots
from app.discovery.snapshots import INDEX, PART, STORE, Snapshot
from app.linked import things
from app.runtime.context import Runtime
from app.runtime.errors import Conflict, NotFound
from app.runtime.file_lock import FileLock
from ontology import graph_store, rdf
from ontology.graph_store import Differing
from ontology.rdf import Triple

KEPT = 2  # the one that is asked, and the one before it, which somebody may be reading
REPORT_EVERY = 100


class GraphUnderWay(Conflict):
    """Another process is writing a graph."""


class NoGraph(NotFound):
    """No graph was written yet."""


class _Told:
    """What every thing says, and how much that was."""

    def __init__(self, runtime: Runtime, progress: Callable[[int], None]) -> None:
        self.things, self.unreadable = Counter[str](), 0
        self._runtime, self._progress = runtime, progress

    def __iter__(self) -> Iterator[tuple[str, Sequence[Triple]]]:
        for number, one in enumerate(things.every(self._runtime), 1):
            self.things[one.kind] += 1
            if number % REPORT_EVERY == 0:
                self._progress(number)
            try:
                yield one.iri, things.triples_of(one, self._runtime.addresses.base)
            except rdf.NoGraph:
                self.unreadable += 1


def write(runtime: Runtime, progress: Callable[[int], None] = lambda _: None) -> Snapshot:
    """Write the graph of all things, which is asked from then on. Raises GraphUnderWay, OSError."""
    folder = snapshots.folder_of(runtime.settings)
    with _alone(folder):
        name = runtime.clock().strftime(snapshots.NAME)
        part, told = folder / f"{PART}{name}", _Told(runtime, progress)
        part.mkdir()
        triples = graph_store.build(part / STORE, told)
        index = {"things": dict(sorted(told.things.items())), "triples": triples, "unreadable": told.unreadable}
        (part / INDEX).write_text(json.dumps(index, indent=1) + "\n")
        part.rename(folder / name)
        for old in snapshots.names(folder)[:-KEPT]:
            shutil.rmtree(folder / old)
    made = snapshots.newest(runtime.settings)
    assert made is not None  # noqa: S101 - it was written just now
    return made


def check(runtime: Runtime, progress: Callable[[int], None] = lambda _: None) -> Iterator[Differing]:
    """Where the graph that is asked differs from the database, and so what the next `write` mends. Raises NoGraph, OSError."""
    found = snapshots.newest(runtime.settings)
    if found is None:
        raise NoGraph("No graph was written yet: `lectotype regraph` writes one.")
    yield from graph_store.compare(found.store, _Told(runtime, progress))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else writes a graph meanwhile; what others broke off is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock") as lock:
        if not lock.try_take():
            raise GraphUnderWay("Another process is writing the graph.")
        for broken in folder.glob(f"{PART}*"):
            shutil.rmtree(broken)
        yield
