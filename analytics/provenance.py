"""Which code, on which machine: what a run must name so that it can be repeated."""

import hashlib
import importlib.util
import json
import os
import platform
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from analytics.model import Worker
from analytics.pipelines import Pipeline

PACKAGES = ("analytics", "annotations", "app", "iiif", "ontology")
LIBRARIES = ("numpy", "scipy", "opencv-python-headless", "onnxruntime", "rapidocr", "zxing-cpp", "pyvips-binary", "shapely")


@cache
def code_version() -> str:
    """`0.1.0+1a2b3c4d5e6f`: the version, and a digest of our own source files as they lie here."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        root = resources.files(package)
        with resources.as_file(root) as folder:
            for path in _sources(folder):
                digest.update(f"{package}/{path.relative_to(folder)}\0".encode())
                digest.update(path.read_bytes())
    return f"{metadata.version('lectotype')}+{digest.hexdigest()[:12]}"


def _sources(root: Path) -> list[Path]:
    """Our files in the package's folder: none of what a build of the pages has put there."""
    found: list[Path] = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != "node_modules"]
        found += [Path(folder, name) for name in names if name.endswith((".py", ".yaml"))]
    return sorted(found, key=lambda path: (path.suffix, path.parts))


OCR = ("rapidocr/models/PP-OCRv6_det_small.onnx", "rapidocr/models/PP-OCRv6_rec_small.onnx")
WRITING = "analytics/weights/writing.json"
COMPONENTS = ("analytics/weights/components.onnx",)
EMBEDDING = "analytics/weights/embedding.onnx"
VECTORS = "embedding"  # the step that makes vectors
MODELS = {
    "ocr": (*OCR, WRITING),
    "ruler": OCR,
    "stamp": OCR,
    "specimen": COMPONENTS,
    VECTORS: (EMBEDDING,),
}  # files: package and path


def models_of(steps: Iterable[str]) -> dict[str, str]:
    """`sha256:…` of every model file that the steps use, by its path. FileNotFoundError where the package lacks one."""
    return {path: _digest(*_file(path)) for path in sorted({path for step in steps for path in MODELS.get(step, ())})}


def vector_model() -> str:
    """`sha256:…` of the network by which vectors are made: those of another one cannot be compared with them."""
    return _digest(*_file(EMBEDDING))


def fingerprint(pipeline_version: str, code: str, models: Mapping[str, str], parameters: Mapping[str, Any], seed: int) -> str:
    """SHA-256 of all that a result depends on beside the image."""
    whole = [pipeline_version, code, dict(models), dict(parameters), seed]
    return hashlib.sha256(json.dumps(whole, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _file(path: str) -> tuple[Path, int, int]:
    """Where the file lies, its size and when it was changed. The package is found without being imported."""
    package, _, inside = path.partition("/")
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    file = Path(next(iter(folders or ("missing",)))) / inside
    stat = file.stat()
    return file, stat.st_size, stat.st_mtime_ns


@cache
def _digest(file: Path, _size: int, _changed: int) -> str:
    with file.open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"


@cache
def environment() -> dict[str, Any]:
    """Python, system, and the versions of the libraries that a result may depend on."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "libraries": {name: metadata.version(name) for name in LIBRARIES},
    }


def worker(plan: Pipeline, seed: int) -> Worker:
    """This process, as what does a task of the pipeline."""
    code, models = code_version(), models_of(step.name for step in plan.steps)
    parameters = {step.name: dict(step.parameters) for step in plan.steps}
    return Worker(code, fingerprint(plan.version, code, models, parameters, seed), environment())
