"""Where in a text the words that were asked for stand, and a quotation around them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from app.runtime.search import words
from app.runtime.search.port import And, Fuzzy, Or, Phrase, Prefix, Query, Words

AROUND = 60  # characters before and after


@dataclass(slots=True)
class SearchedWords:
    """What to look for: words, stems, and beginnings of words."""

    exact: set[str] = field(default_factory=set)
    stems: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)

    def has(self, word: str) -> bool:
        if word in self.exact or words.stems([word])[0] in self.stems:
            return True
        return any(word.startswith(begun) for begun in self.begun)

    def __bool__(self) -> bool:
        return bool(self.exact or self.stems or self.begun)


@dataclass(frozen=True, slots=True)
class Quote:
    """A match in its context; `where` is the term, or the annotation, that it was found in."""

    before: str
    match: str
    after: str
    where: str = ""

    def markup(self) -> Markup:
        """As HTML, the match in `mark`."""
        return Markup("{}<mark>{}</mark>{}").format(escape(self.before), escape(self.match), escape(self.after))

    def to_json(self) -> dict[str, str]:
        return {"before": self.before, "match": self.match, "after": self.after, "where": self.where}


def searched_words(query: Query) -> SearchedWords:
    """The words of a query, those it excludes left out."""
    found = SearchedWords()
    _collect(query, found)
    return found


def any_word(query: Query, field: str) -> Query | None:
    """For the engine: what holds any of the words that the query asks of a text field; None where it asks for none there."""
    parts = tuple(_parts_of(query, field))
    return Or(parts) if parts else None


def matches(text: str, searched: SearchedWords) -> list[tuple[int, int]]:
    """Start and end of each run of words that were asked for, in order."""
    runs: list[tuple[int, int]] = []
    adjacent = False
    for start, end, word in words.spans(text):
        if not searched.has(word):
            adjacent = False
        elif adjacent:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
            adjacent = True
    return runs


def quotes(text: str, searched: SearchedWords, where: str = "", most: int = 20) -> list[Quote]:
    """A quotation for each run."""
    return [_quote(text, start, end, where) for start, end in matches(text, searched)[:most]]


def best(texts: Iterable[tuple[str, str]], searched: SearchedWords) -> Quote | None:
    """Of (where, text) the quotation from the text that holds most of what was asked, the first of equals."""
    found: Quote | None = None
    most = 0
    for where, text in texts if searched else ():
        runs = matches(text, searched)
        distinct = len({text[start:end].lower() for start, end in runs})
        length = max((end - start for start, end in runs), default=0)
        if runs and distinct * 1000 + length > most:
            most = distinct * 1000 + length
            start, end = max(runs, key=lambda run: run[1] - run[0])
            found = _quote(text, start, end, where)
    return found


def _quote(text: str, start: int, end: int, where: str) -> Quote:
    left, right = max(0, start - AROUND), min(len(text), end + AROUND)
    while 0 < left < start and text[left - 1].isalnum():
        left += 1
    while len(text) > right > end and text[right].isalnum():
        right -= 1
    before = ("…" if left else "") + text[left:start]
    return Quote(before, text[start:end], text[end:right] + ("…" if right < len(text) else ""), where)


def _collect(query: Query, found: SearchedWords) -> None:
    match query:
        case Words(_, text, stem):
            split = words.split(text)
            found.exact.update(split)
            found.stems.update(words.stems(split) if stem else ())
        case Phrase(_, text) | Fuzzy(_, text):
            found.exact.update(words.split(text))
        case Prefix(_, text):
            split = words.split(text)
            found.exact.update(split[:-1])
            found.begun.update(split[-1:])
        case And(parts) | Or(parts):
            _each(parts, found)
        case _:
            pass


def _parts_of(query: Query, field: str) -> Iterator[Query]:
    match query:
        case Words(asked, text, stem) if asked == field:
            yield from (Words(field, word, stem) for word in words.split(text))
        case Phrase(asked, _) | Fuzzy(asked, _) | Prefix(asked, _) if asked == field:
            yield query
        case And(parts) | Or(parts):
            for part in parts:
                yield from _parts_of(part, field)
        case _:
            pass


def _each(parts: Sequence[Query], found: SearchedWords) -> None:
    for part in parts:
        _collect(part, found)
