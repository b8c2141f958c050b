"""Runs end to end: an image goes in, jobs run, annotations come out; also with a worker killed in the middle."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import pytest

from analytics import execution, service, synth
from analytics.model import Run
from analytics.pipelines import load
from analytics.steps import quality
from analytics.steps.model import SheetImage, StepContext, StepResult
from annotations import service as annotations
from annotations.model import Annotation
from app.cli.ingest import ingest_paths
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from app.runtime.settings import Settings
from iiif.catalogue import service as catalogue
from tests.drain import drain
from tests.services import wait_until


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sheet")
    synth.draw_sheets(folder, count=1, seed=11)
    return folder


def the_run(runtime: Runtime) -> Run:
    with runtime.reads.begin() as session:
        (run,) = service.page(session, kind="analysis", limit=10)
        return run


def what_it_said(runtime: Runtime, run: Run) -> tuple[Annotation, ...]:
    with runtime.reads.begin() as session:
        return annotations.of_media(session, run.media_key, "machine", by=Principal.of_system())


def assert_each_step_spoke_once(runtime: Runtime, run: Run) -> None:
    """Every annotation is one that a step's mark names, and every step named its own."""
    named = [key for mark in run.steps.values() for key in mark["annotations"]]
    assert Counter(one.key for one in what_it_said(runtime, run)) == Counter(named)
    assert all(mark["annotations"] for mark in run.steps.values())


def test_a_sheet_is_analysed_and_every_statement_names_its_run(prepared: Runtime, sheet: Path) -> None:
    ingest_paths(prepared, [sheet])
    assert the_run(prepared).state == "running"
    drain(prepared)
    run = the_run(prepared)
    assert (run.state, run.reason, run.done) == ("completed", "", run.total)
    assert_each_step_spoke_once(prepared, run)
    said = what_it_said(prepared, run)
    assert {one.run_key for one in said} == {run.key}
    assert all(one.document["wasGeneratedBy"].endswith(f"/api/runs/{run.key}") for one in said)
    assert run.input_digest == the_media_digest(prepared, run)
    assert run.code_version.startswith("0.")
    assert run.environment["libraries"]["numpy"]
    lengths = [one for one in said if one.kind == "length" and one.unit == "mm"]
    scale = next(one for one in said if one.kind == "ruler")
    assert lengths
    assert all(scale.document["id"] in str(one.document["body"]) for one in lengths)


def the_media_digest(runtime: Runtime, run: Run) -> str:
    with runtime.reads.begin() as session:
        return catalogue.get_media(session, run.media_key).sha256


def test_a_job_that_comes_twice_says_nothing_twice(prepared: Runtime, sheet: Path) -> None:
    ingest_paths(prepared, [sheet])
    drain(prepared)
    before = [one.key for one in what_it_said(prepared, the_run(prepared))]
    execution.perform(prepared, the_run(prepared).key)
    assert [one.key for one in what_it_said(prepared, the_run(prepared))] == before


def test_a_step_that_stumbles_fails_alone(prepared: Runtime, sheet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult:
        raise cv2.error("no such picture")

    monkeypatch.setattr(quality, "run", stumble)
    ingest_paths(prepared, [sheet])
    drain(prepared)
    run = the_run(prepared)
    assert run.state == "failed"
    assert "quality: error: no such picture" in run.reason
    assert {name: mark["state"] for name, mark in run.steps.items() if name != "quality"} == dict.fromkeys(
        [step.name for step in load("sheet").steps][1:], "done"
    )


def test_a_failed_run_is_taken_up_again_where_it_failed(prepared: Runtime, sheet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(quality, "run", stumble)
        ingest_paths(prepared, [sheet])
        drain(prepared)
    first = the_run(prepared)
    assert first.state == "failed"
    with prepared.db.begin() as session:
        media = catalogue.get_media(session, first.media_key)
        service.open_run(session, media, naan=prepared.settings.naan, at=prepared.clock(), retry=True)
    drain(prepared)
    second = the_run(prepared)
    assert (second.key, second.state, second.reason) == (first.key, "completed", "")
    assert {name: mark for name, mark in second.steps.items() if name != "quality"} == {
        name: mark for name, mark in first.steps.items() if name != "quality"
    }
    assert_each_step_spoke_once(prepared, second)


def test_an_image_that_cannot_be_prepared_fails_its_run(prepared: Runtime, sheet: Path) -> None:
    ingest_paths(prepared, [sheet])
    with prepared.reads.begin() as session:
        media = catalogue.get_media(session, the_run(prepared).media_key)
    master = prepared.blobs.path(media.sha256)
    master.write_bytes(master.read_bytes()[:20_000])
    drain(prepared, may_fail=True)
    run = the_run(prepared)
    assert run.state == "failed"
    assert "could not be prepared" in run.reason


@contextmanager
def process(settings: Settings, command: str) -> Iterator["subprocess.Popen[bytes]"]:
    """`lectotype COMMAND` with these settings, killed at the end."""
    child = subprocess.Popen(
        [sys.executable, "-m", "app.cli", command],
        env=settings.environment() | {"PATH": os.environ["PATH"]},
        cwd=Path(__file__).resolve().parents[2],
        start_new_session=True,
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def test_a_worker_killed_in_the_middle_of_a_run_loses_and_doubles_nothing(prepared: Runtime, sheet: Path) -> None:
    settings = prepared.settings
    ingest_paths(prepared, [sheet])
    with process(settings, "relay"):
        with process(settings, "worker") as worker:

            def in_the_middle() -> bool:
                states = [mark["state"] for mark in the_run(prepared).steps.values()]
                return "running" in states and bool({"done", "nothing found"} & set(states))

            wait_until(in_the_middle, "a run in the middle", 120)
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        assert the_run(prepared).state == "running"
        with process(settings, "worker"):
            wait_until(lambda: the_run(prepared).state != "running", "the end of the run", 180)
    run = the_run(prepared)
    assert run.state == "completed"
    assert_each_step_spoke_once(prepared, run)
