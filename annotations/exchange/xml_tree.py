"""Small XML files from strangers, read by expat: without document types, entities, or depth and size beyond the limits."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from app.runtime.errors import Invalid

MOST_BYTES = 100_000_000
MOST_NODES = 2_000_000
MOST_DEPTH = 60


@dataclass(slots=True)
class Node:
    """An element: its name without namespace, its attributes likewise, its children, and the text in it before the first child
    and between them, without that of children."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def child(self, name: str) -> "Node | None":
        """The first child of that name."""
        return next((child for child in self.children if child.name == name), None)

    def of(self, name: str) -> str:
        """The text of the first child of that name, stripped; empty where there is none."""
        found = self.child(name)
        return "" if found is None else found.text.strip()

    def all(self, *names: str) -> Iterator["Node"]:
        """Every element below of one of these names, in the order of the document."""
        left = list(reversed(self.children))
        while left:
            one = left.pop()
            if one.name in names:
                yield one
            left.extend(reversed(one.children))

    def whole_text(self) -> str:
        """All text in it, that of its children included, blanks as one."""
        found, left = [], [self]
        while left:
            one = left.pop()
            found.append(one.text)
            left.extend(reversed(one.children))
        return " ".join(" ".join(found).split())


class NoXml(Invalid):
    """A file that is no XML that is read here."""


def parse(data: bytes) -> Node:
    """The root. Raises NoXml."""
    if len(data) > MOST_BYTES:
        raise NoXml(f"An XML file may have up to {MOST_BYTES:,} bytes.")
    top = Node("")
    stack, count = [top], 0
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(stack) > MOST_DEPTH or count > MOST_NODES:
            raise NoXml(f"An XML file may be nested {MOST_DEPTH} levels deep and have {MOST_NODES:,} elements.")
        node = Node(_local(name), {_local(key): value for key, value in attributes.items()})
        stack[-1].children.append(node)
        stack.append(node)

    def end(_name: str) -> None:
        stack.pop()

    def text(data: str) -> None:
        stack[-1].parts.append(data)

    def doctype(*_args: object) -> None:
        raise NoXml("A document type (DOCTYPE) is not read.")

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise NoXml(f"It is no XML: {error}.") from error
    return top.children[0]


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
