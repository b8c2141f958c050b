"""The documented settings are those of the code, and only the settings module reads the environment."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from app.cli import main
from app.cli.doctor import settings_table
from app.runtime.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_what_doctor_prints() -> None:
    assert (ROOT / "docs/settings.md").read_text() == settings_table(), "run: lectotype doctor --settings > docs/settings.md"


def test_every_setting_says_what_it_is_for() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_the_environment_wins_over_the_file_and_a_child_reads_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lectotype.toml").write_text('port = 8111\nnaan = "12345"\n')
    monkeypatch.setenv("LECTOTYPE_PORT", "8112")
    settings = Settings()
    assert (settings.port, settings.naan) == (8112, "12345")
    changed = settings.with_(data_dir=tmp_path / "d", require_if_match=True, base_url="https://hub.example/")
    for name, value in changed.environment().items():
        if name.startswith("LECTOTYPE_"):
            monkeypatch.setenv(name, value)
    assert Settings() == changed
    assert changed.base_url == "https://hub.example"


def test_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for changes in ({"naan": "abc"}, {"port": 99999}, {"no_such": 1}, {"log_format": "xml"}, {"page_size": 0}):
        with pytest.raises(ValidationError):
            Settings(**changes)


def test_commands_say_which_setting_cannot_be_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTOTYPE_PORT", "x")
    monkeypatch.setenv("LECTOTYPE_BASE_URL", "https://museum.example/iiif")
    answer = CliRunner().invoke(main, ["doctor"])
    assert answer.exit_code == 1
    assert "LECTOTYPE_PORT is 'x': Input should be a valid integer" in answer.output
    assert "LECTOTYPE_BASE_URL is 'https://museum.example/iiif': must not have a path that begins with /iiif" in answer.output
