"""What people read of a thing that has no page of its own, and the short record that `?info` asks for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from annotations.bodies import several
from app.linked import things
from app.linked.things import BY_NAME, Described
from app.runtime.context import Runtime
from app.web.names import representations
from ontology import rdf

MOST_SHOWN = 500  # statements on one page
TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
PROMISE = (
    "The name is never given to anything else. The record of the thing may change; what is gone leaves a record of what it was."
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement: the property, its address, the value, and where that leads (empty for a text)."""

    name: str
    address: str
    value: str
    link: str


def values(thing: Described, runtime: Runtime) -> Mapping[str, Any]:
    """For the template."""
    addresses, unreadable = runtime.addresses, ""
    try:
        facts = list(_facts(thing, addresses.base))
    except rdf.NoGraph as error:
        facts, unreadable = [], error.sentence
    return {
        "kind": BY_NAME[thing.kind].title,
        "title": representations.title_of(thing.document) or thing.key,
        "pid": representations.pid_of(thing, addresses),
        "facts": facts[:MOST_SHOWN],
        "unreadable": unreadable,
        "more": max(0, len(facts) - MOST_SHOWN),
        "forms": [(f"{representations.pid_of(thing, addresses)}.{form.suffix}", form.title) for form in rdf.FORMS.values()],
        "others": [one for one in representations.offers(thing, addresses) if one.profile or one.title == "JSON"],
    }


def _facts(thing: Described, base: str) -> Iterator[Fact]:
    for triple in things.triples_of(thing, base):
        if getattr(triple.subject, "value", "") != thing.iri:
            continue
        told = str(getattr(triple.object, "value", ""))
        is_node, is_blank = str(triple.object).startswith("<"), str(triple.object).startswith("_:")
        link = told if is_node and told.startswith(("http://", "https://")) else ""
        if not is_blank:
            name = "type" if triple.predicate.value == TYPE else _local(triple.predicate.value)
            yield Fact(name, triple.predicate.value, told, link)


def _local(iri: str) -> str:
    return iri.rstrip("/").rpartition("#")[2].rpartition("/")[2]


def record(thing: Described, runtime: Runtime) -> str:
    """Who, what, when and where, and what is promised, as an Electronic Resource Citation (Kernel metadata, ANVL)."""
    addresses, document = runtime.addresses, thing.document
    creators = [one for one in several(document.get("creator")) if isinstance(one, Mapping)]
    who = "; ".join(str(one.get("name") or one.get("id") or "") for one in creators) or str(
        document.get("dwc:institutionCode", "")
    )
    lines = (
        ("who", who or runtime.settings.provider_name),
        ("what", representations.title_of(document) or f"{BY_NAME[thing.kind].title} {thing.key}"),
        ("when", str(document.get("created", "(:unkn) unknown"))),
        ("where", representations.pid_of(thing, addresses)),
        ("how", f"(:mtype {BY_NAME[thing.kind].title.lower()})"),
        ("persistence", PROMISE),
    )
    told = "\n".join(f"{name}: {' '.join(text.split())}" for name, text in lines)
    return f"erc:\n{told}\n"
