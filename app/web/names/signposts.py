"""What the pages of things tell programs of the thing that they show: in `Link`, and in the words of schema.org."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response

from app.inbox import service as inbox
from app.inbox.service import Notice
from app.linked import things
from app.runtime import context
from app.runtime.principal import Principal
from app.web.names import representations, schema_org, signposting
from app.web.names.signposting import Signposts


@dataclass(frozen=True, slots=True)
class Told:
    """`schema_org` and `notices`, what others say of the thing, go into the page (`base.html` and `cited.html`), `signposts` into
    its headers."""

    schema_org: dict[str, Any]
    signposts: Signposts
    notices: Sequence[Notice]

    def put_on(self, response: Response) -> Response:
        return signposting.add(response, self.signposts)


def of_thing(key: str, by: Principal, beside: Sequence[str] = ()) -> Told:
    """`beside` are keys of things that the page shows, too. Raises what the kind of the thing raises."""
    runtime = context.current()
    with runtime.reads.begin() as session:
        thing = things.describe(session, key, runtime, by)
        notices = inbox.about(session, [thing.key, *beside])
    return Told(schema_org.of(thing, runtime), representations.signposts(thing, runtime.addresses), notices)
