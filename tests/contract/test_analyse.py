"""Runs asked for and listed from the command line."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from app.cli import main
from app.runtime.context import Runtime
from tests.sheets import add_sheet


@pytest.fixture
def runtime(prepared: Runtime) -> Runtime:
    return prepared


@pytest.fixture
def lectotype(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command on the test's own data; gives exit status and parsed output."""
    for name, value in runtime.settings.environment().items():
        if name.startswith("LECTOTYPE_"):
            monkeypatch.setenv(name, value)

    def call(*words: str) -> tuple[int, Any]:
        said = CliRunner().invoke(main, [*words, "--json"])
        return said.exit_code, json.loads(said.stdout) if said.exit_code != 1 or said.stdout else said.stderr

    return call


def test_a_pipeline_runs_once_over_the_images_of_a_specimen(runtime: Runtime, lectotype: Any) -> None:
    specimen, media = add_sheet(runtime, sizes=((400, 600), (300, 200)))
    add_sheet(runtime, "BR 0002")
    status, opened = lectotype("run", "sheet", "--specimen", specimen.key)
    assert status == 0
    assert {run["canvas"].rpartition("/")[2] for run in opened} == {image.key for image in media}
    _, again = lectotype("run", "sheet", "--specimen", specimen.key)
    assert {run["key"] for run in again} == {run["key"] for run in opened}
    _, listed = lectotype("runs", "--state", "running")
    assert listed["total"] == 2


def test_one_image_or_all(runtime: Runtime, lectotype: Any) -> None:
    _, (image,) = add_sheet(runtime)
    add_sheet(runtime, "BR 0002")
    assert len(lectotype("run", "sheet", "--media", image.key)[1]) == 1
    assert len(lectotype("run", "sheet")[1]) == 2


@pytest.mark.parametrize(
    "words", [("run", "nothing"), ("run", "sheet", "--media", "m1nothing"), ("run", "sheet", "--specimen", "s1")]
)
def test_what_is_not_there_ends_with_1(runtime: Runtime, lectotype: Any, words: tuple[str, ...]) -> None:
    status, said = lectotype(*words)
    assert status == 1
    assert "There is no" in said
