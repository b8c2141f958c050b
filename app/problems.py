"""Errors as `application/problem+json` (RFC 9457): the one table from error class to status code."""

import math
from collections.abc import Callable

import structlog
from flask import Flask, Response, current_app, request
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
    UnsupportedMediaType,
)

from app.runtime import clock, disk, errors
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
SHOWN = 80  # characters of an address, in a sentence
log = structlog.get_logger()


def status_of(error: errors.DomainError) -> int:
    """The status code of the nearest class in the table; 500 for a class that nobody placed."""
    return next((STATUS[cls] for cls in type(error).__mro__ if cls in STATUS), 500)


def problem(status: int, title: str, detail: str, **more: str | None) -> Response:
    """A problem document; `type` is about:blank, as the title says all that a type would."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    body.update({name: value for name, value in more.items() if value})
    response = Response(encode(body), status, content_type="application/problem+json")
    response.vary.add("Accept")
    return _timed(response)


def install(app: Flask, as_page: Callable[[int, str], Response | None] = lambda *_: None) -> None:
    """Have the app answer every error so; or as a page, where `as_page` makes one of status and sentence."""

    @app.errorhandler(errors.DomainError)
    def _domain(error: errors.DomainError) -> Response:
        status, title = status_of(error), type(error).__name__
        page = as_page(status, error.sentence)
        response = page or problem(status, title, error.sentence, parameter=error.parameter, spec=error.spec)
        return sent_with(response, error)

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        status, sentence = error.code or 500, sentence_of(error)
        response = as_page(status, sentence) or problem(status, error.name, sentence)
        for name, value in error.get_headers():
            if name not in ("Content-Type", "Content-Length"):
                response.headers[name] = value
        return _timed(response)

    @app.errorhandler(Exception)
    def _unforeseen(error: Exception) -> Response:
        if (trouble := disk.trouble(error)) is not None:
            log.error("a disk hinders", sentence=trouble.sentence)
            return _domain(trouble)
        log.error("unforeseen error", exc_info=error)
        sentence = f"The server failed at {clock.iso(clock.now())}; its log has the details."
        try:
            page = as_page(500, sentence)
        except Exception:  # the page may need what has just failed
            log.exception("the page of an error could not be made")
            page = None
        return _timed(page or problem(500, "Internal error", sentence))


def sent_with(response: Response, error: errors.DomainError) -> Response:
    """The answer to a request that was refused, with the headers that say when and how to ask again."""
    if isinstance(error, errors.TooOften):
        response.headers["Retry-After"] = str(math.ceil(error.wait_s))
    return _guarded(_timed(response))


def sentence_of(error: HTTPException) -> str:
    """What it says, in our words where whoever raised it left it to werkzeug's."""
    if error.description != type(error).description:
        return error.description or error.name
    match error:
        case NotFound():
            return f"Nothing here has the address {request.path[:SHOWN]}. It may be misspelled, or be from elsewhere."
        case MethodNotAllowed(valid_methods=methods):
            able = ", ".join(sorted(methods or ()))
            return f"{request.method} is not possible at {request.path[:SHOWN]}. Possible is: {able or 'nothing'}."
        case RequestEntityTooLarge():
            most = current_app.config["MAX_CONTENT_LENGTH"]
            return "What was sent is too large" + (f": the most is {most:,} bytes." if most else ".")
        case UnsupportedMediaType():
            return "The body of this request has to be JSON, and its Content-Type has to say so."
        case BadRequest():
            return "This request cannot be read: its address, a header or its body is not as HTTP has it."
    return error.description or error.name


def _timed(response: Response) -> Response:
    """What may be answered in a moment says when to ask again, and no failure is kept."""
    if response.status_code in (503, 507):
        response.headers.setdefault("Retry-After", "5")
    if response.status_code >= 500:
        response.headers["Cache-Control"] = "no-store"
    return response


def _guarded(response: Response) -> Response:
    """What is refused to who asks says how to ask, and is not kept: with a token it may be answered."""
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if response.status_code in (401, 403):
        response.headers["Cache-Control"] = "no-store"
        response.vary.add("Authorization")
    return response
