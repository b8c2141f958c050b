"""Questions in SPARQL to a graph on disk: what may be asked, and the process that answers, ended where it takes too much.

A question is looked through before it is parsed: it may neither change anything, nor send the hub to ask others. The process
that answers can open no connection, too, where the system is Linux.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.runtime.errors import Invalid, TooMuch, Unavailable

MODULE = "ontology.graph_process"
ROOT = Path(__file__).resolve().parents[1]
LONGEST = 20_000  # characters of a question
LARGEST = 20_000_000  # bytes of an answer
GRACE_S = 20.0  # the process ends itself in time; this is for its start, and for one that cannot
Kind = Literal["SELECT", "ASK", "CONSTRUCT", "DESCRIBE"]
KINDS: tuple[Kind, ...] = ("SELECT", "ASK", "CONSTRUCT", "DESCRIBE")
CHANGES = frozenset(("INSERT", "DELETE", "LOAD", "CLEAR", "CREATE", "DROP", "COPY", "MOVE", "ADD", "WITH"))
TABLES = {"json": "application/sparql-results+json", "xml": "application/sparql-results+xml", "csv": "text/csv",
          "tsv": "text/tab-separated-values"}  # fmt: skip
GRAPHS = {"ttl": "text/turtle", "nt": "application/n-triples"}
CODE_POINT = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
TOKEN = re.compile(
    r"""(?P<space>[\s]+|\#[^\n\r]*)
    |(?P<iri><[^<>"{}|^`\\\x00-\x20]*>)
    |(?P<text>\"{3}(?:\"{0,2}(?:[^\"\\]|\\.))*\"{3}|'{3}(?:'{0,2}(?:[^'\\]|\\.))*'{3}|\"(?:[^\"\\\n\r]|\\.)*\"|'(?:[^'\\\n\r]|\\.)*')
    |(?P<variable>[?$]\w+)
    |(?P<name>(?:\w[\w.·-]*)?:(?:[\w:%.·-]|\\[_~.!$&'()*+,;=/?\#@%-])*)
    |(?P<tag>@[A-Za-z0-9-]+)
    |(?P<word>[A-Za-z_]\w*)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


class BadQuery(Invalid):
    """The question is no query of SPARQL 1.1."""


class RefusedQuery(Invalid):
    """The question asks for something that this graph does not do."""


class TooHard(TooMuch):
    """The answer takes more time, memory or rows than there are for it."""


class NoAnswer(Unavailable):
    """The process that answers could not begin, or the store could not be read."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one question may take: seconds, rows of its answer, bytes of memory (address space of the process)."""

    seconds: int
    rows: int
    memory: int


@dataclass(frozen=True, slots=True)
class Question:
    """A query that was looked through. `graphs` are those of its FROM clauses, `default` and `named` those of the protocol."""

    text: str
    kind: Kind
    graphs: tuple[str, ...] = ()
    default: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


def look_through(text: str, default: Sequence[str] = (), named: Sequence[str] = ()) -> Question:
    """Raises BadQuery, RefusedQuery, TooHard."""
    if len(text) > LONGEST:
        raise TooHard(f"A query has at most {LONGEST:,} characters.", parameter="query")
    plain = CODE_POINT.sub(_character, text)  # escapes stand for characters before anything else is read (SPARQL, 19.2)
    tokens = list(_tokens(plain))
    words = [value.upper() for kind, value in tokens if kind == "word"]
    if "SERVICE" in words:
        raise RefusedQuery("SERVICE is refused: this hub asks no other endpoints for you.", spec="SPARQL 1.1 Federated Query")
    first = next((word for word in words if word in KINDS or word in CHANGES), "")
    if first in CHANGES:
        raise RefusedQuery(f"{first} is refused: the graph can be read, and not be changed by SPARQL.", parameter="query")
    kind = next((one for one in KINDS if one == first), None)
    if kind is None:
        raise BadQuery("This is no query: it has none of SELECT, ASK, CONSTRUCT and DESCRIBE.", parameter="query")
    return Question(plain, kind, tuple(_graphs(tokens)), tuple(default), tuple(named))


def ask(store: Path, question: Question, form: str, limits: Limits, *, base: str) -> bytes:
    """The answer in a form of TABLES or GRAPHS. Raises BadQuery, RefusedQuery, TooHard, NoAnswer."""
    told = {
        "store": str(store), "query": question.text, "kind": question.kind, "form": form, "base": base, "rows": limits.rows,
        "graphs": question.graphs, "default": question.default, "named": question.named, "largest": LARGEST,
    }  # fmt: skip
    command = [sys.executable, "-P", "-s", "-m", MODULE, str(limits.memory), str(limits.seconds)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    environment = {"PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    with subprocess.Popen(command, env=environment, cwd="/", **pipes) as child:  # type: ignore[call-overload]  # noqa: S603
        try:
            said, _ = child.communicate(json.dumps(told).encode(), timeout=limits.seconds + GRACE_S)
        except subprocess.TimeoutExpired as error:
            raise _too_long(limits) from error
        finally:
            child.kill()
    head, _, body = said.partition(b"\n")
    return _answer(head, body, child.returncode, limits)


def _answer(head: bytes, body: bytes, code: int, limits: Limits) -> bytes:
    """Raises as `ask`."""
    if code in (-14, -24):  # SIGALRM, SIGXCPU
        raise _too_long(limits)
    if code < 0 or not head:
        raise TooHard(f"The query was ended: it needs more than {limits.memory:,} bytes of memory. Ask for less at once.")
    said = json.loads(head)
    match said["state"]:
        case "well":
            return body
        case "bad":
            raise BadQuery(f"The query cannot be read: {' '.join(said['detail'].split())[:300]}.", parameter="query")
        case "foreign":
            raise RefusedQuery(f"{said['detail']} is no graph of this hub; a graph is called like the thing that it describes.")
        case "rows":
            raise TooHard(f"The answer has more than {limits.rows:,} rows: put a LIMIT to the query, and go on by OFFSET.")
        case "large":
            raise TooHard(f"The answer has more than {LARGEST:,} bytes: put a LIMIT to the query, and go on by OFFSET.")
        case "memory":
            raise TooHard(f"The query was ended: it needs more than {limits.memory:,} bytes of memory. Ask for less at once.")
    raise NoAnswer("The graph cannot be read now.")


def _too_long(limits: Limits) -> TooHard:
    return TooHard(f"The query was ended after {limits.seconds} s: ask for less at once, or name more of what you know.")


def _character(match: re.Match[str]) -> str:
    """Raises BadQuery for what is no character."""
    number = int(match[1] or match[2], 16)
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        raise BadQuery(f"{match[0]} is no character.", parameter="query")
    return chr(number)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """The parts of a query by what they are, without spaces and comments; whatever is no part of SPARQL is an `other`."""
    for match in TOKEN.finditer(text):
        if match.lastgroup and match.lastgroup != "space":
            yield match.lastgroup, match[0]


def _graphs(tokens: Sequence[tuple[str, str]]) -> Iterator[str]:
    """What FROM names. Raises RefusedQuery for a name with a prefix, which would have to be understood first."""
    for place, (kind, value) in enumerate(tokens):
        if kind == "word" and value.upper() == "FROM":
            following = [one for one in tokens[place + 1 : place + 3] if one[1].upper() != "NAMED"]
            if not following or following[0][0] != "iri":
                raise RefusedQuery("Write the address of the graph behind FROM in full, as <https://…>.", parameter="query")
            yield following[0][1][1:-1]
