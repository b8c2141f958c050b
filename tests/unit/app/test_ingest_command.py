"""`lectotype ingest`: what it prints, writes and leaves behind."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image
from sqlalchemy import update

from analytics import service as analytics
from app import compose
from app.cli import ingest as command
from app.cli import main
from app.resume import resume
from app.runtime import processes
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from app.runtime.settings import Settings
from iiif.catalogue import service as catalogue
from iiif.ingest import service as ingests
from iiif.ingest.tables import IngestRow


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
    printed = " ".join(result.stdout.split())
    assert "1 specimens added" in printed
    assert "1 images added" in printed


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


def test_an_ingest_has_one_run_over_the_images_that_it_brings(folder: Path, tmp_path: Path) -> None:
    runtime = prepared(tmp_path)
    ingest = command.begin(runtime, [folder])
    seen: list[tuple[int, int]] = []
    command.ingest_paths(runtime, [folder], ingest=ingest, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (2, 2)
    with runtime.reads.begin() as session:
        ended = ingests.get(session, ingest.key, by=Principal.of_operator())
        (media,) = catalogue.list_media(session, limit=10)
        ((run, task),) = analytics.of_media(session, [media.key])
    assert (ended.state, ended.done, ended.total) == ("completed", 2, 2)
    assert ended.report["specimensAdded"] == 1
    assert ended.asked_by.startswith("operator")
    assert (run.state, run.waiting, run.ingest_key, task.state) == ("running", 1, ingest.key, "waiting")
    assert run.frozen_at is not None


def test_an_ingest_that_brings_nothing_new_leaves_a_run_that_has_ended(folder: Path, tmp_path: Path) -> None:
    runtime = prepared(tmp_path)
    command.ingest_paths(runtime, [folder])
    command.ingest_paths(runtime, [folder])
    with runtime.reads.begin() as session:
        newest, first = analytics.page(session, limit=3)
    assert (newest.state, newest.images, first.images) == ("completed", 0, 1)


def test_an_ingest_that_is_broken_off_ends_as_failed(folder: Path, tmp_path: Path) -> None:
    runtime = prepared(tmp_path)
    ingest = command.begin(runtime, [folder])

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        command.ingest_paths(runtime, [folder], ingest=ingest, progress=interrupt)
    with runtime.reads.begin() as session:
        assert ingests.get(session, ingest.key, by=Principal.of_operator()).state == "failed"
        (run,) = analytics.page(session, ingest=ingest.key, limit=2)
    assert run.frozen_at is not None


def test_an_ingest_of_nothing_but_bad_files_ends_as_failed(folder: Path, tmp_path: Path) -> None:
    runtime = prepared(tmp_path)
    ingest = command.begin(runtime, [folder])
    command.ingest_paths(runtime, [folder / "[bold]N2.jpg"], ingest=ingest)
    with runtime.reads.begin() as session:
        ended = ingests.get(session, ingest.key, by=Principal.of_operator())
    assert ended.state == "failed"
    assert "not an image" in ended.reason


def test_what_a_killed_ingest_leaves_is_ended_and_its_run_closed(folder: Path, tmp_path: Path) -> None:
    runtime = prepared(tmp_path)
    ingest = command.begin(runtime, [folder])
    with runtime.db.begin() as session:
        session.execute(update(IngestRow).values(process=f"{processes.name().rpartition('.')[0]}.1"))
        resume(session)
    with runtime.reads.begin() as session:
        ended = ingests.get(session, ingest.key, by=Principal.of_operator())
        (run,) = analytics.page(session, ingest=ingest.key, limit=2)
    assert (ended.state, run.state) == ("failed", "completed")
    assert "run it again" in ended.reason
