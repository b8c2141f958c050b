"""The official suites against running servers of our own: `make conformance`.

1. iiif-validator, Image API 3.0 and 2.0 at level 2 (tests/contract/image_validator.py).
2. Presentation 3 schema, our linter, and the W3C model assertions over a collection that was ingested and analysed
   (tests/contract/presentation_check.py); the schemas lie in ../shared/schemas.
3. The annotation-protocol suite of the web-platform tests in Chromium (tests/contract/protocol_suite.py), where a checkout of
   them lies in ../shared/wpt.
4. Mirador in Chromium on a real sheet (tests/e2e/test_viewer.py).

A suite whose schemas or tests do not lie beside the project is SKIPPED, which the last line says once more: what lies there is
not the project's to install. Exit 1 if one of them fails.
"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from tests.contract import image_validator
from tests.services import free_port, wait_until

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
REAL_SHEETS = ("fish_jfbm_0048705.jpg", "plant_gouda_bm001128287.jpg")
LONGEST_S = 600.0


def main() -> int:
    """Run all suites; the exit status."""
    suites = (("image", image_validator.main), ("presentation", presentation), ("protocol", protocol), ("viewer", viewer))
    return verdict({name: suite() for name, suite in suites})


def verdict(ended: Mapping[str, int | None]) -> int:
    """Tell how the suites ended, by name: with a status, or None for one that was skipped. The exit status."""
    passed, skipped = [name for name in ended if ended[name] == 0], [name for name in ended if ended[name] is None]
    failed = [name for name, status in ended.items() if status]
    told = (("failed", failed), ("SKIPPED, and so not checked", skipped), ("passed", passed))
    click.echo("conformance: " + "; ".join(f"{how}: {', '.join(names)}" for how, names in told if names))
    return 1 if failed else 0


def presentation() -> int | None:
    """Manifests, collections and annotations of an analysed collection; None where it is skipped."""
    if not (SHARED / "schemas").is_dir():
        click.echo("presentation: SKIPPED, the schemas of IIIF and W3C are not beside the project (../shared/schemas)", err=True)
        return None
    with analysed_collection() as address:
        return subprocess.run(
            [sys.executable, "-m", "tests.contract.presentation_check", address, str(SHARED)], cwd=ROOT, check=False
        ).returncode


def protocol() -> int | None:
    """The container and annotations, as a browser of another origin sees them; None where it is skipped."""
    if not (SHARED / "wpt" / "annotation-protocol").is_dir():
        click.echo("protocol: SKIPPED, the web-platform tests are not beside the project (../shared/wpt)", err=True)
        return None
    return subprocess.run(
        [sys.executable, "-m", "tests.contract.protocol_suite", str(SHARED / "wpt")], cwd=ROOT, check=False
    ).returncode


def viewer() -> int:
    """Mirador shows a real sheet with its annotations, and its search finds a word of the label."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "e2e", "tests/e2e/test_viewer.py"], cwd=ROOT, check=False
    ).returncode


@contextmanager
def analysed_collection() -> Iterator[str]:
    """The address of a demo over two drawn sheets and, where they are there, two real ones, once all is analysed."""
    with tempfile.TemporaryDirectory(prefix="lectotype-conformance-") as folder:
        sheets, port = Path(folder) / "sheets", free_port()
        lectotype("synth", str(sheets), "--count", "2")
        real = [str(path) for name in REAL_SHEETS if (path := SHARED / "data" / "specimens" / name).is_file()]
        address = f"http://127.0.0.1:{port}"
        command = [
            sys.executable,
            "-m",
            "app.cli",
            "demo",
            "--port",
            str(port),
            "--data",
            str(Path(folder) / "data"),
            str(sheets),
            *real,
        ]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)})
        try:
            wait_until(lambda: process.poll() is not None or all_done(address), "an analysed collection", LONGEST_S)
            if process.poll() is not None:
                raise RuntimeError(f"the demo ended with status {process.returncode}")
            yield address
        finally:
            process.terminate()
            process.wait(60)


def all_done(address: str) -> bool:
    """Whether the server answers and no run is left to be ended."""
    try:
        with urllib.request.urlopen(f"{address}/api/runs?state=running", timeout=5) as response:
            return json.load(response)["total"] == 0
    except OSError:
        return False


def lectotype(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "app.cli", *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
