"""Bodies are received whole before anything is done with them."""

from io import BytesIO
from typing import Any

from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from app.web.body_places import BodyPlaces


@Request.application
def echo(request: Request) -> Response:
    return Response(request.get_data())


def test_a_whole_body_is_handed_on() -> None:
    answer = Client(BodyPlaces(echo, 8, 1000)).post("/", data=b"12345")
    assert (answer.status_code, answer.data) == (200, b"12345")


def test_a_body_that_was_cut_off_is_refused_before_anything_is_done_with_it() -> None:
    def unreachable(_environ: Any, _start: Any) -> Any:
        raise AssertionError("the application must not see it")

    cut = {"CONTENT_LENGTH": "10", "wsgi.input": BytesIO(b"12345")}
    answer = Client(BodyPlaces(unreachable, 8, 1000)).post("/", environ_overrides=cut)
    assert (answer.status_code, answer.json["title"]) == (400, "Incomplete")
