"""Image API 3.0 and 2.1 over HTTP: errors, and what little is not answered before by app/web/fast_images.py."""

from flask import Blueprint, Response, request

from app.runtime import context
from iiif.image.serving import open_images, responses

blueprint = Blueprint("image", __name__, url_prefix="/iiif/<any('2','3'):version>")


@blueprint.get("/<path:rest>")
def image(version: str, rest: str) -> Response:  # noqa: ARG001 - read from the path, as the fast path does
    """`rest` is an identifier, which may hold slashes, alone or before `/info.json` or the parameters of a picture."""
    answer = responses.of(open_images.of(context.current())).answer(request.environ)
    response = Response([answer.body], answer.status, answer.headers)
    if "Content-Type" not in dict(answer.headers):
        del response.headers["Content-Type"]
    response.automatically_set_content_length = False
    return response


@blueprint.after_request
def _open_to_scripts(response: Response) -> Response:
    """Scripts of any origin may send what a conditional, negotiated or authorised request needs."""
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = (
            "Accept, Authorization, If-Modified-Since, If-None-Match, If-Range, Range"
        )
        response.headers["Access-Control-Max-Age"] = "86400"
    return response
