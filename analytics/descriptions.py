"""Runs, versions of pipelines and models as linked data (PROV-O, Bioschemas, FAIR4ML)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from analytics import pipelines
from analytics.model import Run
from app.runtime import ids
from app.runtime.addresses import Addresses
from app.runtime.clock import iso
from iiif.descriptions import head

MOST_USED = 1_000  # images that the description of a run names; its list of tasks has all


def of_run(run: Run, media_keys: Sequence[str], addresses: Addresses) -> dict[str, Any]:
    """A run: what it used, by which plan, in which environment, for whom. `media_keys` are the first MOST_USED of its images
    that are public."""
    plan = pipeline_key(run.pipeline, run.pipeline_version, addresses.naan)
    models = [addresses.pid(model_key(path, digest, addresses.naan)) for path, digest in sorted(run.models.items())]
    asker = [addresses.pid(run.asked_by)] if ids.is_key(run.asked_by, addresses.naan) else []
    agent = addresses.pipeline(run.pipeline)
    described: dict[str, Any] = {
        **head(addresses),
        "id": addresses.run(run.key),
        "type": ["hub:PipelineRun", "prov:Activity", "sdo:CreateAction"],
        "identifier": ids.ark(run.key, addresses.naan),
        "label": f"Run of the pipeline {run.pipeline}",
        "created": iso(run.created_at),
        "startedAtTime": iso(run.started_at or run.created_at),
        **({"endedAtTime": iso(run.ended_at)} if run.ended_at else {}),
        "used": [addresses.pid(plan), *models, *(addresses.pid(key) for key in media_keys[:MOST_USED])],
        "wasAssociatedWith": [agent, *asker],
        "prov:qualifiedAssociation": {
            "id": f"{addresses.run(run.key)}#association",
            "type": "prov:Association",
            "prov:agent": {"id": agent, "type": ["Software", "prov:SoftwareAgent"]},
            "prov:hadPlan": {"id": addresses.pid(plan), "type": ["prov:Plan", "hub:PipelineVersion"]},
        },
        "hub:runState": run.state,
        "hub:randomSeed": run.seed,
        "hub:parametersDigest": {"id": ni_of(run.parameters)},
        "hub:environmentDigest": {"id": ni_of(run.environment)},
        "hub:codeVersion": run.code_version,
        "hub:images": run.images,
    }
    if run.retraction_reason and run.state == "retracted":
        described["hub:retractionReason"] = run.retraction_reason
    return described


def of_pipeline(name: str, version: str, addresses: Addresses) -> dict[str, Any]:
    """A version of a pipeline, and the agent that states what its runs find. Its steps and its code are told of the version that
    comes with the program."""
    key, agent = pipeline_key(name, version, addresses.naan), addresses.pipeline(name)
    described: dict[str, Any] = {
        **head(addresses),
        "id": addresses.pid(key),
        "type": ["hub:PipelineVersion", "prov:Plan", "bios:ComputationalWorkflow"],
        "identifier": ids.ark(key, addresses.naan),
        "label": f"Pipeline {name}",
        "version": version,
        "isVersionOf": {"id": agent, "type": ["Software", "prov:SoftwareAgent"], "label": f"Pipeline {name}"},
    }
    if name not in pipelines.names() or pipelines.load(name).version != version:
        return described
    plan, code = pipelines.load(name), pipelines.source(name)
    described |= {"dct:description": plan.description, "hub:step": [step.name for step in plan.steps]}
    return described | {"contentId": ids.ni(hashlib.sha256(code).hexdigest()), "swhid": ids.swhid(code)}


def of_model(path: str, digest: str, addresses: Addresses) -> dict[str, Any]:
    """The file of a model's weights; `digest` is `sha256:…`."""
    key = model_key(path, digest, addresses.naan)
    return {
        **head(addresses),
        "id": addresses.pid(key),
        "type": ["fair4ml:MLModel", "prov:Entity"],
        "identifier": ids.ark(key, addresses.naan),
        "name": path.rpartition("/")[2],
        "label": f"Model {path}",
        "version": digest.removeprefix("sha256:")[:12],
        "contentId": ids.ni(digest.removeprefix("sha256:")),
    }


def pipeline_key(name: str, version: str, naan: str) -> str:
    """The key of a version of a pipeline, which follows from its name and the digest of its content."""
    return ids.derived_key(ids.PIPELINE, naan, f"{name} {version}")


def model_key(path: str, digest: str, naan: str) -> str:
    """The key of a model, which follows from its name and the digest of its weights."""
    return ids.derived_key(ids.MODEL, naan, f"{path} {digest}")


def ni_of(value: Mapping[str, Any]) -> str:
    """The name of a JSON value by the digest of its canonical text: keys in order, no spaces (RFC 8785 for what we store)."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return ids.ni(hashlib.sha256(text.encode()).hexdigest())
