"""The process that answers one question: `python -m ontology.graph_process MEMORY SECONDS`, started by sparql.py.

The question comes as JSON on standard input. The answer goes to standard output: a line of JSON that says how it went, then
the bytes of the answer. Time and memory are bounded, and where the system is Linux no connection can be opened.
"""

import ctypes
import json
import os
import platform
import resource
import signal
import sys
from collections.abc import Mapping
from typing import Any

from pyoxigraph import (
    BlankNode,
    Literal,
    NamedNode,
    QueryBoolean,
    QueryResultsFormat,
    QuerySolutions,
    QueryTriples,
    RdfFormat,
    Store,
    Triple,
    parse_query_results,
    serialize,
)

from ontology.rdf import PREFIXES

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_FILTER = 1, 38, 22, 2
SOCKET = {"x86_64": 41, "aarch64": 198}  # number of the system call
TABLES = {
    "json": QueryResultsFormat.JSON, "xml": QueryResultsFormat.XML, "csv": QueryResultsFormat.CSV, "tsv": QueryResultsFormat.TSV,
}  # fmt: skip
GRAPHS = {"ttl": RdfFormat.TURTLE, "nt": RdfFormat.N_TRIPLES}
MORE_PREFIXES = {"rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "owl": "http://www.w3.org/2002/07/owl#"}
XSD_STRING = "http://www.w3.org/2001/XMLSchema#string"
NICE = 10


class _Stop(Exception):
    """The question is not answered: why, and what of it."""


def main(memory: int, seconds: int) -> None:
    _confine(memory)
    asked = json.load(sys.stdin.buffer)
    signal.alarm(seconds)  # its default action ends the process, whatever it is doing
    try:
        body = _answer(asked)
        state, detail = "well", ""
    except _Stop as stop:
        state, detail, body = str(stop.args[0]), str(stop.args[1]), b""
    except SyntaxError as error:
        state, detail, body = "bad", str(error)[:500], b""
    except MemoryError:
        state, detail, body = "memory", "", b""
    except OSError as error:
        state, detail, body = "unreadable", str(error)[:500], b""
    sys.stdout.buffer.write(json.dumps({"state": state, "detail": detail}).encode() + b"\n" + body)
    sys.stdout.buffer.flush()
    os._exit(0)


def _answer(asked: Mapping[str, Any]) -> bytes:
    store = Store.read_only(asked["store"])
    default, named = ([_own(store, iri) for iri in asked[name]] for name in ("default", "named"))
    for iri in asked["graphs"]:
        _own(store, iri)
    how: dict[str, Any] = {}
    if default or named:
        how = {"default_graph": default, "named_graphs": named}
    prefixes = PREFIXES | MORE_PREFIXES | {"hub": f"{asked['base']}/ns#"}
    found = store.query(asked["query"], base_iri=f"{asked['base']}/", prefixes=prefixes, **how)
    body = _graph(found, asked, prefixes) if isinstance(found, QueryTriples) else _table(found, asked)
    if len(body) > asked["largest"]:
        raise _Stop("large", "")
    return body


def _own(store: Store, iri: str) -> NamedNode:
    """The graph of that name. Raises _Stop where there is none."""
    try:
        name = NamedNode(iri)
    except ValueError as error:
        raise _Stop("foreign", iri[:200]) from error
    if not store.contains_named_graph(name):
        raise _Stop("foreign", iri[:200])
    return name


def _table(found: QueryBoolean | QuerySolutions, asked: Mapping[str, Any]) -> bytes:
    if isinstance(found, QueryBoolean):
        return found.serialize(format=TABLES[asked["form"]]) or b""
    names, size = [one.value for one in found.variables], 0
    rows: list[dict[str, Any]] = []
    for row in found:
        if len(rows) >= asked["rows"]:
            raise _Stop("rows", "")
        told = {name: _term(value) for name in names if (value := row[name]) is not None}
        size += sum(len(one.get("value", "")) for one in told.values())
        if size > asked["largest"]:
            raise _Stop("large", "")
        rows.append(told)
    body = json.dumps({"head": {"vars": names}, "results": {"bindings": rows}}, ensure_ascii=False).encode()
    if asked["form"] == "json":
        return body
    again = parse_query_results(body, format=QueryResultsFormat.JSON)
    return again.serialize(format=TABLES[asked["form"]]) or b""


def _term(term: NamedNode | BlankNode | Literal | Triple) -> dict[str, Any]:
    """As in the JSON of results (SPARQL 1.1 Query Results JSON Format, 3.2.2; triples as SPARQL 1.2 has them)."""
    match term:
        case NamedNode():
            return {"type": "uri", "value": term.value}
        case BlankNode():
            return {"type": "bnode", "value": term.value}
        case Triple():
            return {"type": "triple", "value": {"subject": _term(term.subject), "predicate": _term(term.predicate),
                    "object": _term(term.object)}}  # fmt: skip
    told = {"type": "literal", "value": term.value}
    if term.language:
        return told | {"xml:lang": term.language}
    return told if term.datatype.value == XSD_STRING else told | {"datatype": term.datatype.value}


def _graph(found: QueryTriples, asked: Mapping[str, Any], prefixes: Mapping[str, str]) -> bytes:
    triples: dict[Triple, None] = {}
    for one in found:
        triples[one] = None
        if len(triples) > asked["rows"]:
            raise _Stop("rows", "")
    syntax = GRAPHS[asked["form"]]
    used = {} if syntax == RdfFormat.N_TRIPLES else {name: iri for name, iri in prefixes.items() if _names(triples, iri)}
    return serialize(triples, format=syntax, prefixes=used) or b""


def _names(triples: Mapping[Triple, None], iri: str) -> bool:
    return any(f"<{iri}" in str(one) for one in triples)


def _confine(memory: int) -> None:
    """Give up what answering does not need, and go behind whoever serves pages."""
    os.nice(NICE)
    for kind, limit in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 1_000_000), (resource.RLIMIT_AS, memory)):
        resource.setrlimit(kind, (limit, limit))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _allow_no_socket(libc)


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("first", ctypes.POINTER(_Instruction)))


def _allow_no_socket(libc: ctypes.CDLL) -> None:
    """Have the kernel answer EPERM to whoever wants a socket (seccomp)."""
    number = SOCKET.get(platform.machine())
    if number is None:
        return
    instructions = (_Instruction * 4)(
        _Instruction(0x20, 0, 0, 0),  # load the number of the call
        _Instruction(0x15, 0, 1, number),  # is it that of socket?
        _Instruction(0x06, 0, 0, 0x00050001),  # then EPERM
        _Instruction(0x06, 0, 0, 0x7FFF0000),  # else allowed
    )
    program = _Program(4, ctypes.cast(instructions, ctypes.POINTER(_Instruction)))
    libc.prctl(PR_SET_SECCOMP, SECCOMP_FILTER, ctypes.byref(program), 0, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
