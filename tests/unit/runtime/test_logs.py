"""Logs: one form for ours and for those of libraries."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from app.runtime import logs
from app.runtime.settings import Settings


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_json_has_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(log_format="json"))
    structlog.get_logger("ours").info("image ready", media="m1x", pixels=12)
    logging.getLogger("theirs").warning("a %s", "warning")
    try:
        raise ValueError("broken")
    except ValueError:
        structlog.get_logger("ours").exception("unforeseen")
    ours, theirs, failure = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["level"], ours["media"], ours["pixels"]) == ("image ready", "info", "m1x", 12)
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["level"]) == ("a warning", "warning")
    assert "ValueError: broken" in failure["exception"]


def test_text_is_for_people_and_the_level_holds(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(log_level="WARNING"))
    structlog.get_logger("ours").info("unseen")
    structlog.get_logger("ours").warning("the relay waits", side="broker")
    text = capsys.readouterr().err
    assert "unseen" not in text
    assert "the relay waits" in text
    assert "side=broker" in text
