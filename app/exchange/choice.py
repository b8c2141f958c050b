"""Which statements an export is to hold: those on the images of a question, of specimens, of images or of a run."""

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from annotations.exchange import store
from annotations.exchange.model import Statement
from annotations.search import service as searching
from annotations.search.service import Question
from app.runtime.context import Runtime
from app.runtime.errors import Invalid
from app.runtime.principal import Principal
from app.runtime.search.port import Query
from iiif.catalogue import service as catalogue

PAGE = 200
LAYERS = ("machine", "people")
STATES = ("unreviewed", "accepted", "disputed", "stale")


@dataclass(frozen=True, slots=True)
class StatementFilter:
    """Which statements on the chosen images go along; empty members let all through.

    `least_confidence` keeps out what states a lower one; what states none stays. `keys` are those of single statements.
    """

    kinds: frozenset[str] = frozenset()
    layers: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    runs: frozenset[str] = frozenset()
    least_confidence: float = 0.0

    def keeps(self, one: Statement, kind: str, run_key: str) -> bool:
        return (
            (not self.kinds or kind in self.kinds or one.class_name in self.kinds)
            and (not self.layers or one.layer in self.layers)
            and (not self.states or one.state in self.states)
            and (not self.runs or run_key in self.runs)
            and (one.score is None or one.score >= self.least_confidence)
        )


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """What is exported. One of `question`, `specimens`, `media` and `run` is given, or none for all of the hub.

    A question has words, values of fields (`chosen`), a place (`where`), and what it finds: specimens or annotations (`type`).
    """

    question: str | None = None
    chosen: Mapping[str, Sequence[str]] | None = None
    where: Query | None = None
    type: str = "specimen"
    specimens: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    run: str = ""
    which: StatementFilter = StatementFilter()

    def __post_init__(self) -> None:
        given = [self.question is not None, bool(self.specimens), bool(self.media), bool(self.run)]
        if sum(given) > 1:
            raise Invalid("An export is of a question, of specimens, of images or of a run: give one of these.", parameter="q")
        if self.type not in ("specimen", "annotation"):
            raise Invalid("type is specimen or annotation.", parameter="type")

    def asked(self, by: Principal) -> Question:
        return Question(q=self.question or "", chosen=self.chosen, type=self.type, where=self.where, by=by)


Images = Iterator[tuple[list[str], frozenset[str] | None]]


def images(runtime: Runtime, choice: ExportChoice, by: Principal) -> Images:
    """Pages of the keys of images, each image once; with them the statements that are meant, None for all on them.

    Raises SearchDown, Invalid, UnknownSpecimen, UnknownMedia.
    """
    if choice.question is not None and choice.type == "annotation":
        yield from _of_annotations(runtime, choice, by)
        return
    seen: set[str] = set()
    for page in _pages(runtime, choice, by):
        fresh = [key for key in dict.fromkeys(page) if key not in seen]
        seen.update(fresh)
        if fresh:
            yield fresh, None


def _pages(runtime: Runtime, choice: ExportChoice, by: Principal) -> Iterator[list[str]]:
    if choice.media:
        with runtime.reads.begin() as session:
            keys = [catalogue.get_media(session, key).key for key in choice.media]
        yield from _chunks(keys)
    elif choice.run:
        yield from _of_run(runtime, choice.run)
    else:
        for keys in _chunks(_specimens(runtime, choice, by)):
            with runtime.reads.begin() as session:
                found = catalogue.media_of_many(session, keys)
            yield [media.key for key in keys for media in found.get(key, ())]


def _specimens(runtime: Runtime, choice: ExportChoice, by: Principal) -> Iterator[str]:
    if choice.specimens:
        with runtime.reads.begin() as session:
            yield from [catalogue.get_specimen(session, key).key for key in choice.specimens]
    elif not (choice.question or "").strip() and not choice.chosen and choice.where is None:
        yield from _all_specimens(runtime)
    else:
        with runtime.reads.begin() as session:
            found = searching.scan(session, runtime.search, choice.asked(by))
        yield from found


def _all_specimens(runtime: Runtime) -> Iterator[str]:
    after = ""
    while True:
        with runtime.reads.begin() as session:
            page = catalogue.list_specimens(session, after=after, limit=PAGE)
        yield from (specimen.key for specimen in page)
        if len(page) < PAGE:
            return
        after = page[-1].key


def _of_run(runtime: Runtime, run_key: str) -> Iterator[list[str]]:
    after = ""
    while True:
        with runtime.reads.begin() as session:
            page = store.images_of_run(session, run_key, after=after, limit=PAGE)
        if page:
            yield list(page)
        if len(page) < PAGE:
            return
        after = page[-1]


def _of_annotations(runtime: Runtime, choice: ExportChoice, by: Principal) -> Images:
    """The statements that a search finds, brought into the order of their images on disk."""
    with runtime.reads.begin() as session:
        keys = searching.scan(session, runtime.search, choice.asked(by))
    with (
        tempfile.TemporaryDirectory(prefix="lectotype-export-") as folder,
        closing(sqlite3.connect(Path(folder) / "order.db", check_same_thread=False)) as order,
    ):
        order.execute("CREATE TABLE lying (image TEXT, statement TEXT, PRIMARY KEY (image, statement)) WITHOUT ROWID")
        for some in _chunks(keys):
            with runtime.reads.begin() as session:
                order.executemany("INSERT OR IGNORE INTO lying VALUES (?, ?)", store.images_of_annotations(session, some))
        yield from _in_order(order)


def _in_order(order: sqlite3.Connection) -> Images:
    after = ""
    while True:
        query = "SELECT DISTINCT image FROM lying WHERE image > ? ORDER BY image LIMIT ?"
        page = [image for (image,) in order.execute(query, (after, PAGE))]
        if not page:
            return
        held = order.execute("SELECT statement FROM lying WHERE image >= ? AND image <= ?", (page[0], page[-1]))
        yield page, frozenset(key for (key,) in held)
        after = page[-1]


def _chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(keys)
    while chunk := list(islice(iterator, PAGE)):
        yield chunk
