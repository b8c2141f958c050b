"""README and docs/ say what is so: links, commands, targets, routes, codes, settings, files and names in them exist."""

import ast
import importlib
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from app.cli import COMMANDS, main
from app.runtime.context import Runtime
from app.runtime.settings import Settings
from app.web import create_app
from iiif.ingest.reasons import CODES

ROOT = Path(__file__).resolve().parents[2]
PAGES = tuple(sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]))
SETTINGS_OF_TESTS = {"LECTOTYPE_TEST_REQUIRE_SERVICES"}


def in_each(pattern: str) -> list[tuple[str, str]]:
    """(page, match) of a pattern over all pages."""
    compiled = re.compile(pattern, re.MULTILINE)
    return [(page.relative_to(ROOT).as_posix(), match[1]) for page in PAGES for match in compiled.finditer(page.read_text())]


def code_of(page: Path) -> Iterator[str]:
    """Every line of fenced code and every span of inline code."""
    text = page.read_text()
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def slug(heading: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def calls(code: str) -> Iterator[list[str]]:
    """The words of each call of `lectotype` in a line of code, up to the next pipe, redirection or comment."""
    for match in re.finditer(r"(?:^|[\s$(])lectotype (?=[a-z])([^`]*)", code):
        words = shlex.split(match[1], comments=True)
        end = next((number for number, word in enumerate(words) if word in ("&&", "|", ">", ";", "--")), len(words))
        yield words[:end]


def commands_in_pages() -> list[tuple[str, list[str]]]:
    return [(page.name, call) for page in PAGES for code in code_of(page) for call in calls(code)]


def test_each_decision_has_a_number_of_its_own_and_is_in_the_list() -> None:
    pages = sorted(ROOT.joinpath("docs/adr").glob("*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert numbers == list(range(1, len(pages) + 1))
    assert [re.match(r"# (\d+)\. ", page.read_text())[1] for page in pages] == list(map(str, numbers))  # type: ignore[index]
    listed = ROOT.joinpath("docs/README.md").read_text()
    assert [page.name for page in pages if f"(adr/{page.name})" not in listed] == []
    said = [(page, text, link) for page, text, link in _decisions_named() if int(text) != int(link)]
    assert said == []


def _decisions_named() -> list[tuple[str, str, str]]:
    """(page, number that it says, number that its link has) of each link to a decision that says its number."""
    named = re.compile(r"\[ADR (\d+)\]\((?:\.\./)*(?:docs/)?(?:adr/)?(\d{4})-")
    return [(page.name, match[1], match[2]) for page in PAGES for match in named.finditer(page.read_text())]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in {slug(heading) for heading in re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)}, link


def test_commands_and_their_options_exist() -> None:
    found = commands_in_pages()
    assert len(found) > 20
    for page, words in found:
        command: click.Command | None = main
        given = list(words)
        while isinstance(command, click.Group) and given and not given[0].startswith(("-", "…")):
            context = click.Context(command)
            command = command.get_command(context, given.pop(0))
        assert command is not None, (page, words)
        options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
        for word in given:
            if word.startswith("-"):
                assert word.partition("=")[0] in options, (page, words)


def test_every_command_is_in_the_table() -> None:
    assert set(re.findall(r"^\| `lectotype ([a-z-]+)` \|", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)) == set(
        COMMANDS
    )


def test_targets_exist_and_all_are_named() -> None:
    targets = set(re.findall(r"^([a-z0-9]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {"help"}
    named = in_each(r"\bmake ([a-z0-9]+)(?=[ `\n]*(?:`|[A-Z]+=|$))")
    assert {target for _, target in named} <= targets
    assert {target for page, target in in_each(r"^\| `make ([a-z0-9]+)`") if page == "docs/contributing.md"} == targets


def test_routes_are_those_of_the_application(runtime: Runtime) -> None:
    def shape(path: str) -> str:
        return re.sub(r"<[^<>]*>|\{[^{}]*\}", "{}", path)

    said = re.findall(r"^\| `([A-Z]+) (/[^`]*)` \|", (ROOT / "docs/http.md").read_text(), re.MULTILINE)
    documented = [(method, shape(path)) for method, path in said]
    served = {
        (method, shape(rule.rule))
        for rule in create_app(runtime).url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert len(documented) == len(set(documented))
    assert set(documented) == served


def test_reasons_of_an_ingest_are_those_of_the_code() -> None:
    table = (ROOT / "docs/ingest.md").read_text().partition("## Reasons")[2]
    assert dict(re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", table, re.MULTILINE)) == CODES


def test_settings_exist() -> None:
    known = {f"LECTOTYPE_{name.upper()}" for name in Settings.model_fields} | SETTINGS_OF_TESTS
    assert {name for _, name in in_each(r"\b(LECTOTYPE_[A-Z_]*[A-Z])\b")} <= known


def test_files_exist() -> None:
    suffixes = r"(?:py|yaml|yml|toml|jsonld|env|conf)"
    for page, path in in_each(rf"`((?:app|analytics|annotations|iiif|ontology|tests|docker)/[\w./-]+\.{suffixes})`"):
        assert (ROOT / path).is_file(), (page, path)


@cache
def names_of(path: Path) -> frozenset[str]:
    """Functions, classes and constants of a module, and `Class.method`."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
        if isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return frozenset(found)


def test_names_in_files_exist() -> None:
    pairs = re.findall(r"`([\w/]+\.py)` `([\w.]+)`", (ROOT / "README.md").read_text())
    pairs += [
        (path, name) for name, path in re.findall(r"`([A-Z_]+)` of `([\w/]+\.py)`", (ROOT / "docs/analysis.md").read_text())
    ]
    assert len(pairs) > 12
    for path, name in pairs:
        assert name in names_of(ROOT / path), (path, name)


def test_import_contracts_are_listed() -> None:
    contracts = re.findall(
        r'^\[\[tool\.importlinter\.contracts\]\]\nname = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE
    )
    listed = (ROOT / "docs/contributing.md").read_text()
    assert contracts
    assert all(f"- {name}\n" in listed for name in contracts)


def test_steps_of_the_pipeline_are_described() -> None:
    pipelines = importlib.import_module("analytics.pipelines")
    table = re.search(r"^\| step \|.*?\n\n", (ROOT / "docs/analysis.md").read_text(), re.MULTILINE | re.DOTALL)
    assert table
    described = re.findall(r"^\| `(\w+)` \|", table[0], re.MULTILINE)
    assert described == [step.name for step in pipelines.load("sheet").steps]


def test_every_dependency_is_accounted_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = {
        re.split(r"[=<>\[ ]", name)[0] for name in [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    }
    rows = re.findall(r"^\| ([a-z][^|]*) \|", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE)
    explained = {re.split(r"[=<>\[ ]", name.strip())[0] for row in rows for name in row.split(",")} - {"package", ""}
    assert explained == declared
