"""`lectotype derive` and `lectotype fsck`, with files that were lost, damaged or forgotten."""

import dataclasses
import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, update

from annotations import service
from annotations.tables import AnnotationTargetRow
from app import schema
from app.cli import main
from app.runtime.blobs import Blobs
from app.runtime.context import Runtime
from app.runtime.outbox import OutboxRow
from app.runtime.principal import Principal
from app.runtime.settings import Settings
from app.web import create_app
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.catalogue.tables import MediaRow
from iiif.image.actors import derive_image
from iiif.image.errors import RejectedImage
from iiif.image.masters import derivatives
from iiif.image.masters.decoder_protocol import DecodeLimits
from iiif.image.pyramid import format as pyramid_format
from tests import live
from tests.drain import drain
from tests.sheets import comment
from tests.unit.iiif.image.pictures import derived, drawn, enter, file_of

Lectotype = Callable[..., Result]


@pytest.fixture
def runtime(prepared: Runtime) -> Runtime:
    return prepared


@pytest.fixture
def lectotype(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lectotype:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LECTOTYPE_DATA_DIR", str(settings.data_dir))
    return lambda *words: CliRunner().invoke(main, words)


def sheet(runtime: Runtime, number: int) -> Media:
    return derived(runtime, file_of(drawn(120 + number, 90)))


def now(runtime: Runtime, media: Media) -> Media:
    with runtime.reads.begin() as session:
        return catalogue.get_media(session, media.key)


def make_older(runtime: Runtime, media: Media) -> None:
    """As an earlier version of the program left it: another file, another number."""
    sha256, _ = runtime.blobs.put(BytesIO(b"a derivative of an older recipe" + media.key.encode()))
    with runtime.db.begin() as session:
        values = {"derivative_version": pyramid_format.VERSION - 1, "pyramid_sha256": sha256}
        session.execute(update(MediaRow).where(MediaRow.key == media.key).values(values))


def flip(path: Path, at: int) -> None:
    """One bit turns over."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def queued(runtime: Runtime) -> list[str]:
    with runtime.reads.begin() as session:
        rows = session.scalars(select(OutboxRow.payload).where(OutboxRow.name == "derive_image"))
        return [row["media_key"] for row in rows]


def emptied(runtime: Runtime) -> None:
    with runtime.db.begin() as session:
        session.query(OutboxRow).delete()


def test_all_makes_what_is_missing_damaged_or_older_and_nothing_else(runtime: Runtime, lectotype: Lectotype) -> None:
    whole, older, lost, torn = (sheet(runtime, number) for number in range(4))
    make_older(runtime, older)
    runtime.blobs.delete(lost.pyramid_sha256)
    path = runtime.blobs.path(torn.pyramid_sha256)
    path.write_bytes(path.read_bytes()[:-100])
    made_at = runtime.blobs.path(whole.pyramid_sha256).stat().st_ino
    only_missing = lectotype("derive", "--missing", "--json")
    assert json.loads(only_missing.output) == {"made": 2, "left": 0, "queued": 0, "refused": []}
    rest = lectotype("derive", "--all", "--json")
    assert (rest.exit_code, json.loads(rest.output)["made"]) == (0, 1)
    assert json.loads(lectotype("derive", "--all", "--json").output)["made"] == 0, "nothing is left to do"
    assert runtime.blobs.path(whole.pyramid_sha256).stat().st_ino == made_at
    for media in (whole, older, lost, torn):
        again = now(runtime, media)
        assert (again.state, again.width_px, again.pyramid_sha256) == ("ready", media.width_px, media.pyramid_sha256)
        assert pyramid_format.Pyramid(runtime.blobs.path(again.pyramid_sha256)).width_px == media.width_px


def test_making_anew_tells_nobody_that_the_image_is_new(runtime: Runtime, lectotype: Lectotype) -> None:
    media = sheet(runtime, 0)
    make_older(runtime, media)
    emptied(runtime)
    assert lectotype("derive", media.key).exit_code == 0
    with runtime.reads.begin() as session:
        assert session.scalars(select(OutboxRow.name)).all() == []


def test_what_cannot_be_made_is_told_and_loses_no_image(runtime: Runtime, lectotype: Lectotype) -> None:
    bad, good = sheet(runtime, 0), sheet(runtime, 1)
    for media in (bad, good):
        make_older(runtime, media)
    runtime.blobs.delete(bad.sha256)
    result = lectotype("derive", "--all", "--json")
    assert result.exit_code == 1
    said = json.loads(result.output)
    assert (said["made"], [one["media"] for one in said["refused"]]) == (1, [bad.key])
    assert said["refused"][0]["code"] == "missing-file"
    assert now(runtime, bad).state == "ready"
    assert f"{bad.key}: missing-file" in lectotype("derive", bad.key, "--force").stderr


def test_a_folder_of_files_that_is_away_for_a_while_costs_no_image(runtime: Runtime, lectotype: Lectotype) -> None:
    media, away = sheet(runtime, 0), runtime.blobs.root.with_name("away")
    pending = enter(runtime, file_of(drawn(77, 66)))
    runtime.blobs.root.rename(away)
    runtime.blobs.root.mkdir()  # as the place of a disk that is not mounted
    for words in (("derive", "--all"), ("derive", pending.key), ("fsck", "--repair"), ("fsck", "--collect")):
        said = lectotype(*words)
        assert (said.exit_code, "its disk is not mounted" in said.stderr) == (1, True), words
    assert runtime.blobs.root.rmdir() is None, "and nothing was laid there"
    away.rename(runtime.blobs.root)
    assert [now(runtime, one) for one in (media, pending)] == [media, pending]
    assert lectotype("derive", "--all").exit_code == 0
    assert now(runtime, pending).state == "ready"


def test_a_hub_whose_disk_is_away_says_so_and_serves_the_rest(runtime: Runtime, lectotype: Lectotype) -> None:
    media, away = sheet(runtime, 0), runtime.blobs.root.with_name("away")
    client, picture = create_app(runtime).test_client(), f"/iiif/3/{media.key}/full/60,/0/default.jpg"
    live.indexed(runtime)
    assert client.get("/health/ready").status_code == 200
    runtime.blobs.root.rename(away)
    runtime.blobs.root.mkdir()  # as the place of a disk that is not mounted
    ready, shown = client.get("/health/ready"), client.get(picture)
    assert (ready.status_code, shown.status_code) == (503, 503)
    assert "its disk is not mounted" in ready.json["checks"]["blobs"]
    assert "its disk is not mounted" in shown.json["detail"]
    assert int(shown.headers["Retry-After"]) > 0
    assert client.get(f"/iiif/presentation/3/{media.specimen_key}/manifest.json").status_code == 200
    told = lectotype("doctor")
    assert told.exit_code == 1
    assert "its disk is not mounted" in told.output
    runtime.blobs.root.rmdir()
    away.rename(runtime.blobs.root)
    assert (client.get("/health/ready").status_code, client.get(picture).status_code) == (200, 200)


def test_an_image_keeps_a_whole_derivative_when_it_cannot_be_made_anew(runtime: Runtime, lectotype: Lectotype) -> None:
    media = sheet(runtime, 0)
    runtime.blobs.delete(media.sha256)
    assert lectotype("derive", media.key, "--force").exit_code == 1
    assert now(runtime, media) == media


def test_the_work_is_left_to_workers_who_do_it_and_once(runtime: Runtime, lectotype: Lectotype) -> None:
    media, _ = sheet(runtime, 0), sheet(runtime, 1)
    make_older(runtime, media)
    emptied(runtime)
    for _ in range(2):
        assert json.loads(lectotype("derive", "--all", "--enqueue", "--json").output)["queued"] == 1
    assert queued(runtime) == [media.key]
    derive_image.fn(media.key)
    assert now(runtime, media).derivative_version == pyramid_format.VERSION


def test_wrong_use_is_said(lectotype: Lectotype, runtime: Runtime) -> None:
    assert lectotype("derive").exit_code == 2
    assert lectotype("derive", "--all", "--missing").exit_code == 2
    assert lectotype("derive", "--all", "--force", "--enqueue").exit_code == 2
    unknown = lectotype("derive", "nobody")
    assert (unknown.exit_code, "nobody" in unknown.output) == (1, True)


def faults(result: Result) -> tuple[dict[str, str], dict[str, int]]:
    *found, account = map(json.loads, result.output.splitlines())
    return {one["media"]: one["fault"] for one in found}, account


def test_every_fault_is_found_and_named(runtime: Runtime, lectotype: Lectotype) -> None:
    media = [sheet(runtime, number) for number in range(6)]
    assert lectotype("fsck", "--deep").exit_code == 0
    path = runtime.blobs.path
    path(media[0].sha256).unlink()
    path(media[1].sha256).write_bytes(path(media[1].sha256).read_bytes()[:-1])
    flip(path(media[2].sha256), 500)
    path(media[3].pyramid_sha256).unlink()
    path(media[4].pyramid_sha256).write_bytes(path(media[4].pyramid_sha256).read_bytes()[:-40])
    flip(path(media[5].pyramid_sha256), 500)
    plain = {0: "lost original", 1: "damaged original", 3: "lost derivative", 4: "damaged derivative"}
    deep = plain | {2: "damaged original", 5: "damaged derivative"}
    for options, expected in (((), plain), (("--deep",), deep)):
        result = lectotype("fsck", "--json", *options)
        found, account = faults(result)
        assert result.exit_code == 1
        assert found == {media[number].key: fault for number, fault in expected.items()}
        assert account["images"] == 6
    text = lectotype("fsck").output
    assert f"lost original: {media[0].key} {media[0].sha256}" in text
    assert "6 images, 4 faults." in text


def test_images_that_were_refused_are_listed_and_are_no_fault(runtime: Runtime, lectotype: Lectotype) -> None:
    refused = derived(runtime, file_of(drawn(200, 150))[:3000])
    result = lectotype("fsck")
    assert result.exit_code == 0
    assert f"{refused.key}: {refused.state_reason}" in result.output


def test_repair_has_derivatives_made_again_and_touches_no_original(runtime: Runtime, lectotype: Lectotype) -> None:
    lost, flipped, hopeless = (sheet(runtime, number) for number in range(3))
    emptied(runtime)
    runtime.blobs.delete(lost.pyramid_sha256)
    flip(runtime.blobs.path(flipped.pyramid_sha256), 500)
    flip(runtime.blobs.path(hopeless.pyramid_sha256), 500)
    flip(runtime.blobs.path(hopeless.sha256), 500)
    assert lectotype("fsck", "--deep", "--repair").exit_code == 1
    assert sorted(queued(runtime)) == sorted([lost.key, flipped.key])
    assert runtime.blobs.has(flipped.pyramid_sha256), "it is served until there is a better one"
    for options in ((), ("--deep",)):
        again = lectotype("fsck", "--json", *options)
        waiting = {one["media"] for one in map(json.loads, again.output.splitlines()[:-1]) if one["repair"]}
        assert (again.exit_code, waiting) == (1, {lost.key, flipped.key}), "it is said until it is done"
    assert f"damaged derivative: {flipped.key} {flipped.pyramid_sha256}, is to be made again" in lectotype("fsck").output
    assert runtime.blobs.has(hopeless.sha256)
    assert runtime.blobs.has(hopeless.pyramid_sha256), "of a damaged original nothing better could be made"
    for key in queued(runtime):
        derive_image.fn(key)
    found, _ = faults(lectotype("fsck", "--deep", "--json"))
    assert found.keys() == {hopeless.key}


def test_only_what_nobody_names_and_nobody_may_be_about_to_name_is_removed(runtime: Runtime, lectotype: Lectotype) -> None:
    ready, older, refused = sheet(runtime, 0), sheet(runtime, 1), derived(runtime, file_of(drawn(200, 150))[:3000])
    pending = enter(runtime, file_of(drawn(77, 66)))
    before = older.pyramid_sha256
    make_older(runtime, older)
    orphan, size = runtime.blobs.put(BytesIO(b"nobody names me"))
    bystander = runtime.blobs.root / orphan[:2] / "notes.txt"
    bystander.touch()
    incoming = runtime.blobs.root / "incoming" / "half"
    incoming.touch()
    assert refused.state == "failed"

    _, account = faults(lectotype("fsck", "--collect", "--json"))
    assert (account["orphans"], account["fresh"]) == (0, 2)
    assert runtime.blobs.has(orphan)

    _, account = faults(lectotype("fsck", "--older-than", "0", "--json"))
    assert (account["orphans"], account["collected"]) == (2, False)
    assert runtime.blobs.has(orphan)

    expected = size + runtime.blobs.path(before).stat().st_size
    result = lectotype("fsck", "--collect", "--older-than", "0")
    assert result.exit_code == 0
    assert f"2 files of {expected} bytes that nothing names removed." in result.output
    assert str(bystander) in result.output
    assert not runtime.blobs.has(orphan)
    assert not runtime.blobs.has(before)
    assert not incoming.exists()
    assert bystander.exists()
    kept = [ready.sha256, ready.pyramid_sha256, older.sha256, now(runtime, older).pyramid_sha256, refused.sha256, pending.sha256]
    assert all(map(runtime.blobs.has, kept))


def test_every_column_that_names_a_blob_is_known_to_fsck() -> None:
    """Digests of other things than blobs stand here by name; whoever adds a column has to say which it is."""
    columns = {
        f"{table.name}.{column.name}"
        for table in schema.METADATA.tables.values()
        for column in table.columns
        if any(word in column.name for word in ("sha256", "blob", "digest"))
    }
    others = {"tokens.digest", "run_tasks.input_digest", "account_links.digest", "login_attempts.login_digest", "sessions.digest"}
    others |= {
        "dataset_annotations.sha256",
        "harvested_annotations.digest",
        "harvested_manifests.digest",
        "imported_statements.digest",
    }
    others |= {"notices.digest"}
    of_exchange = {"dataset_images.sha256", "dataset_files.sha256", "imports.file_sha256"}
    of_masks = {"masks.sha256", "mask_uses.sha256", "mask_senders.sha256"}
    assert columns - others == {"media.sha256", "media.pyramid_sha256"} | of_masks | of_exchange


def hinder(monkeypatch: pytest.MonkeyPatch, code: str, times: int = 10**6) -> list[str]:
    """The next decodings are refused with that code; gives the list that every one is noted in."""
    made, tried = derivatives.make_derivative, list[str]()

    def hindered(blobs: Blobs, sha256: str, limits: DecodeLimits) -> object:
        tried.append(sha256)
        if len(tried) <= times:
            raise RejectedImage(code, "Decoding was hindered.")
        return made(blobs, sha256, limits)

    monkeypatch.setattr(derivatives, "make_derivative", hindered)
    return tried


@pytest.mark.parametrize("code", ["too-long", "too-much-memory", "decoder-died"])
def test_a_new_image_that_the_machine_hinders_is_tried_three_times(
    runtime: Runtime, lectotype: Lectotype, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    quick, slow = enter(runtime, file_of(drawn(77, 66))), enter(runtime, file_of(drawn(78, 66)))
    with monkeypatch.context() as busy:
        tried = hinder(busy, code, times=5)
        drain(runtime)
    assert sorted(tried) == sorted([quick.sha256, slow.sha256] * 3)
    states = {now(runtime, media).state for media in (quick, slow)}
    assert states == {"ready", "failed"}, "one succeeded at the third try"
    (failed,) = (media for media in (quick, slow) if now(runtime, media).state == "failed")
    assert f"{failed.key}: Decoding was hindered." in lectotype("fsck").output
    assert json.loads(lectotype("derive", "--all", "--json").output)["made"] == 0, "what failed is left"
    assert json.loads(lectotype("derive", "--failed", "--json").output)["made"] == 1
    assert now(runtime, failed).state == "ready"
    assert json.loads(lectotype("derive", "--failed", "--json").output)["made"] == 0


def test_other_limits_let_what_they_hindered_be_tried_again_and_nothing_else(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = derived(runtime, file_of(drawn(200, 150))[:3000])
    hindered = enter(runtime, file_of(drawn(77, 66)))
    with monkeypatch.context() as busy:
        hinder(busy, "too-long")
        drain(runtime)
    assert now(runtime, hindered).state == "failed"
    assert derivatives.try_again_under_new_limits(runtime) == 0
    patient = dataclasses.replace(runtime, settings=runtime.settings.with_(decode_seconds=600))
    assert derivatives.try_again_under_new_limits(patient) == 1
    assert (now(runtime, hindered).state, now(runtime, broken).state) == ("pending", "failed")
    drain(runtime)
    assert now(runtime, hindered).state == "ready"


def test_failed_images_are_left_to_workers_too(runtime: Runtime, lectotype: Lectotype, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as busy:
        hinder(busy, "too-long")
        media = derived(runtime, file_of(drawn(77, 66)))
    assert media.state == "failed"
    assert json.loads(lectotype("derive", "--failed", "--enqueue", "--json").output)["queued"] == 1
    assert now(runtime, media).state == "pending"
    drain(runtime)
    assert now(runtime, media).state == "ready"


def test_all_opens_no_derivative_that_the_database_knows_to_be_of_this_recipe(
    runtime: Runtime, lectotype: Lectotype, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, *_ = (sheet(runtime, number) for number in range(4))
    make_older(runtime, older)
    opened: list[object] = []
    monkeypatch.setattr(
        derivatives.pyramid_format,
        "Pyramid",
        lambda file, made=derivatives.pyramid_format.Pyramid: opened.append(file) or made(file),
    )
    assert json.loads(lectotype("derive", "--all", "--json").output)["made"] == 1
    assert len(opened) == 1, "that which was made"


def test_wrong_targets_of_annotations_are_told_and_laid_again(
    runtime: Runtime, lectotype: Lectotype, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = sheet(runtime, 1)
    canvas = runtime.addresses.canvas(media.specimen_key, media.key)
    with runtime.db.begin() as session:
        by = Principal.of_system()
        said = service.create(session, comment(canvas), by=by, addresses=runtime.addresses, at=runtime.clock())
        session.execute(update(AnnotationTargetRow).values(kind="image"))
    told = f"wrong targets: {said.key}: By the document target 1 is canvas {media.key}, by the rows image {media.key}."
    moved = lectotype("fsck", "--repair")
    assert moved.exit_code == 0, "at another base address nothing is resolved, and nothing changed"
    assert (
        f"targets of 1 annotations cannot be resolved, and were only partly compared, such as those of\n  {said.key}"
        in moved.output
    )
    monkeypatch.setenv("LECTOTYPE_BASE_URL", runtime.settings.base_url)
    found = lectotype("fsck")
    assert (found.exit_code, told in found.output.splitlines()) == (1, True)
    assert "1 images, 1 annotations, 1 faults." in found.output
    (line, account) = map(json.loads, lectotype("fsck", "--repair", "--json").output.splitlines())
    assert (line["annotation"], line["fault"], line["repaired"], account["annotations"]) == (said.key, "wrong targets", True, 1)
    assert lectotype("fsck").exit_code == 0
