"""The list of datasets, the landing page of each version, and the form that makes a dataset of a question."""

from typing import Any

from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from annotations.datasets import drafts, service, work
from annotations.datasets.model import KINDS, POLICIES, Draft, Selection
from app.problems import status_of
from app.runtime import context, principal
from app.runtime.errors import DomainError
from app.runtime.http import answer
from app.runtime.principal import Principal
from app.web import layout
from app.web.account import forms
from app.web.datasets import landing
from app.web.names import signposting

blueprint = Blueprint("dataset_pages", __name__, template_folder="templates")
SHOWN = 30
OWN = (
    "q",
    "page",
    "title",
    "description",
    "creators",
    "keywords",
    "kind",
    "policy",
    "licence",
    "shares",
    "seed",
    "hidden",
    "people",
    *("type", "sort", "view", "columns"),  # of the search page that leads here
)


@blueprint.get("/datasets")
def listing() -> Response:
    """All datasets that have a version, those frozen last first; `after` goes on."""
    by, runtime = principal.of_page(), context.current()
    with runtime.reads.begin() as session:
        found = service.page(session, after=request.args.get("after", "")[:16], limit=SHOWN + 1)
        total = service.count(session)
    more = found[SHOWN - 1][0].key if len(found) > SHOWN else ""
    return layout.page("datasets.html", by=by, here="datasets", datasets=found[:SHOWN], total=total, more=more)


@blueprint.get("/datasets/new")
def new() -> Response:
    """The form that makes a dataset of a question."""
    by = _writer_of_page()
    return _form(by, request.args)


@blueprint.post("/datasets")
def create() -> Response:
    """Make it and have its first version frozen; what cannot be is said beside what was typed."""
    by, runtime = principal.of_page_writer(), context.current()
    principal.require_somewhere(by, "annotate")
    for name in request.form:
        forms.field(name, 20_000)
    try:
        draft = drafts.draft_of(_said(request.form))
        with runtime.db.begin() as session:
            made = service.create(session, draft, by=by, naan=runtime.settings.naan, at=runtime.clock())
            work.ask_freeze(session, made.key, by=by, naan=runtime.settings.naan, at=runtime.clock())
    except DomainError as error:
        return _form(by, request.form, error)
    return forms.to(f"/datasets/{made.key}")


@blueprint.get("/datasets/<name>")
def one(name: str) -> Response:
    """The landing page of a version; a dataset's own address leads to its newest, or tells how far that is."""
    by, runtime = principal.of_page(), context.current()
    key, number = service.split_key(name)
    with runtime.reads.begin() as session:
        dataset = service.get(session, key)
        if not number:
            found = service.versions(session, key, limit=1)
            if not found:
                jobs = work.of_dataset(session, key, 5)
                return layout.page("dataset_waiting.html", by=by, here="datasets", dataset=dataset, jobs=jobs, open=work.OPEN)
            newest = dataset.newest or found[0].number
            response = Response(status=302, headers={"Location": f"{request.script_root}/datasets/{key}.v{newest}"})
            response.headers["Cache-Control"] = "no-cache"
            response.vary.add("Cookie")
            return response
        version = service.get_version(session, key, number)
        if version.state == "withdrawn":
            values = landing.withdrawn(dataset, version, runtime, by)
            return layout.page("dataset_withdrawn.html", by=by, status=410, here="datasets", **values)
        values = landing.shown(session, runtime, dataset, version, by)
    response = layout.page("dataset.html", by=by, here="datasets", **values)
    return signposting.add(response, landing.signposts(version, runtime))


@blueprint.get("/datasets/<name>/linkset.json")
def linkset(name: str) -> Response:
    """The signposts of a version as a document (RFC 9264)."""
    runtime = context.current()
    key, number = service.split_key(name)
    with runtime.reads.begin() as session:
        version = service.get_standing(session, key, number or service.get(session, key).newest)
    signs = landing.signposts(version, runtime)
    return answer(signposting.linkset(signs, runtime.addresses.dataset_page(version.name)), signposting.LINKSET)


@blueprint.post("/datasets/<key>/versions")
def freeze(key: str) -> Response:
    """Have the next version frozen."""
    by, runtime = principal.of_page_writer(), context.current()
    principal.require_somewhere(by, "annotate")
    with runtime.db.begin() as session:
        work.ask_freeze(session, key, by=by, naan=runtime.settings.naan, at=runtime.clock())
    return forms.to(f"/datasets/{key}")


@blueprint.post("/datasets/<name>/withdraw")
def withdraw(name: str) -> Response:
    """Withdraw a version, with the `reason`."""
    by, runtime = principal.of_page_writer(), context.current()
    principal.require_somewhere(by, "annotate")
    key, number = service.split_key(name)
    with runtime.db.begin() as session:
        service.withdraw(session, key, number, forms.field("reason", 2000), by=by, at=runtime.clock())
    return forms.to(f"/datasets/{name}")


def _writer_of_page() -> Principal:
    by = principal.of_page()
    principal.require_somewhere(by, "annotate")
    return by


def _form(by: Principal, typed: MultiDict[str, str], error: DomainError | None = None) -> Response:
    usual = Draft("")
    values: dict[str, Any] = {
        "typed": typed,
        "filters": [(name, value[:1000]) for name, value in typed.items(multi=True) if name not in OWN and value],
        "wrong": error.sentence if error else "",
        "field": error.parameter if error else "",
        "kinds": KINDS,
        "policies": POLICIES,
        "shares": ", ".join(f"{name}={share:g}" for name, share in usual.split.shares.items()),
    }
    return layout.page("dataset_new.html", by=by, status=status_of(error) if error else 200, here="datasets", **values)


def _said(typed: MultiDict[str, str]) -> dict[str, Any]:
    """What was typed, as the API is told it."""
    selection = Selection(q=typed.get("q", "").strip()).to_json()
    selection["filters"] = {name: list(filter(None, typed.getlist(name))) for name in typed if name not in OWN}
    selection["type"] = typed.get("type") or "specimen"
    selection["layers"] = ["people"] if typed.get("people") else []
    seed = typed.get("seed", "").strip() or "0"
    shares = [one.partition("=") for one in typed.get("shares", "").split(",") if one.strip()]
    split: dict[str, Any] = {"seed": int(seed) if len(seed) < 12 and seed.isascii() and seed.isdigit() else seed}
    if shares:
        split["shares"] = [[name.strip(), _number(share)] for name, _, share in shares]
    split["hidden"] = [one.strip() for one in typed.get("hidden", "").split(",") if one.strip()]
    return {
        **{name: typed.get(name, "") for name in ("title", "description")},
        "creators": [_creator(line) for line in typed.get("creators", "").splitlines() if line.strip()],
        "keywords": [word.strip() for word in typed.get("keywords", "").split(",")],
        "kind": typed.get("kind") or "corpus",
        "policy": typed.get("policy") or "any",
        "licence": typed.get("licence") or "CC0",
        "selection": selection,
        "split": split,
    }


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0  # which no share may be, so that the sentence says so


def _creator(line: str) -> dict[str, str]:
    name, _, orcid = line.partition("<")
    return {"name": name.strip(), "orcid": orcid.rstrip("> \r")}
