"""The official IIIF Image API validator against a server of our own: `python -m tests.contract.image_validator`.

Starts `lectotype web` on a collection with the validator's own test image, runs its suites for 3.0 and 2.0 at level 2 and
once more with the optional features that it calls level 3, and prints each suite's closing line. Exit 1 on a failure that is
not allowed for, or where not all tests ran. The validator (PyPI iiif-validator, which needs libmagic1 of the system) gets a
virtual environment of its own, .venv-validator, because one of the packages it brings is called iiif.
"""

import ast
import re
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

import click
from PIL import Image

from tests import live
from tests.unit.iiif.image.pictures import derived

ROOT = Path(__file__).resolve().parents[2]
VALIDATOR = ROOT / ".venv-validator"
VERSION = "1.0.5"
PREFIX = {"3.0": "iiif/3", "2.0": "iiif/2"}
SUITES = {("3.0", 2): 33, ("3.0", 3): 45, ("2.0", 2): 30, ("2.0", 3): 42}  # version and level: tests
BROKEN = {"format_jp2", "format_pdf", "format_webp"}  # they call urllib.urlopen, which Python 3 lacks (1.0.5)
CONTRADICTORY = {
    "size_noup",  # wants !w,h refused, which 3.0 (section 4.2) does not
    "size_up",  # wants ^max to be the full size and ^pct:200 to be twice that
}
ALLOWED = {
    ("3.0", 2): CONTRADICTORY,
    ("3.0", 3): CONTRADICTORY | BROKEN,
    ("2.0", 2): set[str](),
    ("2.0", 3): BROKEN,
}


def install() -> None:
    """Make the validator's virtual environment where there is none yet."""
    if not (VALIDATOR / "bin" / "iiif-validate.py").is_file():
        subprocess.run([sys.executable, "-m", "venv", str(VALIDATOR)], check=True)
        subprocess.run([VALIDATOR / "bin" / "pip", "install", "-q", f"iiif-validator=={VERSION}"], check=True)


def test_image() -> bytes:
    """The 10 × 10 coloured squares that the validator looks for, as PNG of 1000 × 1000 pixels."""
    question = "from iiif_validator.validator import ValidationInfo; print(ValidationInfo().colorInfo)"
    asked = subprocess.run([VALIDATOR / "bin" / "python", "-c", question], check=True, capture_output=True, text=True)
    image = Image.new("RGB", (1000, 1000))
    for x, column in enumerate(ast.literal_eval(asked.stdout.splitlines()[-1])):
        for y, colour in enumerate(column):
            image.paste(colour, (x * 100, y * 100, x * 100 + 100, y * 100 + 100))
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def validate(address: str, key: str) -> list[str]:
    """Run all suites on the image; the failures that are not allowed for."""
    wrong: list[str] = []
    for (version, level), tests in SUITES.items():
        command = [str(VALIDATOR / "bin" / "iiif-validate.py"), "-s", address.removeprefix("http://"), "-p", PREFIX[version]]
        command += ["-i", key, f"--version={version}", f"--level={level}"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        output = ran.stdout + ran.stderr
        failed = set(re.findall(r"test (\S+) FAIL", output))
        allowed = ALLOWED[version, level]
        if failed - allowed:
            click.echo(output)
        closing = next((line for line in output.splitlines() if line.startswith("Done (")), "no closing line: " + output)
        click.echo(" ".join([f"iiif-validator {VERSION}, Image API {version}, level {level}: {closing}", *sorted(failed)]))
        wrong += [f"{version}, level {level}: {name}" for name in sorted(failed - allowed)]
        if not closing.startswith(f"Done ({tests} tests"):
            wrong.append(f"{version}, level {level}: not all of {tests} tests ran")
    return wrong


def main() -> int:
    install()
    with tempfile.TemporaryDirectory() as folder, live.web(Path(folder), web_processes=1) as server:
        key = derived(server.runtime, test_image(), "validator.png").key
        wrong = validate(server.url, key)
    for line in wrong:
        click.echo(f"failed: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
