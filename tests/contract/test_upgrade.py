"""A data folder of release 70fa686 comes up on the present code: nothing that it answered is lost, whatever interrupts it."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analytics import service as analytics
from annotations.search import consistency
from app import compose
from app.fsck import Check
from app.index_keeper import IndexKeeper
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from app.runtime.search.port import Standing
from app.runtime.settings import Settings
from app.web import create_app
from iiif.catalogue import service as catalogue
from tests import live
from tests.drain import drain
from tests.live import ROOT, Live
from tests.upgrade import release as releases
from tests.upgrade.exceptions import EXCEPTIONS, is_meant, may_be_closed
from tests.upgrade.recording import Hub, differences
from tests.upgrade.release import Release


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Empty for SQLite in the data folder."""
    return request.getfixturevalue("postgresql_url") if request.param == "postgresql" else ""


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return releases.unpack(tmp_path)


@pytest.fixture
def closed(release: Release) -> list[str]:
    """Keys of closed images and of their specimens."""
    return release.closed_keys()


@pytest.fixture
def upgraded(release: Release, closed: list[str], database_url: str) -> Iterator[Live]:
    """The present code's own server on the release's data."""
    if database_url:
        releases.load(release.database, database_url)
        release.database.unlink()
    with live.web(
        release.folder, database_url=database_url, migrate_without_backup=bool(database_url), **release.settings
    ) as hub:
        with hub.runtime.reads.begin() as session:  # `lectotype reindex`, for the index has another schema now
            consistency.rebuild(session, hub.runtime.search, hub.runtime.addresses, lambda _: None)
        yield hub


def test_every_address_version_etag_and_picture_is_as_before_and_waiting_work_is_done(
    release: Release, closed: list[str], upgraded: Live
) -> None:
    hub = Hub(upgraded.runtime.settings.port, release.settings["base_url"], release.token)
    moved = upgraded.runtime.database.engine.dialect.name == "postgresql"  # it was recorded on SQLite

    def is_expected(path: str, place: str, before: Any, now: Any) -> bool:
        """jsonb has an order of members of its own, and the ETag of a past version is the digest of its text."""
        return is_meant(path, place, before, now) or (moved and place == "ETag" and "/versions/" in path)

    changed = []
    for old in release.exchanges:
        lines = differences(old, hub.ask(old["path"], token=old["token"]), is_expected)
        if lines and not old["token"] and may_be_closed(old, closed):
            lines = differences(old, hub.ask(old["path"], token=True), is_expected)
        changed += lines
    assert changed == [], "\n".join(changed)
    drain(upgraded.runtime)
    with upgraded.runtime.reads.begin() as session:
        assert analytics.count(session, state="running") == 0
        assert set(catalogue.count_media(session)) == {"ready", "failed"}
        assert list(consistency.differences(session, upgraded.runtime.search)) == []
    check = Check(upgraded.runtime)
    assert list(check.wrong_targets()) == []
    assert check.account.annotations > check.account.unread == 0


@pytest.fixture
def fresh(release: Release) -> Iterator[Runtime]:
    """The present code on the release's data as it comes, with the index as that release left it."""
    runtime = compose.build(Settings(**{"data_dir": release.folder / "data", **release.settings}))
    compose.prepare(runtime)
    yield runtime
    runtime.search.close()
    runtime.database.engine.dispose()


def test_the_index_of_the_release_answers_until_it_is_made_anew(release: Release, closed: list[str], fresh: Runtime) -> None:
    """Where nothing is closed; what it does not know is refused by name. Where something is, it would tell of it."""
    client = create_app(fresh).test_client()
    searches = [one for one in release.exchanges if one["path"].startswith("/api/search") and not one["token"]]
    assert fresh.search.standing() == Standing("other", rebuilding=False)
    for one in searches:
        refused = client.get(one["path"])
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert "does not know what is closed" in refused.json["detail"]
    assert "does not know what is closed" in client.get("/").text

    with fresh.db.begin() as session:
        for key in filter(lambda key: key.startswith("m1"), closed):
            catalogue.set_access(session, key, "open", by=Principal.of_system(), at=fresh.clock())
    assert len(searches) >= 5
    for one in searches:
        answer = client.get(one["path"])
        assert answer.status_code == 200, one["path"]
        assert [item["id"] for item in answer.json["items"]] == [item["id"] for item in one["json"]["items"]]
        assert answer.json["total"] == one["json"]["total"]
        assert answer.json["facets"] == one["json"]["facets"]
    inside = [one for one in release.exchanges if re.fullmatch(r"/search/2/\w+\?q=label", one["path"])]
    before = [len(one["json"]["items"]) for one in inside]
    assert [len(client.get(one["path"]).json["items"]) for one in inside] == before
    assert any(before)
    assert client.get("/api/search/terms?q=quer").json["items"]
    assert client.get("/").text.count("<article") == 12
    for question, field in (("q=eventDate:1850..1900", "eventDate"), ("bbox=0,0,9,60", "coordinates")):
        refused = client.get(f"/api/search?{question}")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert f"without the field {field}." in refused.json["detail"]

    IndexKeeper(fresh).look()
    assert fresh.search.standing() == Standing("current", rebuilding=False)
    for one in searches:
        assert client.get(one["path"]).json["total"] == one["json"]["total"]
    assert client.get("/api/search?q=eventDate:1850..1900").status_code == 200


def test_a_recording_notices_what_is_lost(release: Release) -> None:
    """The comparison itself: each kind of loss is told, and what is added is not."""
    old = next(one for one in release.exchanges if one["path"].startswith("/annotations/crepins-label") and "json" in one)
    assert differences(old, {**old, "json": {**old["json"], "added": 1}}) == []
    lost = {name: value for name, value in old["json"].items() if name != "body"}
    for new in (
        {**old, "status": 404},
        {**old, "headers": {**old["headers"], "ETag": '"other"'}},
        {**old, "json": lost},
        {**old, "json": {**old["json"], "target": "elsewhere"}},
    ):
        assert len(differences(old, new)) == 1
    picture = next(one for one in release.exchanges if "picture" in one)
    shifted = {**picture["picture"], "sha256": "", "grid": [value ^ 16 for value in picture["picture"]["grid"]]}
    assert differences(picture, {**picture, "picture": shifted}) != []


def test_a_link_may_come_but_none_may_go_or_change() -> None:
    up, page, added = '<https://a.example/>; rel="up"', '<http://www.w3.org/ns/ldp#Page>; rel="type"', '<b>; rel="timemap"'
    before, other = f"{up}, {page}", f'<https://a.example/>; rel="down", {page}'
    assert is_meant("/annotations/a", "Link", before, f"{page}, {added}, {up}")
    for now in (None, "", up, f"{up}, {added}", f"{other}, {added}"):
        assert not is_meant("/annotations/a", "Link", before, now)


def test_every_exception_is_one_that_the_recording_needs(release: Release) -> None:
    unused = [pattern for pattern, _, _ in EXCEPTIONS if not any(re.fullmatch(pattern, one["path"]) for one in release.exchanges)]
    assert unused == []


@pytest.mark.parametrize("begins", ["with the release", "empty"])
def test_killed_anywhere_it_goes_on_on_sqlite(release: Release, tmp_path: Path, begins: str) -> None:
    assert_it_goes_on("sqlite", str(release.database if begins == "with the release" else tmp_path / "nothing"), str(tmp_path))


@pytest.mark.parametrize("begins", ["with the release", "empty"])
def test_killed_anywhere_it_goes_on_on_postgresql(release: Release, postgresql_url: str, begins: str) -> None:
    if begins == "with the release":
        releases.load(release.database, postgresql_url)
    assert_it_goes_on("postgresql", *postgresql_url.rsplit("/", 1))


def assert_it_goes_on(*arguments: str) -> None:
    command = [sys.executable, "-m", "tests.upgrade.interrupted", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["statements"] >= 1
    assert all(outcome["killed"].values()), outcome
    assert outcome["at_once"], done.stderr
