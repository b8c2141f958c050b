"""Runs, versions of pipelines and models as linked data (PROV-O, Bioschemas, FAIR4ML)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from analytics import pipelines, provenance
from analytics.model import Run
from analytics.pipelines import Pipeline
from app.runtime import derived_names, ids
from app.runtime.addresses import Addresses
from app.runtime.clock import iso
from app.runtime.derived_names import DerivedName
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


def of_pipeline(name: str, version: str, source: str, addresses: Addresses) -> dict[str, Any]:
    """A version of a pipeline, and the agent that states what its runs find. `source` is its text, empty where
    that is not known, as of versions that ran before texts were kept."""
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
    if not source:
        return described
    plan, code = pipelines.parse(source), source.encode()
    described |= {"dct:description": plan.description, "hub:step": [step.name for step in plan.steps]}
    return described | {"contentId": ni_of_bytes(code), "swhid": ids.swhid(code)}


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


def keep_names(session: Session, plan: Pipeline, models: Mapping[str, str], naan: str) -> None:
    """Have the identifiers of a pipeline's version and of models lead to them from now on, when another version has come, too."""
    derived_names.keep(session, [_name_of(plan, naan), *_names_of(models, naan)])


def own_pipelines(naan: str) -> list[DerivedName]:
    """The versions of pipelines that come with the program."""
    plans = [pipelines.load(name) for name in pipelines.names()]
    return [_name_of(plan, naan) for plan in plans]


def own_models(naan: str) -> list[DerivedName]:
    """The models that the program's own pipelines use."""
    steps = {step.name for name in pipelines.names() for step in pipelines.load(name).steps}
    return _names_of(provenance.models_of(steps), naan)


def _name_of(plan: Pipeline, naan: str) -> DerivedName:
    key, source = pipeline_key(plan.name, plan.version, naan), pipelines.source(plan.name).decode()
    return DerivedName(key, "pipeline", plan.name, plan.version, {"source": source})


def _names_of(models: Mapping[str, str], naan: str) -> list[DerivedName]:
    return [DerivedName(model_key(path, digest, naan), "model", path, digest, {}) for path, digest in models.items()]


def pipeline_key(name: str, version: str, naan: str) -> str:
    """The key of a version of a pipeline, which follows from its name and the digest of its content."""
    return ids.derived_key(ids.PIPELINE, naan, f"{name} {version}")


def model_key(path: str, digest: str, naan: str) -> str:
    """The key of a model, which follows from its name and the digest of its weights."""
    return ids.derived_key(ids.MODEL, naan, f"{path} {digest}")


def ni_of(value: Mapping[str, Any]) -> str:
    """The name of a JSON value by the digest of its canonical text: keys in order, no spaces (RFC 8785 for what we store)."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return ni_of_bytes(text.encode())


def ni_of_bytes(content: bytes) -> str:
    return ids.ni(hashlib.sha256(content).hexdigest())
