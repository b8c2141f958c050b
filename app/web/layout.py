"""What all pages share: their frame, the headers they are sent with, the page of an error, and the files they need."""

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, g, make_response, render_template, request
from sqlalchemy.exc import SQLAlchemyError

from app.runtime import context, principal
from app.runtime.http import depends_on
from app.runtime.principal import NOBODY, SAFE_METHODS, Principal, may
from app.web import assets, refusals

blueprint = Blueprint("layout", __name__, template_folder="templates")
TITLES = {
    400: "This cannot be understood",
    401: "Not open to everybody",
    403: "Not open to you",
    404: "Nothing is here",
    405: "Not possible here",
    409: "Something stands against this",
    410: "Withdrawn",
    412: "Somebody was faster",
    413: "Too much at once",
    415: "This cannot be read",
    429: "Too often",
    500: "Something broke here",
    503: "Not just now",
    507: "The disk is full",
}


@blueprint.get("/assets/<name>")
def asset(name: str) -> Response:
    """A file of the built front end."""
    return assets.send(name)


@blueprint.get("/favicon.ico")
def favicon() -> Response:
    """Pages carry their icon inside; browsers that ask for this one are told so."""
    return Response(status=204)


def page(template: str, *, by: Principal | None = None, status: int = 200, personal: bool = False, **values: Any) -> Response:
    """`by` is who asks, where what is shown depends on that. A `personal` page is kept nowhere, and framed by none."""
    settings = context.current().settings
    shared = {
        "assets": assets.names(),
        "provider_name": settings.provider_name,
        "visitor": _visitor(),
        "may": may,
        "asked_for": _asked_for(),
    }
    response = make_response(render_template(template, **shared, **values), status)
    response.headers["Content-Security-Policy"] = _policy(settings.base_url, "'none'" if personal else "'self'")
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.vary.add("Accept")
    if by is not None:
        depends_on(response, by)
    if personal:
        response.headers["Cache-Control"] = "private, no-store"
        return response
    response.cache_control.no_cache = True
    if status == 200:
        response.add_etag()
        response.make_conditional(request)
    return response


def _visitor() -> Principal:
    """Whom the head of the page names. The page of an error names who is signed in, too, unless that cannot be read now."""
    if "visitor" not in g and request.method in SAFE_METHODS:
        try:
            return principal.of_page()
        except SQLAlchemyError:
            return NOBODY
    visitor: Principal = g.get("visitor", NOBODY)
    return visitor


def _asked_for() -> str:
    """The path to come back to after signing in; empty where that makes no sense."""
    if request.method != "GET" or request.path in ("/", "/login", "/join"):
        return ""
    return request.full_path.rstrip("?")


def wants_page() -> bool:
    """Whether the client is a browser in front of a person: it prefers HTML to JSON, and asks where pages are."""
    best = request.accept_mimetypes.best_match(["application/json", "application/problem+json", "text/html"])
    return best == "text/html" and not request.path.startswith(("/api/", "/iiif/", "/annotations/", "/search/", "/assets/"))


def problem_page(status: int, detail: str) -> Response | None:
    """An error as a person reads it, with a way on; None for programs."""
    if not wants_page():
        return None
    again = f"{request.script_root}{request.full_path.rstrip('?')}" if request.method in SAFE_METHODS else ""
    how: Any = {"title": title_of(status), "detail": detail, "code": status, "again": again, "written": _written(status)}
    return page("problem.html", status=status, personal=bool(how["written"]), **how)


def _written(status: int) -> list[str]:
    """What was written in the form that this answers, where it came from a page of ours."""
    if request.method in SAFE_METHODS or status == 413:
        return []
    visitor: Principal = g.get("visitor", NOBODY)
    return refusals.written(request.form) if visitor.session or visitor.refused else []


def title_of(status: int) -> str:
    """The heading of an error's page."""
    return TITLES.get(status, "This did not work" if status < 500 else TITLES[500])


def _policy(base_url: str, frame_ancestors: str) -> str:
    """Nothing from elsewhere; the public address is allowed where the page was reached by another one of the same hub.

    The viewer's styles are written by its own code at run time, hence 'unsafe-inline' for styles, and for styles alone.
    """
    here = "{0.scheme}://{0.netloc}".format(urlsplit(base_url))
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self' 'unsafe-inline'",
            f"img-src 'self' data: {here}",
            "font-src 'self'",
            f"connect-src 'self' {here}",
            "form-action 'self'",
            "base-uri 'none'",
            f"frame-ancestors {frame_ancestors}",
        )
    )
