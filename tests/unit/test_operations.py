"""What operators use: tokens and doctor on the command line, health and metrics over HTTP."""

import dataclasses
import http.client
import importlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app import compose, doctor, machine, migrate, problems
from app.cli import main
from app.machine import Unwell
from app.runtime import context, identity, outbox, processes
from app.runtime.context import Runtime
from app.runtime.settings import Settings
from app.web import health
from iiif.catalogue.jobs import DeriveImage
from tests.sheets import add_sheet

NUMBERS = {"Authorization": "Bearer numbers"}
Lectotype = Callable[..., Result]


@pytest.fixture
def lectotype(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lectotype:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LECTOTYPE_DATA_DIR", str(tmp_path / "data"))
    return lambda *words: CliRunner().invoke(main, words)


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    app = Flask("health")
    problems.install(app)
    app.register_blueprint(health.blueprint)
    return app.test_client()


def test_a_token_is_made_listed_and_revoked(lectotype: Lectotype) -> None:
    made = lectotype("token", "create", "loader", "--json")
    assert made.exit_code == 0
    assert json.loads(made.output)["token"].startswith("lt_")
    again = lectotype("token", "create", "loader")
    assert (again.exit_code, "already" in again.output) == (1, True)
    assert json.loads(lectotype("token", "revoke", "loader", "--json").output) == {"name": "loader", "revoked": True}
    (listed,) = json.loads(lectotype("token", "list", "--json").output)
    assert listed["name"] == "loader"
    assert listed["revoked"]
    assert "revoked" in lectotype("token", "list").output
    assert lectotype("token", "revoke", "nobody").exit_code == 1
    assert lectotype("token", "create").exit_code == 2


def test_doctor_finds_that_the_database_is_not_migrated(lectotype: Lectotype) -> None:
    found = {one["name"]: one for one in json.loads(lectotype("doctor", "--json").output)}
    assert not found["migrations"]["well"]
    assert "lectotype migrate" in found["migrations"]["says"]
    assert lectotype("doctor").exit_code == 1
    assert lectotype("migrate").exit_code == 0
    found = {one["name"]: one for one in json.loads(lectotype("doctor", "--json").output)}
    assert [name for name, one in found.items() if not one["well"] and name != "web assets"] == []


def test_doctor_names_services_that_are_not_there(lectotype: Lectotype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTOTYPE_BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("LECTOTYPE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("LECTOTYPE_HOST", "0.0.0.0")  # and yet ids begin with 127.0.0.1
    result = lectotype("doctor")
    assert result.exit_code == 1
    wrong = {line.split()[1] for line in result.output.splitlines() if line.startswith("WRONG")}
    assert {"base", "database", "migrations", "broker"} <= wrong


def test_doctor_says_of_a_garbled_answer_that_it_is_one() -> None:
    def check() -> str:
        raise http.client.BadStatusLine("garbled")

    assert doctor._try("CORS", check) == doctor.Diagnosis("CORS", False, "garbled")


def test_doctor_explains_libgl_and_a_second_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_libgl(name: str) -> None:
        raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.setattr(doctor, "_version", lambda name: "5" if name == "opencv-python" else "")
    monkeypatch.setattr(importlib, "import_module", no_libgl)
    with pytest.raises(Unwell, match="install opencv-python-headless instead"):
        doctor._opencv()
    monkeypatch.setattr(doctor, "_version", lambda name: "5" if "contrib" not in name else "")
    with pytest.raises(Unwell, match="2 distributions of OpenCV"):
        doctor._opencv()


def test_alive_asks_nothing_and_ready_asks_everything(runtime: Runtime, client: FlaskClient) -> None:
    assert client.get("/health/live").get_json() == {"status": "alive", "hub": identity.name(runtime.settings)}
    before = client.get("/health/ready")
    assert (before.status_code, before.get_json()["status"]) == (503, "not ready")
    assert "lectotype migrate" in before.get_json()["checks"]["migrations"]
    with runtime.db.begin() as session:
        session.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
        session.execute(text("INSERT INTO alembic_version VALUES (:newest)"), {"newest": migrate.newest()})
    for path in ("/health/ready", "/health"):
        assert client.get(path).status_code == 200
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.get_json()["status"]) == (200, "ready")
    assert ready.headers["Cache-Control"] == "no-store"


def test_metrics_count_what_waits(runtime: Runtime, client: FlaskClient) -> None:
    with runtime.db.begin() as session:
        outbox.add(session, DeriveImage("m1xxxxxxxxxxx"))
        outbox.touch(session, "specimen", "s1xxxxxxxxxxx")
        outbox.touch(session, "specimen", "s1yyyyyyyyyyy")
    answer = client.get("/metrics", headers=NUMBERS)
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    numbers: dict[str, Any] = dict(
        line.rsplit(" ", 1) for line in answer.get_data(as_text=True).splitlines() if not line.startswith("#")
    )
    assert numbers['lectotype_outbox_rows{kind="job"}'] == "1.0"
    assert numbers['lectotype_outbox_rows{kind="index"}'] == "2.0"
    assert numbers['lectotype_jobs{state="dead"}'] == "0.0"
    assert float(numbers["lectotype_outbox_age_seconds"]) >= 0
    assert float(numbers["lectotype_index_lag_seconds"]) >= 0


def test_metrics_say_so_when_the_database_is_down(runtime: Runtime, client: FlaskClient, tmp_path: Path) -> None:
    with runtime.db.begin() as session:
        session.execute(text("DROP TABLE jobs"))
    assert "lectotype_database_up 0.0" in client.get("/metrics", headers=NUMBERS).get_data(as_text=True)


def test_metrics_are_for_operators(runtime: Runtime, client: FlaskClient) -> None:
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer number"}).status_code == 401
    context.use(dataclasses.replace(runtime, settings=runtime.settings.with_(metrics_token="")))
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 403


def test_a_process_is_known_to_live_and_to_be_dead() -> None:
    me = processes.name()
    assert not processes.is_dead(me)
    program = "from app.runtime import processes; print(processes.name(), flush=True); input()"
    root = Path(compose.__file__).parents[1]
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)
    with child:
        assert child.stdout is not None
        name = child.stdout.readline().strip()
        assert not processes.is_dead(name)
        child.kill()
    assert processes.is_dead(name)
    host, pid, start = me.rsplit(".", 2)
    assert int(pid) == os.getpid()
    assert processes.is_dead(f"{host}.{pid}.{int(start) - 1}"), "another process that had the same number"
    assert not processes.is_dead(f"elsewhere.{pid}.1"), "of another machine nobody knows"


def test_a_low_limit_of_open_files_and_a_full_disk_are_said(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert "needed" in machine.open_files(settings)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
        with pytest.raises(Unwell, match="LimitNOFILE"):
            machine.open_files(settings)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "GB left" in machine.room_for_blobs(settings)
    greedy = settings.with_(picture_cache_bytes=10**18)
    with pytest.raises(Unwell, match="lower LECTOTYPE_PICTURE_CACHE_BYTES"):
        machine.room_for_pictures(greedy)
    monkeypatch.setattr(machine, "VIPS_NEEDED", ("jpegload", "djvuload"))
    with pytest.raises(Unwell, match="lacks djvuload"):
        machine.libvips()


def test_a_hub_is_known_apart_from_others_without_its_password(settings: Settings) -> None:
    one = settings.with_(database_url="postgresql://lectotype:secret@postgres/hub")
    assert identity.name(one) == identity.name(one.with_(database_url="postgresql://lectotype:other@postgres/hub"))
    assert identity.name(one) != identity.name(settings)
    assert identity.name(one) != identity.name(one.with_(base_url="http://elsewhere.test"))


def test_doctor_says_that_the_clock_was_set_back(runtime: Runtime) -> None:
    add_sheet(runtime)
    assert "NTP" not in machine.clock(runtime)
    now = runtime.clock()
    object.__setattr__(runtime, "clock", lambda: now - timedelta(hours=1))
    with pytest.raises(Unwell, match="the clock was set back"):
        machine.clock(runtime)
