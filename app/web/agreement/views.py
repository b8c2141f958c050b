"""The page of agreement: between people and with machines, each figure with its number and interval."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from annotations.consensus import service
from annotations.consensus.views import asked_of
from annotations.states import policy
from app.runtime import context, principal
from app.runtime.errors import Invalid
from app.runtime.principal import may
from app.web import layout

blueprint = Blueprint("agreement", __name__, template_folder="templates")
TITLES = {
    "verdicts": ("Verdicts", "Krippendorff’s α of accepted, rejected and left open"),
    "classes": ("Classes", "Krippendorff’s α, nominal"),
    "numbers": ("Numbers", "Krippendorff’s α, interval"),
    "characters": ("Transcriptions", "share of characters in common"),
    "overlap": ("Regions", "mean intersection over union"),
}
ACCEPTED = ("Accepted", "share of what machines said that people accepted")
GOLD = ("Gold", "share of a curator’s decisions that you gave, too")
EACH = ("others", "machines", "gold")


@dataclass(frozen=True, slots=True)
class Line:
    """A figure as it is read."""

    title: str
    what: str
    value: str
    interval: str
    units: str
    note: str


@blueprint.get("/review/agreement")
def page() -> Response:
    """`kind`, `run`, `from` and `to` narrow it."""
    by = principal.of_page()
    typed = {name: request.args.get(name, "")[:100] for name in ("kind", "run", "from", "to")}
    wrong, body, each = "", None, list[dict[str, Any]]()
    try:
        asked = asked_of(request.args)
        with context.current().reads.begin() as session:
            body = service.agreement(session, asked, by=by)
            each = service.by_person(session, asked, by=by) if may(by, "curate") else []
    except Invalid as error:
        wrong = error.sentence
    return layout.page(
        "agreement.html",
        by=by,
        status=400 if wrong else 200,
        typed=typed,
        wrong=wrong,
        body=body,
        people=_lines(body["people"], TITLES) if body else (),
        machines=_lines(body["machines"], TITLES | {"verdicts": ACCEPTED}) if body else (),
        gold=_line(*GOLD, body["gold"]["own"]) if body and by.name else None,
        each=[(one["name"], f"{one['verdicts']:,}", *(_line("", "", one[what]) for what in EACH)) for one in each],
        rules=policy.rules(),
        digest=policy.digest(),
    )


def _lines(figures: dict[str, Any], titles: dict[str, tuple[str, str]]) -> list[Line]:
    lines = [_line(title, what, figures[name]) for name, (title, what) in titles.items()]
    return [line for line in lines if line.units != "0"]


def _line(title: str, what: str, figure: dict[str, Any]) -> Line:
    low, high = figure["low"], figure["high"]
    interval = f"{low:.2f} to {high:.2f}" if low is not None and high is not None else ""
    value = "–" if figure["value"] is None else f"{figure['value']:.2f}"
    raw = f"; {figure['raw']:.0%} of the pairs are the same" if figure["value"] is None and figure["raw"] is not None else ""
    return Line(title, what, value, interval, f"{figure['units']:,}", f"{figure['note']}{raw}")
