"""Errors as `application/problem+json` (RFC 9457): the one table from error class to status code."""

import math
import re
from collections.abc import Callable

import structlog
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from app.runtime import disk, errors
from app.runtime.http import encode

STATUS: dict[type[errors.DomainError], int] = {
    errors.NotFound: 404,
    errors.Gone: 410,
    errors.Invalid: 400,
    errors.Conflict: 409,
    errors.StaleVersion: 412,
    errors.NotAllowed: 401,
    errors.Forbidden: 403,
    errors.TooMuch: 413,
    errors.TooOften: 429,
    errors.Unavailable: 503,
    disk.DiskFull: 507,
}
log = structlog.get_logger()


def status_of(error: errors.DomainError) -> int:
    """The status code of the nearest class in the table; 500 for a class that nobody placed."""
    return next((STATUS[cls] for cls in type(error).__mro__ if cls in STATUS), 500)


def problem(status: int, title: str, detail: str, **more: str | None) -> Response:
    """A problem document; `type` is about:blank, as the title says all that a type would."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    body.update({name: value for name, value in more.items() if value})
    response = Response(encode(body), status, content_type="application/problem+json")
    if status in (503, 507):
        response.headers["Retry-After"] = "5"
    return response


def install(app: Flask, as_page: Callable[[int, str, str], Response | None] = lambda *_: None) -> None:
    """Have the app answer every error so; or as a page, where `as_page` makes one of status, title and sentence."""

    @app.errorhandler(errors.DomainError)
    def _domain(error: errors.DomainError) -> Response:
        status, title = status_of(error), type(error).__name__
        page = as_page(status, spaced(title), error.sentence)
        response = page or problem(status, title, error.sentence, parameter=error.parameter, spec=error.spec)
        if isinstance(error, errors.TooOften):
            response.headers["Retry-After"] = str(math.ceil(error.wait_s))
        return _guarded(response)

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        status, sentence = error.code or 500, error.description or error.name
        response = as_page(status, error.name, sentence) or problem(status, error.name, sentence)
        for name, value in error.get_headers():
            if name not in ("Content-Type", "Content-Length"):
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def _unforeseen(error: Exception) -> Response:
        if (trouble := disk.trouble(error)) is not None:
            log.error("a disk hinders", sentence=trouble.sentence)
            return _domain(trouble)
        log.error("unforeseen error", exc_info=error)
        return problem(500, "Internal error", "The server failed; its log has the details.")


def _guarded(response: Response) -> Response:
    """What is refused to who asks says how to ask, and is not kept: with a token it may be answered."""
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if response.status_code in (401, 403):
        response.headers["Cache-Control"] = "no-store"
        response.vary.add("Authorization")
    return response


def spaced(name: str) -> str:
    """`UnknownSpecimen` as people write it: Unknown specimen."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()
