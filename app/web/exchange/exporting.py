"""`/api/exports` and the download behind the page: a zip, streamed from the database, of what is asked for."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import parse_qsl

from flask import Blueprint, Response, redirect, request

from annotations.exchange.classes import read_table
from annotations.exchange.formats import FORMATS, format_of
from annotations.exchange.model import OPTION_VALUES, Options
from annotations.search import parameters
from app.exchange import exporting
from app.exchange.archive import zipped
from app.exchange.choice import LAYERS, STATES, ExportChoice, StatementFilter
from app.exchange.exporting import Export
from app.exchange.pictures import Pictures
from app.runtime import context, principal
from app.runtime.errors import Invalid
from app.runtime.http import answer, depends_on
from app.runtime.principal import Principal

blueprint = Blueprint("exports", __name__)
ONE = ("format", "q", "search", "type", "run", "leastConfidence", "images", "maxSide", "classes")
SEVERAL = ("specimen", "image", "kind", "layer", "state")
MOST_NAMED = 1_000
LONGEST = 200_000


@blueprint.get("/api/exports")
def read() -> Response:
    """A zip of annotations in the format asked for; without `format` the formats that there are."""
    by = principal.of_request()
    if "format" not in request.args:
        return answer({"items": [_format_json(name) for name in FORMATS]}, by=by)
    return sent({name: request.args.getlist(name) for name in request.args}, by)


@blueprint.post("/api/exports")
def ask() -> Response:
    """The same of JSON, for what is too long for an address. Nothing is written here, so nobody needs a role."""
    by = principal.of_request()
    body = request.get_json()
    if not isinstance(body, dict):
        raise Invalid("Send a JSON object with the parameters of GET /api/exports.")
    given = {name: value if isinstance(value, list) else [value] for name, value in body.items()}
    return sent({name: [_plain(name, one) for one in values] for name, values in given.items()}, by)


@blueprint.get("/exchange/export.zip")
def download() -> Response:
    """The same for a page, by the cookie of a session; where nothing is asked for, 303 to the page that asks."""
    if not request.args:
        return cast(Response, redirect(f"{context.current().addresses.base}/exchange", 303))
    return sent({name: request.args.getlist(name) for name in request.args}, principal.of_page())


def sent(given: Mapping[str, Sequence[str]], by: Principal) -> Response:
    """The zip, or Invalid before its first byte."""
    export = export_of(given)
    losses, pieces = exporting.pieces(context.current(), export, by)
    response = Response(zipped(pieces), content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="lectotype-{losses.format_name}.zip"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store" if by.name else "no-cache"
    depends_on(response, by)
    return response


def export_of(given: Mapping[str, Sequence[str]]) -> Export:
    """Raises Invalid."""
    of_options = {name: values for name, values in given.items() if name.replace("-", "_") in OPTION_VALUES}
    unknown = set(given) - set(of_options) - {*ONE, *SEVERAL}
    if unknown:
        raise Invalid(f"There is no parameter {sorted(unknown)[0][:40]!r}.", parameter=sorted(unknown)[0][:40])
    one = {name: _only(given, name) for name in ONE}
    several = {name: tuple(value for value in given.get(name, ()) if value) for name in SEVERAL}
    if any(len(values) > MOST_NAMED for values in several.values()) or any(len(text) > LONGEST for text in one.values()):
        raise Invalid(f"Name up to {MOST_NAMED:,} things, and write up to {LONGEST:,} characters.")
    format_of(one["format"])
    _among(several["layer"], LAYERS, "layer")
    _among(several["state"], STATES, "state")
    which = StatementFilter(
        frozenset(several["kind"]), frozenset(several["layer"]), frozenset(several["state"]),
        frozenset([one["run"]] if one["run"] else []), _number(one["leastConfidence"], "leastConfidence"),
    )  # fmt: skip
    choice = ExportChoice(**_question(one), specimens=several["specimen"], media=several["image"], run=one["run"], which=which)
    side = int(_number(one["maxSide"], "maxSide"))
    kind: Any = one["images"] or ("resized" if side else "references")
    pictures = Pictures(kind, side if kind == "resized" else 0)
    options = Options.parse({name: values[-1] for name, values in of_options.items() if values and values[-1]})
    table = read_table(one["classes"]) if one["classes"] else None
    return Export(one["format"], choice, pictures, options, table)


def _question(one: Mapping[str, str]) -> dict[str, Any]:
    """`q` with `type`, or `search`: the parameters of a search as `/api/search` has them. Raises Invalid."""
    if one["search"] and (one["q"] or one["type"]):
        raise Invalid("search holds q and type: give it alone.", parameter="search")
    pairs = parse_qsl(one["search"]) if one["search"] else [("q", one["q"]), ("type", one["type"])]
    said = {name: value for name, value in pairs if name in ("q", "type", "bbox", "near")}
    rest = [pair for pair in pairs if pair[0] not in ("q", "type", "sort", "bbox", "near")]
    asked = bool(said.get("q") or rest or said.get("bbox") or said.get("near") or said.get("type"))
    return {
        "question": said.get("q", "") if asked else None,
        "chosen": parameters.chosen(rest) if rest else None,
        "where": parameters.place(said.get("bbox", ""), said.get("near", "")),
        "type": said.get("type") or "specimen",
    }


def _only(given: Mapping[str, Sequence[str]], name: str) -> str:
    values = given.get(name, ())
    if len(values) > 1:
        raise Invalid(f"{name} may be given once.", parameter=name)
    return values[0] if values else ""


def _plain(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        if isinstance(value, bool):
            return "yes" if value else "no"
        raise Invalid(f"{name[:40]} is a text, a number or a list of these.", parameter=name[:40])
    return str(value)


def _number(text: str, name: str) -> float:
    try:
        number = float(text or 0)
    except ValueError as error:
        raise Invalid(f"{name} is a number.", parameter=name) from error
    if not 0 <= number < 1e6:
        raise Invalid(f"{name} is a number of 0 or more.", parameter=name)
    return number


def _among(given: Sequence[str], allowed: Sequence[str], name: str) -> None:
    if any(one not in allowed for one in given):
        raise Invalid(f"{name} is one of {', '.join(allowed)}.", parameter=name)


def _format_json(name: str) -> dict[str, Any]:
    of = FORMATS[name]
    abilities = {feature: ability.keeps for feature, ability in of.abilities.items()}
    return {"name": name, "label": of.label, "spec": of.spec, "reads": of.read is not None, "keeps": abilities}
