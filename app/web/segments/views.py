"""The page of a segment: its picture, what it is, of which sheet, what is said of it and who says so, and what became of it."""

from flask import Blueprint, Response

from app.runtime import principal
from app.web.segments import segment_page

blueprint = Blueprint("segment_pages", __name__, template_folder="templates")


@blueprint.get("/segments/<segment:key>")
def segment(key: str) -> Response:
    """One segment; of one that has ended what is known of it, with status 410."""
    return segment_page.answer(key, principal.of_page())
