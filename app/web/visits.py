"""The cookie of a session: how it is set and taken away, and what caches are told of answers that depend on it."""

from functools import partial

import structlog
from flask import Response, g, request
from sqlalchemy.exc import SQLAlchemyError

from app.runtime import context, principal, sessions
from app.runtime.context import Runtime
from app.runtime.settings import Settings

log = structlog.get_logger()


def tell_caches(response: Response) -> Response:
    """Answers of addresses that read the cookie vary with it; what it opened is kept nowhere. A dead cookie is taken away."""
    if "visitor" not in g:
        return response
    response.vary.add("Cookie")
    runtime = context.current()
    if g.visitor.session:
        response.headers["Cache-Control"] = "private, no-store"
    elif (
        g.visitor.refused and principal.cookie_name(runtime.settings) in request.cookies and "Set-Cookie" not in response.headers
    ):
        clear(response, runtime.settings)
    if unseen := g.get("unseen", ""):
        response.call_on_close(partial(_seen, runtime, unseen))  # when the client has its answer
    return response


def set_cookie(response: Response, secret: str, settings: Settings) -> None:
    """The browser is signed in. The cookie ends with the browser; the session says when it ends at the latest."""
    secure = settings.base_url.startswith("https://")
    name = principal.cookie_name(settings)
    response.set_cookie(name, secret, secure=secure, httponly=True, samesite="Lax", path="/")
    response.headers["Cache-Control"] = "private, no-store"


def clear(response: Response, settings: Settings) -> None:
    """The browser is signed out."""
    secure = settings.base_url.startswith("https://")
    response.delete_cookie(principal.cookie_name(settings), secure=secure, httponly=True, samesite="Lax", path="/")
    response.headers["Cache-Control"] = "private, no-store"


def way_name(provider: str, settings: Settings) -> str:
    """The cookie of a browser on its way to that provider and back."""
    return f"{principal.cookie_name(settings)}-{provider}"


def set_way(response: Response, provider: str, held: str, settings: Settings, lasts_s: int) -> None:
    """Give the browser what it has to bring back."""
    secure = settings.base_url.startswith("https://")
    name = way_name(provider, settings)
    response.set_cookie(name, held, max_age=lasts_s, secure=secure, httponly=True, samesite="Lax", path="/")
    response.headers["Cache-Control"] = "private, no-store"


def clear_way(response: Response, provider: str, settings: Settings) -> None:
    secure = settings.base_url.startswith("https://")
    response.delete_cookie(way_name(provider, settings), secure=secure, httponly=True, samesite="Lax", path="/")


def _seen(runtime: Runtime, digest: str) -> None:
    """A session that cannot be written down as used now is so at its next request."""
    try:
        with runtime.db.begin() as session:
            sessions.seen(session, digest, runtime.clock())
    except SQLAlchemyError as error:
        log.warning("a session could not be written down as used", error=type(error).__name__)
