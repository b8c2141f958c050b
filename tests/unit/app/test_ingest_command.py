"""`lectotype ingest`: what it prints, writes and leaves behind."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from analytics import service as analytics
from app import compose
from app.cli import ingest as command
from app.cli import main
from app.runtime.context import Runtime
from app.runtime.settings import Settings
from iiif.catalogue import service as catalogue


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good image, and a text that pretends to be one."""
    path = tmp_path / "images"
    path.mkdir()
    Image.effect_noise((60, 40), 30).save(path / "N1.jpg")
    (path / "[bold]N2.jpg").write_text("no image")
    return path


@pytest.fixture
def runner(tmp_path: Path) -> CliRunner:
    return CliRunner(env={"LECTOTYPE_DATA_DIR": str(tmp_path / "data")})


def test_the_report_is_printed_as_a_table(runner: CliRunner, folder: Path) -> None:
    result = runner.invoke(main, ["ingest", str(folder)])
    assert result.exit_code == 0, result.output
    assert "not-an-image" in result.stdout
    assert "1 specimens and 1 images added" in " ".join(result.stdout.split())


def test_the_report_is_json_for_scripts_and_written_to_a_file(runner: CliRunner, folder: Path, tmp_path: Path) -> None:
    result = runner.invoke(main, ["ingest", str(folder), "--json", "--report", str(tmp_path / "report.json")])
    report = json.loads(result.stdout)
    assert report == json.loads((tmp_path / "report.json").read_text())
    assert (report["specimensAdded"], report["rejectedTotal"], report["rejected"][0]["code"]) == (1, 1, "not-an-image")
    again = runner.invoke(main, ["ingest", str(folder), "--json"])
    assert (json.loads(again.stdout)["specimensAdded"], json.loads(again.stdout)["alreadyHere"]) == (0, 1)


def test_where_nothing_comes_in_it_has_failed(runner: CliRunner, tmp_path: Path) -> None:
    assert runner.invoke(main, ["ingest", str(tmp_path / "nowhere")]).exit_code == 1
    assert runner.invoke(main, ["ingest"]).exit_code == 2


def prepared(tmp_path: Path) -> Runtime:
    runtime = compose.build(Settings(data_dir=tmp_path / "data"))
    compose.prepare(runtime)
    return runtime


def test_each_image_opens_its_analysis_and_the_ingest_is_a_run(folder: Path, tmp_path: Path) -> None:
    runtime = prepared(tmp_path)
    run = command.open_run(runtime, [folder])
    seen: list[tuple[int, int]] = []
    command.ingest_paths(runtime, [folder], run=run, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (2, 2)
    with runtime.reads.begin() as session:
        ended = analytics.get(session, run.key)
        (media,) = catalogue.list_media(session, limit=10)
        runs = analytics.of_media(session, [media.key])
    assert (ended.kind, ended.state, ended.done, ended.total) == ("ingest", "completed", 2, 2)
    assert ended.report["specimensAdded"] == 1
    assert [(one.media_key, one.state) for one in runs] == [(media.key, "running")]


def test_an_ingest_that_is_broken_off_ends_as_failed(folder: Path, tmp_path: Path) -> None:
    runtime = prepared(tmp_path)
    run = command.open_run(runtime, [folder])

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        command.ingest_paths(runtime, [folder], run=run, progress=interrupt)
    with runtime.reads.begin() as session:
        assert analytics.get(session, run.key).state == "failed"


def test_an_ingest_of_nothing_but_bad_files_ends_as_failed(folder: Path, tmp_path: Path) -> None:
    runtime = prepared(tmp_path)
    run = command.open_run(runtime, [folder])
    command.ingest_paths(runtime, [folder / "[bold]N2.jpg"], run=run)
    with runtime.reads.begin() as session:
        ended = analytics.get(session, run.key)
    assert ended.state == "failed"
    assert "no image" in ended.reason
