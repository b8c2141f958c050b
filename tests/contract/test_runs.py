"""Runs end to end: an image goes in, jobs run, annotations come out; also with a worker killed in the middle."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest
from sqlalchemy import event, select, text

from analytics import execution, pipelines, provenance, selections, service, settling, store, synth, tasks
from analytics.errors import BadRun, RunInState
from analytics.model import Run, Selection, StepMark, Task, Worker
from analytics.steps import ocr_engine, quality, specimen
from analytics.steps.model import SheetImage, StepContext, StepResult
from annotations import service as annotations
from annotations import withdrawal
from annotations.model import GAVE_UP, Annotation
from annotations.vectors import service as vectors
from app import compose, relay
from app.cli.ingest import ingest_paths
from app.runtime import processes
from app.runtime.context import Runtime
from app.runtime.errors import DomainError
from app.runtime.outbox import OutboxRow
from app.runtime.principal import Principal
from app.runtime.settings import Settings
from iiif.catalogue import service as catalogue
from tests import databases
from tests.drain import drain
from tests.services import wait_until

BY = Principal.of_operator()


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sheet")
    synth.draw_sheets(folder, count=1, seed=11)
    return folder


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    url = request.getfixturevalue("migrated_url") if request.param == "postgresql" else ""
    runtime = compose.build(Settings(data_dir=tmp_path / "data", database_url=url, base_url="http://lectotype.test"))
    databases.prepare(runtime)
    yield runtime
    runtime.search.close()
    runtime.database.engine.dispose()


@pytest.fixture
def specks(tmp_path: Path) -> Path:
    """Three images that are analysed in no time."""
    folder = tmp_path / "specks"
    folder.mkdir()
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 255, (60, 80, 3), np.uint8)
        PIL.Image.fromarray(pixels).save(folder / f"B-{number}.png")
    return folder


def the_run(runtime: Runtime) -> Run:
    """The newest."""
    with runtime.reads.begin() as session:
        return service.page(session, limit=1)[0]


def tasks_of(runtime: Runtime, key: str = "") -> tuple[Task, ...]:
    key = key or the_run(runtime).key
    with runtime.reads.begin() as session:
        return service.list_tasks(session, key, limit=1000)


def the_task(runtime: Runtime) -> Task:
    (task,) = tasks_of(runtime)
    return task


def what_it_said(runtime: Runtime, task: Task) -> tuple[Annotation, ...]:
    """All statements on the image that are the run's."""
    with runtime.reads.begin() as session:
        said = annotations.of_media(session, task.media_key, "machine", by=BY)
    return tuple(one for one in said if one.run_key == task.run_key)


def statements_of(runtime: Runtime, key: str) -> tuple[Annotation, ...]:
    """All that the run states now."""
    with runtime.reads.begin() as session:
        return tuple(one for one in annotations.page(session, by=BY, limit=1000) if one.run_key == key)


def assert_each_step_spoke_once(runtime: Runtime, key: str = "") -> None:
    """Every annotation of the run is one that a step's mark names, and every step of every image named its own; the counters
    of the run are those of its tasks."""
    with runtime.reads.begin() as session:
        run = service.get(session, key or the_run(runtime).key)
    tasks_ = tasks_of(runtime, run.key)
    for task in tasks_:
        named = [key for mark in task.steps.values() for key in mark.get("annotations", ())]
        assert Counter(one.key for one in what_it_said(runtime, task)) == Counter(named)
        silent = [name for name, mark in task.steps.items() if "annotations" not in mark]
        assert silent == [provenance.VECTORS], "it makes vectors, and states nothing"
        with runtime.reads.begin() as session:
            made = vectors.of(session, [task.media_key])[task.media_key]
        assert (made.model, made.values.shape) == (provenance.vector_model(), (256,))
        assert float(np.linalg.norm(made.values.astype(float))) == pytest.approx(1, abs=2e-3)
    assert {state: number for state, number in run.counts.items() if number} == Counter(task.state for task in tasks_)


def ask(runtime: Runtime, selection: Selection | None = None, **how: Any) -> Run:
    """Open a run, by default over all images, and list its images; nothing is analysed yet."""
    naan, at = runtime.settings.naan, runtime.clock()
    with runtime.db.begin() as session:
        run = service.open_run(session, selection or Selection("all"), by=BY, naan=naan, at=at, **how)
    settling.settle(runtime, run.key)
    with runtime.reads.begin() as session:
        return service.get(session, run.key)


def test_a_sheet_is_analysed_and_every_statement_names_its_run(prepared: Runtime, sheet: Path) -> None:
    ingest_paths(prepared, [sheet])
    assert the_run(prepared).state == "running"
    drain(prepared)
    run, task = the_run(prepared), the_task(prepared)
    assert (run.state, run.reason, run.done, task.state, task.reason) == ("completed", "", 1, "completed", "")
    assert_each_step_spoke_once(prepared)
    said = what_it_said(prepared, task)
    assert all(one.document["wasGeneratedBy"].endswith(f"/api/runs/{run.key}") for one in said)
    assert task.input_digest == the_media_digest(prepared, task)
    assert run.code_version == task.code_version
    assert run.fingerprint == task.fingerprint
    assert run.environment["libraries"]["numpy"]
    assert len(run.models) == 5, "two that read text, that of components, that of vectors, and what tells writing apart"
    lengths = [one for one in said if one.kind == "length" and one.unit == "mm"]
    scale = next(one for one in said if one.kind == "ruler")
    assert lengths
    assert all(scale.document["id"] in str(one.document["body"]) for one in lengths)


def the_media_digest(runtime: Runtime, task: Task) -> str:
    with runtime.reads.begin() as session:
        return catalogue.get_media(session, task.media_key).sha256


def test_the_statements_of_several_images_have_names_of_their_own(prepared: Runtime, specks: Path) -> None:
    ingest_paths(prepared, [specks])
    drain(prepared)
    with prepared.reads.begin() as session:
        said = annotations.page(session, by=BY, limit=1000)
    names = [body["id"] for one in said for body in one.document["body"] if "dwc:assertionType" in body]
    assert len(names) == len(set(names)) >= 3
    assert all(name.startswith(f"http://lectotype.test/api/runs/{the_run(prepared).key}#") for name in names)


def test_a_job_that_comes_twice_says_nothing_twice(hub: Runtime, specks: Path) -> None:
    ingest_paths(hub, [specks])
    drain(hub)
    before = [one.key for task in tasks_of(hub) for one in what_it_said(hub, task)]
    for task in tasks_of(hub):
        execution.perform(hub, task.run_key, task.media_key)
    assert [one.key for task in tasks_of(hub) for one in what_it_said(hub, task)] == before
    assert_each_step_spoke_once(hub)


def test_two_workers_on_one_task_at_once_say_everything_once(hub: Runtime, specks: Path) -> None:
    ingest_paths(hub, [specks])
    drain(hub, modules=["iiif.image.actors"], may_fail=True)
    threads = [
        threading.Thread(target=execution.perform, args=(hub, task.run_key, task.media_key))
        for task in tasks_of(hub)
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert the_run(hub).state == "completed"
    assert_each_step_spoke_once(hub)


def stumble(image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult:
    raise cv2.error("no such picture")


def test_a_step_that_stumbles_fails_alone(hub: Runtime, specks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "run", stumble)
    ingest_paths(hub, [specks])
    drain(hub)
    run = the_run(hub)
    assert (run.state, run.failed) == ("failed", 3)
    for task in tasks_of(hub):
        assert "quality: error: no such picture" in task.reason
        others = {mark["state"] for name, mark in task.steps.items() if name != "quality"}
        assert others <= {"done", "nothing found"}


def test_a_failed_task_is_taken_up_again_where_it_failed(hub: Runtime, specks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(quality, "run", stumble)
        ingest_paths(hub, [specks])
        drain(hub)
    first, before = the_run(hub), tasks_of(hub)
    assert first.state == "failed"
    plain = ask(hub)
    assert (plain.state, plain.skipped) == ("completed", 3)
    assert f"failed in run {first.key}" in tasks_of(hub, plain.key)[0].reason
    again = ask(hub, retry=True)
    drain(hub)
    with hub.reads.begin() as session:
        ended = service.get(session, first.key)
    assert (ended.state, ended.reason, ended.completed, again.skipped) == ("completed", "", 3, 3)
    for old, new in zip(before, tasks_of(hub, first.key), strict=True):
        assert {name: mark for name, mark in new.steps.items() if name != "quality"} == {
            name: mark for name, mark in old.steps.items() if name != "quality"
        }
    assert_each_step_spoke_once(hub, first.key)


def hang(image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult:
    while True:
        image.copy(40)


def test_a_step_that_gives_up_at_its_deadline_says_so_until_it_is_done_again(
    hub: Runtime, specks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pipelines.load("sheet")
    hurried = replace(whole, steps=tuple(replace(one, deadline_s=0.2) if one.name == "quality" else one for one in whole.steps))
    with monkeypatch.context() as patched:
        patched.setattr(pipelines, "load", lambda _: hurried)
        patched.setattr(quality, "run", hang)
        ingest_paths(hub, [specks])
        drain(hub)
    first = the_run(hub)
    assert (first.state, first.failed) == ("failed", 3)
    for task in tasks_of(hub):
        assert "quality: The step quality gave up: it had not ended after 0.2 s" in task.reason
        (said,) = (one for one in what_it_said(hub, task) if one.kind == "quality")
        assert "gave up" in said.text
        assert said.motivations == GAVE_UP
    assert_each_step_spoke_once(hub, first.key)
    ask(hub, retry=True)
    drain(hub)
    for task in tasks_of(hub, first.key):
        assert task.state == "completed"
        assert not [one for one in what_it_said(hub, task) if "gave up" in one.text]
    assert_each_step_spoke_once(hub, first.key)


def test_what_a_person_deleted_is_told_to_no_step_that_is_taken_up_again(
    hub: Runtime, specks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(specimen, "run", stumble)
        ingest_paths(hub, [specks])
        drain(hub)
    told: list[int] = []

    def listen(image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult:
        told.append(len(context.earlier["quality"]))
        return StepResult((), "nothing")

    doomed = [key for task in tasks_of(hub) for key in task.steps["quality"]["annotations"]]
    assert all(task.steps["quality"]["state"] == "done" for task in tasks_of(hub))
    with hub.db.begin() as session:
        for key in doomed:
            annotations.delete(session, key, by=BY, at=hub.clock())
    monkeypatch.setattr(specimen, "run", listen)
    ask(hub, retry=True)
    drain(hub)
    assert told == [0, 0, 0]


def test_an_image_that_cannot_be_prepared_fails_its_task(hub: Runtime, specks: Path) -> None:
    ingest_paths(hub, [specks])
    broken = tasks_of(hub)[0].media_key
    with hub.reads.begin() as session:
        media = catalogue.get_media(session, broken)
    master = hub.settings.blobs_dir / media.sha256[:2] / media.sha256
    master.write_bytes(master.read_bytes()[:2_000])
    drain(hub, may_fail=True)
    run = the_run(hub)
    assert (run.state, run.failed, run.completed) == ("failed", 1, 2)
    assert "could not be prepared" in next(task.reason for task in tasks_of(hub) if task.media_key == broken)


def test_a_run_that_is_to_retry_has_a_failed_image_tried_again_and_ends(hub: Runtime, specks: Path) -> None:
    ingest_paths(hub, [specks])
    first = the_run(hub).key
    broken = tasks_of(hub)[0].media_key
    with hub.reads.begin() as session:
        media = catalogue.get_media(session, broken)
    master = hub.settings.blobs_dir / media.sha256[:2] / media.sha256
    whole = master.read_bytes()
    for content, state in ((whole[:2_000], "failed"), (whole[:2_000], "failed"), (whole, "completed")):
        master.write_bytes(content)
        ask(hub, retry=True)
        drain(hub, may_fail=True)
        assert next(task.state for task in tasks_of(hub, first) if task.media_key == broken) == state
        with hub.reads.begin() as session:
            assert service.count(session, state="running") == 0, "nothing waits for ever"


@pytest.mark.parametrize("sides", [(9001, 5), (5, 9001), (32_001, 40)])
def test_an_image_that_no_step_can_hold_is_declined_with_the_reason(
    prepared: Runtime, sides: tuple[int, int], tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    PIL.Image.new("RGB", sides, "white").save(tmp_path / "in" / "B-1.png")
    ingest_paths(prepared, [tmp_path / "in"])
    drain(prepared)
    task = the_task(prepared)
    assert task.state == "failed"
    assert task.reason == f"The image has {sides[0]} × {sides[1]} pixels; one of 16 to 32,000 on each side can be analysed."
    with prepared.reads.begin() as session:
        (media,) = catalogue.list_media(session, limit=2)
    assert media.state == "ready"


def test_the_very_same_is_not_done_again_and_new_code_is(hub: Runtime, specks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two code versions over the same images: each says all of it once, side by side."""
    ingest_paths(hub, [specks])
    under_way = ask(hub)
    assert (under_way.state, under_way.skipped) == ("completed", 3)
    drain(hub)
    first = tasks_of(hub, under_way.key)
    assert all("about to do the very same" in task.reason for task in first)
    same = ask(hub)
    assert (same.state, same.skipped) == ("completed", 3)
    assert all("has done the very same" in task.reason for task in tasks_of(hub, same.key))
    monkeypatch.setattr(provenance, "code_version", lambda: "9.9+new")
    newer = ask(hub)
    assert newer.waiting == 3
    drain(hub)
    with hub.reads.begin() as session:
        newer = service.get(session, newer.key)
    assert (newer.state, newer.completed, newer.code_version) == ("completed", 3, "9.9+new")
    with hub.reads.begin() as session:
        runs = service.page(session, limit=10)
    said = [len(statements_of(hub, run.key)) for run in runs]
    assert said == [said[0], 0, 0, said[0]]
    assert_each_step_spoke_once(hub, newer.key)
    assert_each_step_spoke_once(hub, runs[-1].key)
    generators = {one.document["generator"]["name"] for task in tasks_of(hub, newer.key) for one in what_it_said(hub, task)}
    assert generators == {"Lectotype 9.9+new"}


@pytest.mark.parametrize("change", ["weights", "seed", "again"])
def test_other_weights_another_seed_or_again_run_over_what_was_done(
    prepared: Runtime, specks: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    ingest_paths(prepared, [specks])
    drain(prepared)
    if change == "weights":
        monkeypatch.setattr(provenance, "models_of", lambda _: {"det.onnx": "sha256:other"})
    run = ask(prepared, **{"weights": {}, "seed": {"seed": 7}, "again": {"again": True}}[change])
    assert run.waiting == 3
    drain(prepared)
    assert the_run(prepared).completed == 3
    assert_each_step_spoke_once(prepared)


def test_a_worker_of_other_code_is_named(prepared: Runtime, specks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest_paths(prepared, [specks])
    asked_with = the_run(prepared).code_version
    monkeypatch.setattr(provenance, "code_version", lambda: "9.9+new")
    drain(prepared)
    run = the_run(prepared)
    assert (run.code_version, run.other_code) == (asked_with, ["9.9+new"])
    assert {task.code_version for task in tasks_of(prepared)} == {"9.9+new"}
    assert ask(prepared).skipped == 3


def test_the_models_that_are_named_are_those_that_are_loaded() -> None:
    ocr_engine.read(np.zeros((40, 40, 3), np.uint8))
    engine = ocr_engine._engine()
    loaded = {Path(engine.cfg[part].session._model_path).name for part in ocr_engine.MODELS}
    assert {Path(path).name for path in provenance.models_of(["ocr"])} == loaded | {"writing.json"}
    steps = Path(ocr_engine.__file__).parent
    readers = {path.stem for path in steps.glob("*.py") if re.search(r"ocr_engine import .*\bread\b", path.read_text())}
    assert readers == {"ocr", "ruler_numbers"}, "a step that reads text names its models in analytics/provenance.py"


def test_a_cancelled_run_begins_nothing_more(hub: Runtime, specks: Path) -> None:
    ingest_paths(hub, [specks])
    drain(hub)
    run = ask(hub, again=True)
    first, *_ = tasks_of(hub, run.key)
    worker = Worker("1", "", {})
    with hub.db.begin() as session:
        tasks.begin(session, run.key, first.media_key, worker, at=hub.clock())
        assert tasks.begin_step(session, run.key, first.media_key, "quality")
    with hub.db.begin() as session:
        cancelled = service.cancel(session, run.key, by=BY, at=hub.clock())
        assert (cancelled.state, cancelled.ended_at) == ("cancelled", None)
    with hub.db.begin() as session:  # the step that was being done ends, and no other begins
        tasks.end_step(session, run.key, first.media_key, "quality", StepMark("done", "", 1.0, ("n1",)))
        assert not tasks.begin_step(session, run.key, first.media_key, "ruler")
        tasks.end(session, run.key, first.media_key, at=hub.clock())
    drain(hub)
    with hub.reads.begin() as session:
        ended = service.get(session, run.key)
    assert (ended.state, ended.cancelled, ended.waiting, ended.running) == ("cancelled", 3, 0, 0)
    assert ended.ended_at is not None
    assert {task.state for task in tasks_of(hub, run.key)} == {"cancelled"}
    assert statements_of(hub, run.key) == ()
    with pytest.raises(RunInState, match="cancelled"), hub.db.begin() as session:
        service.cancel(session, run.key, by=BY, at=hub.clock())
    assert ask(hub).skipped == 3


def test_a_retracted_run_counts_as_undone_until_it_is_restored(hub: Runtime, specks: Path) -> None:
    ingest_paths(hub, [specks])
    with pytest.raises(RunInState, match="not ended"), hub.db.begin() as session:
        service.retract(session, the_run(hub).key, "bad light", by=BY, at=hub.clock())
    drain(hub)
    run = the_run(hub)
    before = [one for task in tasks_of(hub, run.key) for one in what_it_said(hub, task)]
    with pytest.raises(BadRun, match="Say why"), hub.db.begin() as session:
        service.retract(session, run.key, " ", by=BY, at=hub.clock())
    with hub.db.begin() as session:
        assert service.retract(session, run.key, "bad light", by=BY, at=hub.clock()).under_way == "withdrawing"
    drain(hub)
    with hub.reads.begin() as session:
        retracted = service.get(session, run.key)
        assert annotations.count(session, by=BY) == 0
    assert (retracted.state, retracted.retracted_by, retracted.under_way) == ("retracted", BY.name, "")
    assert ask(hub).waiting == 3
    with hub.db.begin() as session:
        service.restore(session, run.key, by=BY, at=hub.clock())
    settling.settle(hub, run.key)
    assert [one for task in tasks_of(hub, run.key) for one in what_it_said(hub, task)] == before
    with hub.reads.begin() as session:
        restored = service.get(session, run.key)
    assert (restored.state, restored.restored_by, restored.under_way) == ("completed", BY.name, "")


def test_what_is_being_withdrawn_when_it_is_restored_stands(hub: Runtime, specks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after one batch, then restored: nothing stays withdrawn."""
    ingest_paths(hub, [specks])
    drain(hub)
    run = the_run(hub)
    with hub.reads.begin() as session:
        before = annotations.count(session, by=BY)
    with hub.db.begin() as session:
        service.retract(session, run.key, "bad light", by=BY, at=hub.clock())
    with hub.db.begin() as session:
        assert withdrawal.withdraw_batch(session, run.key, at=hub.clock(), limit=4) == 4
    with hub.db.begin() as session:
        service.restore(session, run.key, by=BY, at=hub.clock())
    drain(hub)
    with hub.reads.begin() as session:
        assert annotations.count(session, by=BY) == before


def add_many(runtime: Runtime, number: int) -> None:
    """Specimens with an image each that counts as ready."""
    at, naan = runtime.clock(), runtime.settings.naan
    with runtime.db.begin() as session:
        for index in range(number):
            draft = catalogue.SpecimenDraft(f"K {index}", {"family": "Fagaceae"}, {}, "test")
            specimen = catalogue.add_specimen(session, draft, naan=naan, at=at)
            digest = hashlib.sha256(str(index).encode()).hexdigest()
            media = catalogue.add_media(
                session, catalogue.MediaDraft(specimen.key, digest, 10, "image/jpeg", "a.jpg"), naan=naan, at=at
            )
            catalogue.media_ready(session, media.key, catalogue.Derivative(10, 10, 1, "", digest, 1), at=at)


def test_a_run_over_a_query_lists_more_images_than_one_batch_and_a_kill_in_the_middle_loses_none(
    hub: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_many(hub, 60)
    while relay.update_index(hub):
        pass
    monkeypatch.setattr(selections, "BATCH", 25)
    query = Selection("query", query="family:Fagaceae")
    with hub.db.begin() as session:
        run = service.open_run(session, query, by=BY, naan=hub.settings.naan, at=hub.clock(), process="gone")
    stream = selections.images_of(hub, query)
    with hub.db.begin() as session:  # one batch, and then its process is killed
        assert service.add_images(session, run.key, next(stream), at=hub.clock())
    assert (the_run(hub).images, the_run(hub).frozen_at) == (25, None)
    settling.settle(hub, run.key)
    listed = the_run(hub)
    assert (listed.images, listed.waiting, listed.state) == (60, 60, "running")
    assert listed.frozen_at is not None
    with hub.reads.begin() as session:
        jobs = session.scalars(select(OutboxRow.payload).where(OutboxRow.name == "analyse")).all()
    assert len({job["media_key"] for job in jobs}) == len(jobs) == 60
    settling.settle(hub, run.key)
    assert the_run(hub).images == 60


def test_a_list_that_a_killed_command_left_is_completed_by_the_workers(prepared: Runtime) -> None:
    add_many(prepared, 3)
    dead = f"{processes.name().rpartition('.')[0]}.1"
    with prepared.db.begin() as session:
        run = service.open_run(session, Selection("all"), by=BY, naan=prepared.settings.naan, at=prepared.clock(), process=dead)
        assert service.resume_selections(session, [], at=prepared.clock()) == 1
    drain(prepared, may_fail=True)
    with prepared.reads.begin() as session:
        assert service.get(session, run.key).images == 3


def test_a_query_that_cannot_be_asked_opens_nothing_and_one_that_breaks_off_says_so(prepared: Runtime) -> None:
    with pytest.raises(DomainError):
        selections.check(prepared, Selection("query", query="a" * 1001))
    with prepared.db.begin() as session:
        media = Selection("images", media=("m1nothing",))
        run = service.open_run(session, media, by=BY, naan=prepared.settings.naan, at=prepared.clock())
    with pytest.raises(DomainError):
        settling.settle(prepared, run.key)
    with prepared.reads.begin() as session:
        ended = service.get(session, run.key)
    assert (ended.state, ended.images) == ("failed", 0)
    assert "m1nothing" in ended.reason


def test_totals_of_a_run_read_no_task(prepared: Runtime) -> None:
    """Whatever the number of tasks, a run's page of the list is made from its own row."""
    add_many(prepared, 20)
    run = ask(prepared)
    asked: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    event.listen(prepared.database.engine, "before_cursor_execute", listen)
    with prepared.reads.begin() as session:
        found = service.get(session, run.key)
        assert (found.images, found.done) == (20, 0)
        service.page(session, state="running", limit=10)
        service.counts(session)
        service.tasks_of_running(session)
    event.remove(prepared.database.engine, "before_cursor_execute", listen)
    assert asked
    assert not any("run_tasks" in statement for statement in asked)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (lambda: store.page_query("x1", "failed", "m1", 10), "run_key_state_media_key"),
        (lambda: store.page_query("x1", "", "m1", 10), "run_tasks"),
    ],
)
def test_a_page_of_tasks_is_led_to_by_an_index(prepared: Runtime, query: Any, index: str) -> None:
    with prepared.reads.begin() as session:
        statement = query().compile(prepared.database.engine, compile_kwargs={"literal_binds": True})
        plan = " ".join(row[3] for row in session.execute(text(f"EXPLAIN QUERY PLAN {statement}")))
    assert "SEARCH run_tasks USING INDEX" in plan
    assert index in plan
    assert "TEMP B-TREE" not in plan


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


def test_a_worker_killed_in_the_middle_of_a_run_loses_and_doubles_nothing(hub: Runtime, sheet: Path) -> None:
    settings = hub.settings
    ingest_paths(hub, [sheet])
    with process(settings, "relay"):
        with process(settings, "worker") as worker:

            def in_the_middle() -> bool:
                states = [mark["state"] for mark in the_task(hub).steps.values()]
                return "running" in states and bool({"done", "nothing found"} & set(states))

            wait_until(in_the_middle, "a run in the middle", 120)
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        assert the_run(hub).state == "running"
        with process(settings, "worker"):
            wait_until(lambda: the_run(hub).state != "running", "the end of the run", 180)
    assert the_run(hub).state == "completed"
    assert_each_step_spoke_once(hub)
