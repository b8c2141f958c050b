"""What the pages of things tell programs of the thing that they show."""

from flask import Response

from app.linked import things
from app.runtime import context
from app.runtime.principal import Principal
from app.web.names import representations, signposting


def of_page(response: Response, key: str, by: Principal) -> Response:
    """Put the signposts of the thing on the page that shows it."""
    runtime = context.current()
    with runtime.reads.begin() as session:
        thing = things.describe(session, key, runtime, by)
    return signposting.add(response, representations.signposts(thing, runtime.addresses))
