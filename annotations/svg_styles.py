"""What styles say of an SVG's elements, as far as it is about where shapes lie and whether they are drawn.

Rules of style elements, style attributes and attributes of presentation, in the order in which browsers let them hold (SVG 2,
6.1 to 6.6; CSS 2, 6.4). A rule that is about that and cannot be read is refused; all others are passed over.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from annotations.errors import AnnotationTooBig, BadSelector
from annotations.svg_tree import Element, Tree

GEOMETRY = frozenset({"x", "y", "width", "height", "cx", "cy", "r", "rx", "ry", "d"})
MOVES = frozenset({"transform", "transform-origin", "transform-box", "translate", "rotate", "scale"})
READ = GEOMETRY | MOVES | {"display", "visibility", "overflow", "fill-rule"}
OF_ATTRIBUTES = (READ | {"viewBox", "preserveAspectRatio"}) - {"translate", "rotate", "scale"}  # `rotate` is of text
CUTTING_ATTRIBUTES = ("clip-path", "mask")
# What moves a shape, or takes parts of it away, with the values that change nothing.
MOVING = {"zoom": ("normal", "1", "100%"), "offset": ("none",), "offset-path": ("none",)}
CUTTING = dict.fromkeys(("clip-path", "mask", "mask-image", "-webkit-clip-path", "-webkit-mask", "-webkit-mask-image"), ("none",))
REFUSED = {**MOVING, **CUTTING}
ABOUT = READ | REFUSED.keys()
UNSET = ("initial", "inherit", "unset", "revert", "revert-layer")
MAX_RULES = 100
MAX_WORDS = 12  # of a selector
MAX_BLOCKS = 3  # within each other
COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
SIMPLE = re.compile(r"([.#])?([A-Za-z_*][\w-]*|\*)|\[\s*([\w:-]+)\s*(?:=\s*[\"']?([^\"'\]]*)[\"']?\s*)?\]", re.ASCII)
COMPOUND = re.compile(r"(?:[.#]?[A-Za-z_][\w-]*|\*|\[[^\]]*\])+", re.ASCII)
COMBINATOR = re.compile(r"\s*([>+~])\s*")
BRACE = re.compile(r"[{}]")
SCREENS = re.compile(r"@media\s*(?:only\s+)?(?:all|screen)?\s*", re.IGNORECASE)
PASSED_OVER = ("@import", "@charset", "@namespace", "@keyframes", "@-webkit-keyframes", "@font-face", "@page")


@dataclass(frozen=True, slots=True)
class Value:
    """What holds for a property, and whether a style says so; else it is an attribute, where lengths may have no unit."""

    text: str
    is_css: bool = False


Properties = Mapping[str, Value]


Simple = tuple[str, str, str, str]  # of a class or id the mark and the name; of a type the name; of an attribute name and value
Step = tuple[str, tuple[Simple, ...]]  # a combinator and what must hold of an element


@dataclass(frozen=True, slots=True)
class Rule:
    """What stands in the braces, and what stands before them."""

    steps: tuple[Step, ...]
    specificity: tuple[int, int, int]
    declared: tuple[tuple[str, str, bool], ...]  # name, value, whether important


class Styles:
    """The rules of all style elements of a tree, and which elements each of them names."""

    def __init__(self, tree: Tree) -> None:
        """Raises BadSelector, AnnotationTooBig."""
        rules: list[Rule] = []
        for text in tree.texts_of_styles():
            for rule in _rules(COMMENT.sub(" ", text)):
                rules.append(rule)
                if len(rules) > MAX_RULES:
                    raise AnnotationTooBig(f"An SvgSelector may have up to {MAX_RULES} style rules.", parameter="selector")
        self.rules = [(rule, _named(tree, rule.steps)) for rule in rules]

    def of(self, element: Element) -> Properties:
        """What holds for the element. Raises BadSelector."""
        found = {name: Value(text) for name, text in element.attributes.items() if name in OF_ATTRIBUTES}
        cut = {name: element.attributes[name].strip() for name in CUTTING_ATTRIBUTES if name in element.attributes}
        weighed = [
            ((important, False, rule.specificity, place), name, text)
            for place, (rule, named) in enumerate(self.rules)
            if element in named
            for name, text, important in rule.declared
        ]
        own = _declarations(COMMENT.sub(" ", element.attributes.get("style", "")))
        weighed += [((important, True, (0, 0, 0), 0), name, text) for name, text, important in own]
        for _, name, text in sorted(weighed, key=lambda declaration: declaration[0]):
            if name in MOVING and text not in MOVING[name]:
                raise BadSelector(f"A shape that its style moves by {name} cannot be read.", parameter="selector")
            if name in CUTTING:
                cut[name] = text
            elif text in UNSET:
                found.pop(name, None)
            else:
                found[name] = Value(text, is_css=True)
        for name, text in cut.items():
            if text not in (*CUTTING[name], *UNSET, ""):
                sentence = f"A shape of which {name} takes parts away cannot be read: send the shape that is left."
                raise BadSelector(sentence, parameter="selector")
        return found


def _rules(text: str, depth: int = 0) -> Iterator[Rule]:
    """Those that are about what is read, of a sheet without comments."""
    for prelude, block in _blocks(text):
        if prelude.startswith("@"):
            yield from _rules_within(prelude, block, depth)
            continue
        declared = tuple(_declarations(block))
        for selector in prelude.split(",") if declared else ():
            yield Rule(*_steps(selector.strip()), declared)


def _rules_within(prelude: str, block: str, depth: int) -> Iterator[Rule]:
    """Those of a block of rules that holds for every screen. Raises BadSelector for another one, if it is about what is read."""
    if prelude.split()[0].lower() in PASSED_OVER or re.fullmatch(r"@media\s+print", prelude, re.IGNORECASE):
        return
    if depth > MAX_BLOCKS:
        raise AnnotationTooBig("The styles of an SvgSelector are nested too deep.", parameter="selector")
    inner = list(_rules(block, depth + 1))
    if inner and not SCREENS.fullmatch(prelude):
        raise BadSelector(f"The style rule {prelude[:60]!r} cannot be read.", parameter="selector")
    yield from inner


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Each prelude with what stands in its braces; statements without braces are left out."""
    place = 0
    while (start := text.find("{", place)) >= 0:
        prelude = text[place:start].rpartition(";")[2].strip()
        depth, end = 1, start + 1
        for brace in BRACE.finditer(text, start + 1):
            depth += 1 if brace[0] == "{" else -1
            end = brace.start()
            if depth == 0:
                break
        yield prelude, text[start + 1 : end if depth == 0 else len(text)]
        place = end + 1 if depth == 0 else len(text)


def _declarations(block: str) -> list[tuple[str, str, bool]]:
    """Name, value and whether it is important, of those that are about what is read and that browsers take."""
    found = []
    for declaration in block.split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        text = re.sub(r"\s*!\s*important$", "", value, flags=re.IGNORECASE)
        if name.lower() in ABOUT and text and _is_taken(name.lower(), text):
            kept = text if "(" in text else text.lower()
            found.append((name.lower(), kept, text != value))
    return found


def _is_taken(name: str, text: str) -> bool:
    """Browsers pass over a length of a style that has no unit, unless it is 0."""
    if name not in GEOMETRY or name == "d":
        return True
    number = re.fullmatch(r"[+-]?[\d.]+(?:e[+-]?\d+)?", text, re.IGNORECASE)
    return number is None or not text.strip("+-0.")


def _steps(selector: str) -> tuple[tuple[Step, ...], tuple[int, int, int]]:
    """The compounds of a selector, each with its combinator, and its specificity. Raises BadSelector."""
    steps: list[Step] = []
    combinator = ""
    words = COMBINATOR.sub(r" \1 ", selector).split()
    for word in words:
        if word in (">", "+", "~") and not combinator and steps:
            combinator = word
            continue
        if not COMPOUND.fullmatch(word) or len(words) > MAX_WORDS:
            raise BadSelector(f"The style rule of {selector[:60]!r} cannot be read.", parameter="selector")
        steps.append((combinator or " ", tuple(SIMPLE.findall(word))))
        combinator = ""
    if not steps or combinator:
        raise BadSelector(f"The style rule of {selector[:60]!r} cannot be read.", parameter="selector")
    simple = [one for _, compound in steps for one in compound]
    ids = sum(mark == "#" for mark, _, _, _ in simple)
    classes = sum(mark == "." or attribute != "" for mark, _, attribute, _ in simple)
    names = sum(not mark and name not in ("", "*") for mark, name, _, _ in simple)
    return tuple(steps), (ids, classes, names)


def _named(tree: Tree, steps: tuple[Step, ...]) -> frozenset[Element]:
    """The elements that the selector names."""
    named: frozenset[Element] = frozenset()
    for number, (combinator, compound) in enumerate(steps):
        before = named
        named = frozenset(
            element
            for element in tree.elements
            if all(_is(element, simple) for simple in compound)
            and (number == 0 or any(near in before for near in _near(element, combinator)))
        )
    return named


def _near(element: Element, combinator: str) -> Iterable[Element]:
    """The elements that may stand on the left of the combinator."""
    parent = element.parent
    if parent is None:
        return
    if combinator == ">":
        yield parent
    elif combinator == " ":
        above: Element | None = parent
        while above is not None:
            yield above
            above = above.parent
    else:
        before = parent.children[: parent.children.index(element)]
        yield from before[-1:] if combinator == "+" else before


def _is(element: Element, simple: Simple) -> bool:
    mark, name, attribute, value = simple
    if attribute:
        return attribute in element.attributes and value in ("", element.attributes[attribute])
    if mark == ".":
        return name in element.attributes.get("class", "").split()
    return element.attributes.get("id") == name if mark == "#" else name in ("*", element.name)
