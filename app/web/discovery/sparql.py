"""`/sparql`: the SPARQL 1.1 Protocol over the graph of all that everybody may know, and the page to ask it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from werkzeug.exceptions import UnsupportedMediaType

from app import problems
from app.discovery import snapshots
from app.discovery.snapshots import Snapshot
from app.runtime import context, principal
from app.runtime.context import Runtime
from app.runtime.errors import DomainError, Forbidden, Invalid, Unavailable
from app.runtime.file_lock import FileLock
from app.runtime.settings import Settings
from app.web import layout
from app.web.discovery.examples import EXAMPLES, with_prefixes
from app.web.names import negotiation
from app.web.names.negotiation import Offer
from iiif.catalogue.visibility import was_closed_since
from ontology import rdf
from ontology import sparql as asking
from ontology.sparql import BadQuery, Limits, Question, RefusedQuery

blueprint = Blueprint("sparql", __name__, template_folder="templates")
HTML = Offer("html", "text/html", aliases=("application/xhtml+xml",))
ALIASES = {"json": ("application/json",), "xml": ("application/xml",), "ttl": ("application/x-turtle",), "nt": ("text/plain",)}
SHOWN = 500  # rows on the page
MOST_GRAPHS = 100
QUERY, UPDATE, FORM = "application/sparql-query", "application/sparql-update", "application/x-www-form-urlencoded"
SERVICE = """@prefix sd: <http://www.w3.org/ns/sparql-service-description#> . @prefix f: <http://www.w3.org/ns/formats/> .
<{endpoint}> a sd:Service ; sd:endpoint <{endpoint}> ; sd:supportedLanguage sd:SPARQL11Query ;
 sd:feature sd:UnionDefaultGraph ; sd:resultFormat f:SPARQL_Results_JSON , f:SPARQL_Results_XML , f:SPARQL_Results_CSV ,
 f:SPARQL_Results_TSV , f:Turtle , f:N-Triples ."""


class BusyAsking(Unavailable):
    """As many queries as are answered at once are being answered."""


class NoGraphYet(Unavailable):
    """No graph was written yet."""


class GraphTellsClosed(Unavailable):
    """An image was closed since the graph was begun, so that it may tell what is not public any more."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of a row: its text, where it leads (empty for a literal), and its language or the name of its type."""

    text: str
    link: str = ""
    note: str = ""


@blueprint.get("/sparql")
def read() -> Response:
    """The answer to `query`; without it the page, or what the service is. Raises what `_ask` does, but on the page."""
    principal.of_page()  # whom the head of the page names; answers are the same for everybody
    texts, accept = request.args.getlist("query"), request.headers.get("Accept", "")
    if not texts:
        return _page() if negotiation.best(accept, (*_descriptions(), HTML)) is HTML else _description(accept)
    if "update" in request.args:
        raise RefusedQuery("Updates are refused: the graph can be read, and not be changed by SPARQL.", parameter="update")
    graphs = request.args.getlist("default-graph-uri"), request.args.getlist("named-graph-uri")
    if not request.args.get("format") and negotiation.best(accept, (*_offers(asking.TABLES), HTML)) is HTML:
        return _answered_page(texts[0] if len(texts) == 1 else "", *graphs)
    return _answer(_one(texts), *graphs)


@blueprint.post("/sparql")
def receive() -> Response:
    """The answer to a query that is sent as a form, or as it is. Raises what `_ask` does; 415 for another media type."""
    match request.mimetype:
        case "application/sparql-query":
            try:
                text = request.get_data().decode()
            except UnicodeDecodeError as error:
                raise BadQuery("The query is not UTF-8.") from error
            said = request.args
        case "application/x-www-form-urlencoded":
            text, said = "", request.form
        case "application/sparql-update":
            raise RefusedQuery("Updates are refused: the graph can be read, and not be changed by SPARQL.")
        case _:
            raise UnsupportedMediaType(f"A query comes as {QUERY}, or as {FORM} with the field `query`.")
    if "update" in said:
        raise RefusedQuery("Updates are refused: the graph can be read, and not be changed by SPARQL.", parameter="update")
    text = text if request.mimetype == QUERY else _one(said.getlist("query"))
    return _answer(text, said.getlist("default-graph-uri"), said.getlist("named-graph-uri"))


def _one(texts: Sequence[str]) -> str:
    """Raises BadQuery unless there is one."""
    if len(texts) != 1:
        raise BadQuery(f"One `query` is answered at a time, not {len(texts)}.", parameter="query", spec="SPARQL 1.1 Protocol 2.1")
    return texts[0]


def _answer(text: str, default: Sequence[str], named: Sequence[str]) -> Response:
    question = asking.look_through(text, default[:MOST_GRAPHS], named[:MOST_GRAPHS])
    forms = asking.TABLES if question.kind in ("SELECT", "ASK") else asking.GRAPHS
    form = request.args.get("format") or negotiation.best(request.headers.get("Accept", ""), _offers(forms)).address
    if form not in forms:
        raise Invalid(f"{question.kind} is answered as {', '.join(forms)}, not as {form[:40]!r}.", parameter="format")
    body, graph = _ask(question, form)
    response = Response(body, content_type=forms[form] + ("" if form == "json" else "; charset=utf-8"))
    response.vary.add("Accept")
    response.headers["Cache-Control"] = "no-cache"
    response.last_modified = graph.at
    return response


def _offers(forms: Mapping[str, str]) -> list[Offer]:
    return [Offer(name, media_type, aliases=ALIASES.get(name, ())) for name, media_type in forms.items()]


def _ask(question: Question, form: str) -> tuple[bytes, Snapshot]:
    """Raises NoGraphYet, GraphTellsClosed, BusyAsking, and what `asking.ask` raises."""
    runtime = context.current()
    settings, graph = runtime.settings, _graph(runtime)
    limits = Limits(settings.sparql_seconds, settings.sparql_rows, settings.sparql_bytes)
    with _place(settings):
        return asking.ask(graph.store, question, form, limits, base=runtime.addresses.base), graph


def _graph(runtime: Runtime) -> Snapshot:
    """The graph that may be told. Raises NoGraphYet, GraphTellsClosed."""
    graph = snapshots.newest(runtime.settings)
    if graph is None:
        raise NoGraphYet("No graph was written yet: the operator does it by `lectotype regraph`.")
    with runtime.reads.begin() as session:
        if was_closed_since(session, graph.at):
            raise GraphTellsClosed(
                "An image was closed since the graph was written, which may still tell of it: `lectotype regraph` writes it anew."
            )
    return graph


@contextmanager
def _place(settings: Settings) -> Iterator[None]:
    """One of the places of this machine, of which each is a file that is locked. Raises BusyAsking, Forbidden."""
    if not settings.sparql_at_once:
        raise Forbidden("SPARQL is not answered by this hub (LECTOTYPE_SPARQL_AT_ONCE is 0); /dumps has the whole.")
    with ExitStack() as held:
        for number in range(settings.sparql_at_once):
            lock = held.enter_context(FileLock(snapshots.folder_of(settings) / f"asking-{number}"))
            if lock.try_take():
                yield
                return
        raise BusyAsking(f"{settings.sparql_at_once} queries are being answered, which is the most: ask again in a moment.")


def _answered_page(text: str, default: Sequence[str], named: Sequence[str]) -> Response:
    """The page with the answer, or with what is wrong."""
    try:
        question = asking.look_through(text, default[:MOST_GRAPHS], named[:MOST_GRAPHS])
        if question.kind in ("SELECT", "ASK"):
            told = _table(json.loads(_ask(question, "json")[0]))
            links = tuple(asking.TABLES)
        else:
            told, links = {"turtle": _ask(question, "ttl")[0].decode()}, tuple(asking.GRAPHS)
    except DomainError as error:
        response = _page(text, status=problems.status_of(error), problem=error.sentence)
        return problems.sent_with(response, error)
    forms = [(form, f"{request.script_root}/sparql?{urlencode({'query': text, 'format': form})}") for form in links]
    return _page(text, forms=forms, **told)


def _table(answer: Mapping[str, Any]) -> dict[str, Any]:
    if "boolean" in answer:
        return {"truth": answer["boolean"]}
    names, rows = answer["head"]["vars"], answer["results"]["bindings"]
    cells = [[_cell(row[name]) if name in row else Cell("") for name in names] for row in rows[:SHOWN]]
    return {"names": names, "rows": cells, "total": len(rows)}


def _cell(term: Mapping[str, Any]) -> Cell:
    if term["type"] == "uri":
        iri, base = term["value"], context.current().addresses.base
        return Cell(iri.removeprefix(f"{base}/"), iri if iri.startswith(("http://", "https://")) else "")
    if term["type"] != "literal":
        return Cell(f"_:{term['value']}" if term["type"] == "bnode" else json.dumps(term["value"]))
    return Cell(term["value"], note=term.get("xml:lang") or term.get("datatype", "").rpartition("#")[2])


def _page(text: str = "", *, status: int = 200, **told: Any) -> Response:
    runtime = context.current()
    settings, base = runtime.settings, runtime.addresses.base
    try:
        graph = _graph(runtime)
    except GraphTellsClosed as error:
        graph, told = None, {"problem": error.sentence, **told}
    except NoGraphYet:
        graph = None
    examples = [(one, with_prefixes(one.query, base)) for one in EXAMPLES]
    told = {"names": (), "rows": (), "total": 0, "problem": "", "forms": (), "truth": None, "turtle": "", **told}
    return layout.page(
        "sparql.html", status=status, here="sparql", text=text or examples[0][1], asked=bool(text), examples=examples,
        graph=graph, age=_age(runtime, graph), settings=settings, endpoint=f"{base}/sparql", **told,
    )  # fmt: skip


def _age(runtime: Runtime, graph: Snapshot | None) -> str:
    """How old it is, in the unit that fits."""
    seconds = (runtime.clock() - graph.at).total_seconds() if graph else 0
    unit, size = next(((unit, size) for unit, size in UNITS if seconds >= 2 * size), UNITS[-1])
    return f"{int(seconds // size)} {unit}"


UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1))


def _descriptions() -> list[Offer]:
    return [Offer(suffix, rdf.FORMS[suffix].media_type) for suffix in ("ttl", "nt", "jsonld", "rdf")]


def _description(accept: str) -> Response:
    """What the service is (SPARQL 1.1 Service Description), in the form of RDF that the client likes best."""
    base = context.current().addresses.base
    form = rdf.FORMS[negotiation.best(accept, _descriptions()).address]
    triples = rdf.of_text(SERVICE.format(endpoint=f"{base}/sparql").encode(), rdf.FORMS["ttl"], base)
    response = Response(rdf.text(triples, form, base), content_type=f"{form.media_type}; charset=utf-8")
    response.vary.add("Accept")
    return response
