"""Which code, on which machine: what a run must name so that it can be repeated."""

import hashlib
import platform
from functools import cache
from importlib import metadata, resources
from typing import Any

PACKAGES = ("analytics", "annotations", "app", "iiif", "ontology")
LIBRARIES = ("numpy", "scipy", "opencv-python-headless", "onnxruntime", "rapidocr", "zxing-cpp", "pyvips-binary", "shapely")


@cache
def code_version() -> str:
    """`0.1.0+1a2b3c4d5e6f`: the version, and a digest of our own source files as they lie here."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        root = resources.files(package)
        with resources.as_file(root) as folder:
            for path in sorted(folder.rglob("*.py")) + sorted(folder.rglob("*.yaml")):
                digest.update(f"{package}/{path.relative_to(folder)}\0".encode())
                digest.update(path.read_bytes())
    return f"{metadata.version('lectotype')}+{digest.hexdigest()[:12]}"


@cache
def environment() -> dict[str, Any]:
    """Python, system, and the versions of the libraries that a result may depend on."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "libraries": {name: metadata.version(name) for name in LIBRARIES},
    }
