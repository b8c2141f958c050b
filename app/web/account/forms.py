"""What forms send, and where they lead."""

import re
from typing import Any

from flask import Response, request

from app.runtime import context, principal
from app.runtime.errors import Invalid

LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]{0,2000}")


def field(name: str, longest: int = 300) -> str:
    """A field of the form that was sent. Raises Invalid."""
    text = request.form.get(name, "")
    if len(text) > longest or "\0" in text:
        raise Invalid(f"The field {name!r} is longer than {longest} characters, or holds a NUL.", parameter=name)
    return text


def from_our_page() -> None:
    """Raises Forbidden where the form was sent from elsewhere; also for forms that no cookie stands behind."""
    principal.require_same_origin(context.current().settings)


def local(path: str) -> str:
    """The path, if it leads nowhere but within this hub; otherwise the front page."""
    return path if LOCAL.fullmatch(path) else "/"


def to(path: str, **done: Any) -> Response:
    """303 to a path of the hub; `done` is told there, as a word of the page's own."""
    query = "".join(f"?{name}={word}" for name, word in done.items())
    response = Response(status=303, headers={"Location": f"{request.script_root}{path}{query}"})
    response.headers["Cache-Control"] = "no-store"
    return response
