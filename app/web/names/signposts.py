"""What the pages of things tell programs of the thing that they show: in `Link`, and in the words of schema.org."""

from dataclasses import dataclass
from typing import Any

from flask import Response

from app.linked import things
from app.runtime import context
from app.runtime.principal import Principal
from app.web.names import representations, schema_org, signposting
from app.web.names.signposting import Signposts


@dataclass(frozen=True, slots=True)
class Told:
    """`schema_org` goes into the page (`base.html`), `signposts` into its headers."""

    schema_org: dict[str, Any]
    signposts: Signposts

    def put_on(self, response: Response) -> Response:
        return signposting.add(response, self.signposts)


def of_thing(key: str, by: Principal) -> Told:
    """Raises what the kind of the thing raises."""
    runtime = context.current()
    with runtime.reads.begin() as session:
        thing = things.describe(session, key, runtime, by)
    return Told(schema_org.of(thing, runtime), representations.signposts(thing, runtime.addresses))
