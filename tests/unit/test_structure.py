"""The structure of the tree, drawn from its imports: at no level do two rooms need one another.

A room is a package or a module directly inside a package. `app/runtime` counts as a room beside the five packages, for it is
what every package stands on.
"""

import ast
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "iiif", "annotations", "analytics", "ontology")
RUNTIME = "app.runtime"
Graph = dict[str, set[str]]


def modules() -> dict[str, Path]:
    """Every module of ours by its dotted name; a package has the name of its folder."""
    found = {}
    for package in PACKAGES:
        for path in ROOT.joinpath(package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "node_modules" not in parts:
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path, known: dict[str, Path]) -> set[str]:
    """The modules of ours that a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            found |= {name if name in known else node.module for name in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & known.keys()


def room(parent: str, module: str) -> str | None:
    """The room directly inside `parent` that holds the module; None for one outside, and for the package itself."""
    if not parent:
        return RUNTIME if module == RUNTIME or module.startswith(f"{RUNTIME}.") else module.partition(".")[0]
    inside = module.removeprefix(f"{parent}.")
    return None if inside == module else inside.partition(".")[0]


def graph(parent: str, arrows: dict[str, set[str]]) -> Graph:
    """Which rooms inside `parent` import which others of them."""
    found: Graph = defaultdict(set)
    for module, needed in arrows.items():
        here = room(parent, module)
        if here is not None:
            found[here] |= {there for one in needed if (there := room(parent, one)) not in (None, here)}
    return found


KNOWN = modules()
ARROWS = {module: imports(path, KNOWN) for module, path in KNOWN.items()}
PARENTS = ["", *sorted(name for name, path in KNOWN.items() if path.name == "__init__.py")]


@pytest.mark.parametrize("parent", PARENTS)
def test_no_two_rooms_need_one_another(parent: str) -> None:
    try:
        TopologicalSorter(graph(parent, ARROWS)).prepare()
    except CycleError as error:
        pytest.fail(f"inside {parent or 'the project'}: {' → '.join(reversed(error.args[1]))}")


def test_a_cycle_would_be_seen() -> None:
    planted = {"iiif.image.views": {"iiif.catalogue.model"}, "iiif.catalogue.service": {"iiif.image.info"}}
    with pytest.raises(CycleError):
        TopologicalSorter(graph("iiif", planted)).prepare()


def test_a_migration_reads_no_code_that_goes_on_changing() -> None:
    """It must do with an old database tomorrow what it does today."""
    lasting = {"app.runtime.db", *(name for name in KNOWN if name.startswith("app.migrations."))}
    migrations = [name for name in KNOWN if name.startswith("app.migrations.") and name != "app.migrations.env"]
    assert len(migrations) > 12
    assert {name: found for name in migrations if (found := ARROWS[name] - lasting)} == {}
