"""The elements of an SVG from anyone: bounded, without entities and scripts; what is of other namespaces is left out.

An svg element without a namespace is taken for SVG, as drawing clients write it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat  # entities cannot be declared: a document type is refused where it begins

from annotations.errors import AnnotationTooBig, BadSelector

MAX_ELEMENTS = 200
MAX_DEPTH = 40
NAMESPACE = "http://www.w3.org/2000/svg"


@dataclass(slots=True, eq=False)
class Element:
    """An element of SVG: its local name, its attributes as they are written, and its text where it is a style element."""

    name: str
    attributes: dict[str, str]
    parent: "Element | None" = None
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    @property
    def refers_to(self) -> str:
        """The value of its href, whether that has the prefix of XLink or not."""
        named = (value for name, value in self.attributes.items() if name.endswith(":href"))
        return self.attributes.get("href", next(named, "")).strip()


@dataclass(frozen=True, slots=True)
class Tree:
    """The outermost svg element, and all elements of it in the order of the document."""

    root: Element
    elements: tuple[Element, ...]

    def find(self, reference: str) -> Element | None:
        """The first element with the id that `#id` names."""
        return next((one for one in self.elements if reference == f"#{one.attributes.get('id')}"), None)

    def texts_of_styles(self) -> Iterator[str]:
        """The texts of the style elements that hold for a screen."""
        for one in self.elements:
            is_css = one.attributes.get("type", "text/css").strip().lower() in ("", "text/css")
            if one.name == "style" and is_css and one.attributes.get("media", "all").strip().lower() in ("", "all", "screen"):
                yield one.text


def parse(text: str) -> Tree:
    """Raises BadSelector for what is no SVG or holds scripts, AnnotationTooBig."""
    return _Builder().read(text)


class _Builder:
    """Keeps the elements that the parser meets."""

    def __init__(self) -> None:
        self.elements: list[Element] = []
        self.open: list[Element] = []
        self.foreign = 0  # elements of other namespaces that are open
        self.seen = 0
        self.prefixes = {"", "svg"}

    def read(self, text: str) -> Tree:
        parser = expat.ParserCreate("utf-8")  # a str has no other encoding, whatever it declares
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = _refuse_doctype
        try:
            parser.Parse(text.encode(), True)
        except (expat.ExpatError, UnicodeEncodeError) as error:
            raise BadSelector(f"The SVG cannot be read: {error}.", parameter="selector") from error
        return Tree(self.elements[0], tuple(self.elements))

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        prefix, _, name = qualified.rpartition(":")
        if not self.seen and name != "svg":
            raise BadSelector("The value of an SvgSelector must be an svg element.", parameter="selector")
        self.prefixes |= set() if self.seen else {prefix}
        self.prefixes |= {key.removeprefix("xmlns:") for key, value in attributes.items() if value == NAMESPACE and ":" in key}
        self.seen += 1
        if self.seen > MAX_ELEMENTS:
            raise AnnotationTooBig(f"An SvgSelector may have up to {MAX_ELEMENTS} elements.", parameter="selector")
        _refuse_scripts(name, attributes)
        is_svg = prefix in self.prefixes and (not self.open or attributes.get("xmlns", NAMESPACE) == NAMESPACE)
        if self.foreign or not is_svg:
            self.foreign += 1
            return
        if len(self.open) >= MAX_DEPTH:
            raise AnnotationTooBig(f"An SvgSelector may be nested up to {MAX_DEPTH} levels deep.", parameter="selector")
        element = Element(name, attributes, self.open[-1] if self.open else None)
        if self.open:
            self.open[-1].children.append(element)
        self.elements.append(element)
        self.open.append(element)

    def _end(self, _: str) -> None:
        if self.foreign:
            self.foreign -= 1
        else:
            self.open.pop()

    def _text(self, text: str) -> None:
        if not self.foreign and self.open and self.open[-1].name == "style":
            self.open[-1].text += text


def _refuse_doctype(*_: object) -> None:
    raise BadSelector("An SvgSelector may not declare a document type.", parameter="selector")


def _refuse_scripts(name: str, attributes: dict[str, str]) -> None:
    runs = any(
        key.lower().startswith("on") or value.lstrip("\t\n\r ").lower().startswith("javascript:")
        for key, value in attributes.items()
    )
    if runs or name.lower() == "script":
        raise BadSelector("An SvgSelector may not hold scripts, nor attributes that run them.", parameter="selector")
