"""What all pages share: their frame, the headers they are sent with, the page of an error, and the files they need."""

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, render_template, request

from app.runtime import context
from app.runtime.http import depends_on
from app.runtime.principal import Principal
from app.web import assets

blueprint = Blueprint("layout", __name__, template_folder="templates")


@blueprint.get("/assets/<name>")
def asset(name: str) -> Response:
    """A file of the built front end."""
    return assets.send(name)


@blueprint.get("/favicon.ico")
def favicon() -> Response:
    """Pages carry their icon inside; browsers that ask for this one are told so."""
    return Response(status=204)


def page(template: str, *, by: Principal | None = None, **values: Any) -> Response:
    """`by` is who asks, where what is shown depends on that."""
    settings = context.current().settings
    html = render_template(template, assets=assets.names(), provider_name=settings.provider_name, **values)
    response = make_response(html)
    response.headers["Content-Security-Policy"] = _policy(settings.base_url)
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.cache_control.no_cache = True
    response.vary.add("Accept")
    if by is not None:
        depends_on(response, by)
    response.add_etag()
    response.make_conditional(request)
    return response


def _wants_page() -> bool:
    """Whether the client is a browser in front of a person: it prefers HTML to JSON, and asks where pages are."""
    best = request.accept_mimetypes.best_match(["application/json", "application/problem+json", "text/html"])
    return best == "text/html" and not request.path.startswith(("/api/", "/iiif/", "/annotations/", "/search/", "/assets/"))


def problem_page(status: int, title: str, detail: str) -> Response | None:
    """An error as a person reads it; None for programs."""
    if not _wants_page():
        return None
    response = page("problem.html", title=title, detail=detail)
    response.status_code = status
    return response


def _policy(base_url: str) -> str:
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
            "frame-ancestors 'self'",
        )
    )
