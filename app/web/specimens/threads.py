"""Comments about a specimen and about what is said of it, as threads: each with its replies, the oldest first."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from annotations.model import Annotation
from app.web import statement_words
from app.web.specimens.opinions import Viewer

SPOKEN = frozenset(("commenting", "replying", "questioning"))
DEEPEST = 200  # replies are followed so far


@dataclass(frozen=True, slots=True)
class Comment:
    """`to` is whom it replies to within the thread, `edited` when it was last changed; `own`: who looks wrote it."""

    key: str
    iri: str
    text: str
    by: str
    when: str
    edited: str
    to: str
    own: bool
    etag: str


@dataclass(frozen=True, slots=True)
class Thread:
    """A comment and what was replied. `orphaned`: what it replies to was deleted."""

    comments: tuple[Comment, ...]
    orphaned: bool = False


def is_comment(annotation: Annotation) -> bool:
    """Whether it is talk about a specimen or another statement, and points at no place of its own."""
    if annotation.layer != "people" or annotation.kind or not SPOKEN.intersection(annotation.motivations):
        return False
    front = annotation.front
    return front.kind == "annotation" or (front.kind == "specimen" and front.box is None)


@dataclass(frozen=True, slots=True)
class Threads:
    """The threads by what they are about: the key of a statement, or "" for the specimen."""

    about: Mapping[str, tuple[Thread, ...]]

    def on(self, key: str) -> tuple[Thread, ...]:
        return self.about.get(key, ())

    def commented(self, key: str) -> str:
        """What a comment of that key is about; of any other statement the key itself."""
        threads = ((about, thread) for about, several in self.about.items() for thread in several)
        return next((about for about, one in threads if any(comment.key == key for comment in one.comments)), key)

    def keys(self, listed: Collection[str]) -> set[str]:
        """The keys of the comments on the specimen, and of those on statements that are listed."""
        near = (threads for key, threads in self.about.items() if not key or key in listed)
        return {comment.key for threads in near for thread in threads for comment in thread.comments}

    def beside(self, listed: Collection[str]) -> list[str]:
        """The addresses of the comments on statements that are not listed; viewers have them too, and are not to draw them."""
        off = (threads for key, threads in self.about.items() if key and key not in listed)
        return [comment.iri for threads in off for thread in threads for comment in thread.comments]


def threads(said: Sequence[Annotation], people: Mapping[str, str], viewer: Viewer, statement_iri: str) -> Threads:
    """`said` is all that is said of the specimen, comments and others; `statement_iri` is how addresses of statements begin."""
    comments = {one.key: one for one in said if is_comment(one)}
    others = {one.key for one in said} - set(comments)
    parents = {key: one.front.key if one.front.kind == "annotation" else "" for key, one in comments.items()}
    begun: dict[str, list[Annotation]] = {}
    for key in comments:
        begun.setdefault(_root(key, parents, comments), []).append(comments[key])
    found: dict[str, tuple[Thread, ...]] = {}
    for root, group in begun.items():
        group.sort(key=lambda one: (one.created_at, one.key))
        parent = parents[root]
        orphaned = bool(parent) and parent not in others
        by = {one.key: statement_words.author(one, people) for one in group}
        shown = tuple(
            _comment(one, by, "" if one.key == root else by.get(parents[one.key], ""), viewer, statement_iri) for one in group
        )
        about = "" if orphaned else parent
        found[about] = (*found.get(about, ()), Thread(shown, orphaned))
    return Threads(found)


def _root(key: str, parents: Mapping[str, str], comments: Mapping[str, Annotation]) -> str:
    for _ in range(DEEPEST):
        if parents[key] not in comments:
            break
        key = parents[key]
    return key


def _comment(one: Annotation, by: Mapping[str, str], to: str, viewer: Viewer, statement_iri: str) -> Comment:
    edited = statement_words.when(one.modified_at) if one.version > 1 else ""
    told = (one.key, f"{statement_iri}{one.key}", one.text, by[one.key], statement_words.when(one.created_at), edited, to)
    return Comment(*told, own=viewer.said(one), etag=one.etag)
