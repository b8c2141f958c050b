"""Errors as problem documents: the table is complete, and the documents are those of RFC 9457."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from flask import Flask, abort

import analytics
import annotations
import app
import iiif
import ontology
from app import problems
from app.runtime.errors import DomainError, Invalid, NotAllowed, Unavailable


def every_error() -> set[type[DomainError]]:
    """Every subclass in every module named `errors`, and in the rest of what is imported by now."""
    for package in (app, iiif, annotations, analytics, ontology):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if module.name.endswith(".errors"):
                importlib.import_module(module.name)
    return set(_below(DomainError))


def _below(cls: type[DomainError]) -> Iterator[type[DomainError]]:
    for one in cls.__subclasses__():
        yield one
        yield from _below(one)


def test_every_error_has_a_status() -> None:
    found = every_error()
    assert len(found) > len(problems.STATUS)
    unplaced = {cls.__name__ for cls in found if not set(cls.__mro__) & problems.STATUS.keys()}
    assert unplaced == set()


@pytest.fixture
def flask_app() -> Flask:
    flask_app = Flask("problems")
    problems.install(flask_app)

    @flask_app.get("/invalid")
    def _invalid() -> str:
        raise Invalid("Rotation must be 0 to 360.", parameter="rotation", spec="Image API 3.0, section 4.3")

    @flask_app.get("/token")
    def _token() -> str:
        raise NotAllowed("A token is needed.")

    @flask_app.get("/down")
    def _down() -> str:
        raise Unavailable("The search engine does not answer.")

    @flask_app.get("/teapot")
    def _teapot() -> str:
        abort(418)

    @flask_app.get("/bug")
    def _bug() -> str:
        raise ZeroDivisionError("secret detail")

    return flask_app


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/invalid", 400, "Rotation must be 0 to 360."),
        ("/token", 401, "A token is needed."),
        ("/down", 503, "The search engine does not answer."),
        ("/teapot", 418, "This server is a teapot, not a coffee machine"),
        ("/none", 404, "Nothing here has the address /none."),
        ("/bug", 500, "The server failed at "),
    ],
)
def test_it_is_a_problem_document(flask_app: Flask, path: str, status: int, detail: str) -> None:
    answer = flask_app.test_client().get(path)
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    body = answer.get_json()
    assert (body["type"], body["status"]) == ("about:blank", status)
    assert body["detail"].startswith(detail)
    assert body["title"]
    assert "secret" not in answer.get_data(as_text=True)


def test_it_names_what_was_wrong_and_how_to_go_on(flask_app: Flask) -> None:
    client = flask_app.test_client()
    assert client.get("/invalid").get_json()["parameter"] == "rotation"
    assert client.get("/invalid").get_json()["spec"] == "Image API 3.0, section 4.3"
    assert client.get("/token").headers["WWW-Authenticate"] == "Bearer"
    assert client.get("/down").headers["Retry-After"] == "5"
    refused = client.post("/invalid")
    assert refused.headers["Allow"]
    assert refused.get_json()["detail"] == "POST is not possible at /invalid. Possible is: GET, HEAD, OPTIONS."
