"""Which manifests an address leads to: a manifest itself, all of a collection, or what a list of changes tells.

Collections (Presentation API 3.0, 5.1; 2.1, 5.8) are followed downwards, paged ones from page to page, each once however often it
is named. A list of changes is read backwards from its end, as IIIF Change Discovery 1.0 has it (section 3.1, "Activity Streams
Processing Algorithm"): what was told of a thing last is what counts, and nothing before the last time is read again.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from iiif.harvest.errors import CannotFetch, NotReadable
from iiif.harvest.fetching import Fetcher
from iiif.harvest.model import Reference
from iiif.harvest.reading import id_of, several

MANIFESTS = frozenset({"Manifest", "sc:Manifest"})
COLLECTIONS = frozenset({"Collection", "sc:Collection"})
DEEPEST, MOST_COLLECTIONS, MOST_PAGES = 20, 110_000, 100_000
DISCOVERED = frozenset({"Create", "Update", "Add", "Move", "Refresh", "Delete", "Remove"})
Trouble = Callable[[str, str], None]
"""Called with an address and what is wrong there."""


@dataclass(slots=True)
class Walk:
    """One walk. `since` is when the newest change that is known was made; `newest` is that of this walk.

    `is_whole` tells that every manifest there is was named: then what was not named is gone. `has_missed` tells that a part of
    what the address leads to could not be read.
    """

    fetcher: Fetcher
    trouble: Trouble
    since: datetime | None = None
    newest: datetime | None = None
    is_whole: bool = True
    has_missed: bool = False
    seen: set[str] = field(default_factory=set)

    def references(self, url: str, document: Any) -> Iterator[Reference]:
        """The manifests that the document at the address names, each once. Raises NotReadable, CannotFetch for the first one."""
        kind = _kind(document)
        if kind in MANIFESTS:
            yield Reference(id_of(document) or url)
        elif kind in COLLECTIONS:
            yield from self._collection(document, url)
        elif kind in ("OrderedCollection", "OrderedCollectionPage"):
            self.is_whole = False
            yield from self._changes(document)
        else:
            raise NotReadable(
                f"{url[:200]} is no manifest, no collection and no list of changes, but {kind[:60] or 'of no type'!r}."
            )

    def _collection(self, document: Mapping[str, Any], url: str) -> Iterator[Reference]:
        """The manifests of the collection and of those below it. Pages may follow one another by the thousand."""
        self.seen.add(id_of(document) or url)
        page: Mapping[str, Any] | None = document
        depth, read = 0, 1
        waiting: list[tuple[str, int]] = []  # collections and pages to be read, the next one last
        while True:
            if page is not None:
                yield from self._manifests(page)
                waiting += reversed([(child, below) for child, below in self._children(page, depth) if child not in self.seen])
                self.seen.update(child for child, _ in waiting)
            if not waiting:
                return
            child, depth = waiting.pop()
            if depth > DEEPEST:
                self._miss(child, f"It lies deeper than {DEEPEST} collections, and was not read.")
                page = None
            elif read >= MOST_COLLECTIONS:
                self._miss(child, f"There are more than {MOST_COLLECTIONS:,} collections and pages; this was not read.")
                return
            else:
                page, read = self._ask(child), read + 1

    def _manifests(self, page: Mapping[str, Any]) -> Iterator[Reference]:
        for one in (item for name in ("items", "members", "manifests") for item in several(page.get(name))):
            if _kind(one) in MANIFESTS and id_of(one) and id_of(one) not in self.seen:
                self.seen.add(id_of(one))
                yield Reference(id_of(one))

    def _children(self, page: Mapping[str, Any], depth: int) -> Iterator[tuple[str, int]]:
        """Collections that it holds, and further pages of it, each with its depth: a further page lies as deep as the page."""
        held = [one for name in ("items", "members") for one in several(page.get(name)) if _kind(one) in COLLECTIONS]
        for one in (*held, *several(page.get("collections")), page.get("first")):
            if id_of(one):
                yield id_of(one), depth + 1
        if following := id_of(page.get("next")):
            yield following, depth

    def _changes(self, document: Mapping[str, Any]) -> Iterator[Reference]:
        """The changes, newest first, each thing once; what is read counts as known only where all of it was read."""
        page: Mapping[str, Any] | None = document if _kind(document) == "OrderedCollectionPage" else None
        if page is None:
            page = self._ask(id_of(document.get("last"))) if document.get("last") else document
        only_deleted = False
        for _ in range(MOST_PAGES):
            if page is None:
                return
            for activity in reversed(several(page.get("orderedItems"))):
                if not isinstance(activity, Mapping):
                    continue
                at = _moment(activity.get("endTime"))
                if at is not None:
                    self.newest = at if self.newest is None else max(self.newest, at)
                    if self.since is not None and at < self.since:
                        return
                if activity.get("type") == "Refresh":
                    only_deleted = True
                    continue
                yield from self._change(activity, at, only_deleted)
            before = id_of(page.get("prev"))
            page = self._ask(before) if before and before not in self.seen else None
            self.seen.add(before)
        if page is not None:
            self._miss(id_of(page), f"It lies more than {MOST_PAGES:,} pages back, and was not read.")

    def _change(self, activity: Mapping[str, Any], at: datetime | None, only_deleted: bool) -> Iterator[Reference]:
        kind, thing, target = activity.get("type"), activity.get("object"), activity.get("target")
        iri = id_of(thing)
        if not iri or kind not in DISCOVERED or (_kind(thing) and _kind(thing) not in MANIFESTS):
            return
        is_new = iri not in self.seen
        self.seen.add(iri)
        if kind in ("Delete", "Remove") and is_new:
            yield Reference(iri, "gone", at)
        elif kind == "Move" and is_new:
            moved = id_of(target)
            yield Reference(iri, "gone", at, moved_to=moved)
            if moved and moved not in self.seen and not only_deleted:
                self.seen.add(moved)
                yield Reference(moved, "there", at)
        elif is_new and not only_deleted:
            yield Reference(iri, "there", at)

    def _ask(self, url: str) -> Mapping[str, Any] | None:
        """The document; None, and said so, where it cannot be had."""
        try:
            found = self.fetcher.document(url)
        except (CannotFetch, NotReadable) as error:
            self._miss(url, error.sentence)
            return None
        if found is None or not isinstance(found.document, Mapping):
            self._miss(url, "It is no JSON object.")
            return None
        return found.document

    def _miss(self, url: str, sentence: str) -> None:
        self.is_whole, self.has_missed = False, True
        self.trouble(url, sentence)


def _kind(thing: Any) -> str:
    return str(thing.get("type", thing.get("@type", ""))) if isinstance(thing, Mapping) else ""


def _moment(text: Any) -> datetime | None:
    """A time without a zone is one of UTC."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else at and at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # years before 1 and after 9999 of UTC
        return None
