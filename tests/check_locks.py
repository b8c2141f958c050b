"""The lock files: all hashed, no download address, one OpenCV, nothing that would shadow our packages, same versions in both."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OURS = {"app", "iiif", "annotations", "analytics", "ontology"}


def pins(path: Path) -> dict[str, set[str]]:
    """Package names with the versions pinned (several where they depend on the Python version)."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9._-]+)==(\S+)", path.read_text(), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


def faults(runtime: Path, development: Path) -> list[str]:
    """What is wrong with the two locks, in sentences."""
    found = []
    for path in (runtime, development):
        text = path.read_text()
        entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
        found += [f"{path.name}: {entry.split()[0]} has no hash" for entry in entries if "--hash=sha256:" not in entry]
        if "://" in text:
            found.append(f"{path.name} names an address")
        names = set(pins(path))
        if len({name for name in names if name.startswith("opencv")}) != 1:
            found.append(f"{path.name} must hold exactly one OpenCV distribution")
        found += [f"{path.name}: {name} would shadow our package" for name in names & OURS]
        if "torch" in names:
            found.append(f"{path.name}: torch belongs to the extra `train`, outside the lock")
    here, there = pins(runtime), pins(development)
    found += [f"{name} differs between the locks" for name, versions in here.items() if there.get(name) != versions]
    for npm in [ROOT / "app" / "web" / "frontend" / "package-lock.json", *ROOT.glob("tests/*/*/package-lock.json")]:
        if '"resolved"' in npm.read_text():
            found.append(f"{npm.relative_to(ROOT)} names download addresses")
    return found


if __name__ == "__main__":
    complaints = faults(ROOT / "requirements.lock", ROOT / "requirements-dev.lock")
    sys.exit("\n".join(complaints) or 0)
