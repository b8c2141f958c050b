"""What people ask, as a query tree (docs/search.md). What cannot be meant as more is words; what names a field and cannot be
asked of it is refused with a sentence, for to find nothing would be an untrue answer. How parts are joined is for `grammar`.
"""

from collections.abc import Iterable, Mapping, Sequence

from annotations.search import grammar, placed, values
from annotations.search.grammar import LONGEST, MOST_PARTS, Node, Part
from annotations.search.schema import BY_NAME, TERM_WORDS
from annotations.search.values import MAIN, NotUnderstood
from app.runtime.errors import Invalid
from app.runtime.search import words
from app.runtime.search.port import And, Everything, Fuzzy, InBox, Near, Not, Or, Phrase, Prefix, Query, Range, Term, Words
from ontology.darwin_core import TERMS

__all__ = ["LONGEST", "MOST_PARTS"]  # the limits of a question, which are those of its grammar
BY_WORDS = {"scientificName": "name", "recordedBy": "collector"}
SHORT = {"species": "scientificName", "taxon": "name", "locality": "place", "date": "eventDate", "collected": "eventDate"}
SCHEMES = ("http", "https", "urn", "doi", "info", "ni", "mailto", "tel")  # what begins so is an address, and no field
WRITTEN = (*values.FIELDS, *placed.NAMES)  # what may be written before a colon, but for `SHORT` and Darwin Core
_KNOWN = {term.lower(): term for term in sorted(TERMS)} | {name.lower(): name for name in WRITTEN} | SHORT


def parse(q: str, field: str = "text") -> Query:
    """The tree of what was typed; `Everything` where nothing was.

    Raises NotUnderstood, which proposes a whole question, and Invalid where it is too long.
    """
    return _joined(grammar.read(q, _KNOWN), field, q) or Everything()


def words_only(q: str, field: str = "text") -> tuple[Query, ...]:
    """Its parts without any fields (Content Search knows none). Raises Invalid where it is too long."""
    if len(q) > LONGEST:
        raise Invalid(f"A question may have up to {LONGEST} characters.", parameter="q")
    parts = list(grammar.words(q))
    if len(parts) > MOST_PARTS:
        raise Invalid(f"A question may have up to {MOST_PARTS} words.", parameter="q")
    found = (_free(field, part.strip('"') if part.startswith('"') else None, part) for part in parts)
    return tuple(part for part in found if part is not None)


def chips(q: str) -> tuple[tuple[str, str], ...]:
    """The parts of a question that all must hold, each with the question without it. Raises NotUnderstood, Invalid."""
    whole = grammar.read(q, _KNOWN)
    if whole.join == "any":
        return ((q.strip(), ""),)
    places = ((node.start, node.end) for node in whole.nodes)
    return tuple((q[start:end], " ".join(f"{q[:start]} {q[end:]}".split())) for start, end in places)


def filters(given: Mapping[str, Sequence[str]]) -> Query:
    """Fields with values, of each field at least one: `family` → [Fagaceae, Betulaceae], `year` → [1850..1900].

    Raises NotUnderstood for what is no field and what is no value of one, and Invalid for too many values.
    """
    return _all(_one_of(name, texts) for name, texts in given.items() if any(texts))


def box(x: float, y: float, width: float, height: float) -> Query:
    """Annotations whose box, in canvas units, touches this one."""
    return And((Range("x0", None, x + width), Range("x1", x), Range("y0", None, y + height), Range("y1", y)))


def in_box(west: float, south: float, east: float, north: float) -> Query:
    """What was collected in that box of decimal degrees; one whose west is beyond its east goes over 180°."""
    return InBox("coordinates", west, south, east, north)


def near(latitude: float, longitude: float, metres: float) -> Query:
    """What was collected within so many metres of the place."""
    return Near("coordinates", latitude, longitude, metres)


def check_field(name: str) -> None:
    """Raises NotUnderstood where no field has that name."""
    if name not in values.FIELDS:
        sentence = f"There is no field {name[: values.SHOWN]!r}; there are {', '.join(values.FIELDS)}."
        raise NotUnderstood(sentence, values.near_to(name, values.FIELDS), parameter=name[: values.SHOWN])


def misspelled_field(name: str) -> str:
    """The field that a parameter of that name was probably meant for; empty where it is like none, or is one."""
    return "" if name in values.FIELDS else values.near_to(name, values.FIELDS, 0.75)


def _joined(node: Node, field: str, q: str) -> Query | None:
    """None where nothing of it is a word, or anything else that can be asked."""
    if isinstance(node, Part):
        return _part(node, field, q)
    found = tuple(part for part in (_joined(one, field, q) for one in node.nodes) if part is not None)
    if not found:
        return None
    asked = found[0] if len(found) == 1 else And(found) if node.join == "all" else Or(found)
    return Not(asked) if node.negated else asked


def _part(part: Part, field: str, q: str) -> Query | None:
    _check_value_follows(part, q)
    try:
        found = _fielded(part) if part.field else _free(field, part.phrase, part.plain)
    except NotUnderstood as error:
        before, after = q[: part.start] + ("-" if part.negated else ""), q[part.end :]
        raise NotUnderstood(error.sentence_alone, error.instead and before + error.instead + after) from error
    return Not(found) if part.negated and found is not None else found


def _check_value_follows(part: Part, q: str) -> None:
    """`family: Fagaceae` would be two words. Raises NotUnderstood."""
    name = (part.plain or "").removesuffix(":")
    if not part.field and f"{name}:" == part.plain and name.lower() in _KNOWN:
        following = q[part.end :].lstrip()
        meant = f"{q[: part.end]}{following}" if following else ""
        raise NotUnderstood(f"The value of a field stands right behind its colon, without a space: {name}:….", meant)


def _fielded(part: Part) -> Query | None:
    """`name:value`, `name>value`. An address or identifier with colons is words, and an ARK one of ours.

    `instead` of the NotUnderstood is such a part.
    """
    typed, phrase, written = part.field, part.phrase, part.written
    name = _KNOWN.get(typed.lower(), "")
    if not name:
        return _of_no_field(typed, written, phrase)
    try:
        if name in placed.NAMES:
            return placed.asked(name, written, part.compare)
        by_words = BY_WORDS.get(name, name)
        if by_words in BY_NAME and BY_NAME[by_words].kind == "text" and not (written == "*" and by_words != name):
            return _words_of(by_words, part)
        if name not in values.FIELDS:
            return of_term(name, written)
        if phrase is None and len(written) > 1 and written.endswith("*"):
            raise NotUnderstood(f"{typed} is asked for whole: a star ends a word, as in querc* or species:querc*.")
        return values.compared(name, part.compare, written)
    except NotUnderstood as error:
        colon = "" if error.instead[:1] in ("<", ">", "=") else ":"
        raise NotUnderstood(error.sentence_alone, error.instead and f"{typed}{colon}{error.instead}") from error


def of_term(term: str, written: str) -> Query:
    """A Darwin Core term of the record that is no field of its own: all of these words in it, or that it is given (`*`)."""
    if written == "*":
        return Term(TERM_WORDS, (term,))
    found = words.split(written)
    if not found:
        raise NotUnderstood(f"{term} is searched by its words, and {written[: values.SHOWN]!r} has none.", "*")
    if written.endswith(("*", "~")):
        raise NotUnderstood(f"{term} is searched by whole words, without * and ~.", " ".join(found[:1]))
    parts = tuple(Term(TERM_WORDS, (f"{term} {word}",)) for word in dict.fromkeys(found))
    return parts[0] if len(parts) == 1 else And(parts)


def _words_of(field: str, part: Part) -> Query:
    found = _free(field, part.phrase, part.plain)
    if found is None or part.compare not in (":", "="):
        shown = part.written[: values.SHOWN]
        raise NotUnderstood(f"{part.field} is searched by its words, and {shown!r} has none, or is compared.")
    return found


def _of_no_field(typed: str, written: str, phrase: str | None) -> Query | None:
    if typed.lower() == "ark":
        return Term("pid", (f"ark:{written.lstrip('/')}",))
    if typed.lower() in SCHEMES or ":" in written or written.startswith("/"):
        return _free("text", phrase, f"{typed}:{written}" if phrase is None else None)
    similar = values.near_to(typed, (*WRITTEN, *SHORT)) or values.near_to(typed, sorted(TERMS))
    quoted = f'"{written}"' if phrase is not None else written
    sentence = (
        f"There is no field {typed[: values.SHOWN]!r}. There are {', '.join(MAIN)}, the terms of Darwin Core and others; "
        f'words with a colon stand in quotation marks: "{typed[: values.SHOWN]}:{written[: values.SHOWN]}".'
    )
    raise NotUnderstood(sentence, similar and f"{similar}:{quoted}")


def _free(field: str, phrase: str | None, plain: str | None) -> Query | None:
    """Words of a text field; None where there is no letter or digit."""
    text = plain if phrase is None else phrase
    split = words.split(text or "")
    if not split or text is None:
        return None
    if phrase is None and text.endswith("*"):
        return Prefix(field, text)
    if phrase is None and text.endswith("~"):
        return Fuzzy(field, text)
    return Words(field, text) if len(split) == 1 and phrase is None else Phrase(field, text)


def _one_of(name: str, texts: Sequence[str]) -> Query:
    if len(texts) > MOST_PARTS:
        raise Invalid(f"{name} may be given up to {MOST_PARTS} times.", parameter=name)
    check_field(name)
    if name in BY_NAME and BY_NAME[name].kind == "text":
        found = [part for text in texts if (part := _free(name, None, text)) is not None]
        return found[0] if len(found) == 1 else Or(tuple(found))
    return values.any_of(name, texts)


def _all(parts: Iterable[Query | None]) -> Query:
    found = tuple(part for part in parts if part is not None)
    if not found:
        return Everything()
    return found[0] if len(found) == 1 else And(found)
