# Everything the project needs comes into .venv; the machine gives git, make and Python 3.11 or newer.
PYTHON ?= $(firstword $(foreach v,python3.11 python3.12 python3.13 python3.14 python3,\
	$(shell $(v) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(v))))
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test types-and-wheel beside-types project lint types unit coverage matrix workflow cloud infrastructure durable e2e more presets proof-iam proof-faults proof-matrix proof-matrix-cloud wheel proof-wheel bundle-hash docs site synth bench-contract bench-strictness bench-memory bench-endurance bench-vendors bench-flood bench-backlog bench-overload bench-surge bench-operating hostile fuzz lock clean bench-any-length examples

help: ## show this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(READY): requirements/bootstrap.lock requirements/dev.lock pyproject.toml setup.py
	@test -n "$(PYTHON)" || { echo "Makefile: no Python 3.11 or newer on PATH; set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## one hundred calls at 10/s on the embedded cloud, with a report
	@$(BIN)/headway demo

test: $(READY) ## everything that has to be green; what has no clock shares the two cores
	@$(MAKE) --no-print-directory lint unit
	@$(MAKE) --no-print-directory --jobs=2 types-and-wheel beside-types
	@$(MAKE) --no-print-directory e2e

types-and-wheel: $(READY)
	@$(MAKE) --no-print-directory --jobs=1 types project

beside-types: $(READY)
	@$(MAKE) --no-print-directory --jobs=1 infrastructure matrix workflow cloud durable

lint: $(READY) ## ruff, and the layers of the house
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports --no-logo

types: $(READY) ## mypy, strict
	@$(BIN)/mypy

unit: $(READY) ## no network, no clock
	@$(BIN)/pytest tests/unit --numprocesses auto

coverage: $(READY) ## the unit tests once more, with the coverage of lines and branches, which holds its floor; twice as long
	@$(BIN)/pytest tests/unit --numprocesses auto --cov --cov-report=term:skip-covered

project: $(READY) ## a new project from the wheel: what its README says is typed, over the dependencies that are here
	@$(BIN)/pytest tests/wheel

infrastructure: $(READY) ## the synthesized template: cfn-lint, cdk-nag and what the embedded cloud ignores
	@$(BIN)/pytest tests/infrastructure

matrix: $(READY) ## a quick part of the fault matrix: the AWS calls of one call's life fail, each in some way
	@$(BIN)/pytest tests/matrix --numprocesses auto

# Tests of examples. Their `functions` and this checkout's are one namespace, so those with functions are named here.
STORIES := citizen_notifications endless_aisle web_store insurance_claims
PATTERNS := $(foreach name,one_call any_length chain first_answer saga human_approval long_job fallback polling_only $(STORIES),examples/$(name)/tests)

workflow: $(READY) ## the state machines, those of the patterns too, with scripted answers
	@$(BIN)/pytest tests/workflow $(PATTERNS) --override-ini pythonpath=". examples/citizen_notifications" --numprocesses auto

cloud: $(READY) ## what the embedded cloud refuses as AWS does, beside one that refuses nothing, and a second interpreter
	@$(BIN)/pytest tests/cloud tests/interpreters --numprocesses auto

# Two clouds side by side, each file in one of them, in their order: the first call of a worker is one that is looked at.
e2e: $(READY) ## all eleven steps on the embedded cloud
	@$(BIN)/pytest tests/e2e --numprocesses auto --dist loadfile --no-loadscope-reorder

more: $(READY) ## what `test` leaves out to end within ten minutes: fairness, a deployment in mid-run, a plain CDK app
	@$(BIN)/pytest tests/more

presets: $(READY) ## the vendor presets end to end that e2e leaves out
	@$(BIN)/pytest tests/e2e/test_presets.py --other-presets

examples: $(READY) ## every example by `headway run` on an embedded cloud, one after the other; some minutes. NAMES='saga chain' for fewer
	@$(BIN)/python -m tests.proofs.examples $(NAMES)

proof-faults: $(READY) ## put each known fault into a copy of the sources again: its test is red, and green where nothing shows it
	@$(BIN)/python -m tests.proofs.faults

proof-matrix: $(READY) ## the whole fault matrix over fakes, as a table; half an hour. STORIES='early polled' for fewer
	@$(BIN)/python -m tests.matrix $(STORIES)

proof-matrix-cloud: $(READY) ## 200 cells of it on the embedded cloud, side by side; 7 to 15 minutes. ARGS='--seed 2 --samples 50' for others
	@$(BIN)/python -m tests.matrix.on_the_cloud $(ARGS)

wheel: $(READY) ## the one file that others install, in dist/; it brings nothing but what is called headway*
	@$(BIN)/python -m tests.proofs.wheel dist

proof-wheel: $(READY) ## a project from the wheel alone, in an empty folder: what its README says, typed; some minutes
	@$(BIN)/python -m tests.proofs.wheel_project

bundle-hash: $(READY) ## the hashes of the Lambda code: the same from this checkout, two clean clones and the wheel
	@$(BIN)/python -m tests.proofs.bundle_hash

docs: $(READY) ## reference.md, the picture, and the marked numbers of all documents, from the code
	@$(BIN)/python -m docs.generator

SITE := build/site-packages

$(SITE): requirements/site.lock $(READY)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --target $@ -r requirements/site.lock
	@touch $@

site: $(SITE) ## the documents as a searchable site, in build/site; a link that leads nowhere ends it
	@PYTHONPATH=$(CURDIR)/$(SITE):$(CURDIR) $(BIN)/python -m mkdocs build --strict

DURABLE := build/durable-packages

$(DURABLE): requirements/durable.lock $(READY)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --target $@ -r requirements/durable.lock
	@touch $@

durable: $(DURABLE) ## a durable function of AWS Lambda and a lane, on the testing library of its SDK
	@PYTHONPATH=$(CURDIR)/$(DURABLE):$(CURDIR) $(BIN)/pytest tests/durable

synth: $(READY) ## the example project's templates for AWS, checked by cfn-lint and cdk-nag, in cdk.out/
	@cd examples/shop && ../../$(BIN)/headway synth --output $(CURDIR)/cdk.out

bench-contract: $(READY) ## how much of a contract is used, by sections, and beside a plain reference; more than an hour
	@$(BIN)/python -m benchmarks.contract
	@$(BIN)/python -m benchmarks.single
	@$(BIN)/python -m benchmarks.above

bench-strictness: $(READY) ## what the refusals of the embedded cloud cost, beside one without; a quarter of an hour
	@$(BIN)/python -m benchmarks.strictness

bench-memory: $(READY) ## what the embedded cloud weighs with 1, 2 and 6 vendors, and how long `up` takes; six minutes
	@$(BIN)/python -m benchmarks.memory

bench-endurance: $(READY) ## 20,000 calls on the embedded cloud: what its own process weighs, and the processor time of a call; 15 minutes
	@$(BIN)/python -m benchmarks.endurance

bench-vendors: $(READY) ## what a hundred vendors cost to synthesize, and what a thirteenth one's deployment touches; 10 minutes
	@$(BIN)/python -m benchmarks.vendors

bench-flood: $(READY) ## a flood at one vendor's webhook while another's calls run: neither notices the other; 5 minutes
	@$(BIN)/python -m benchmarks.flood

bench-backlog: $(READY) ## 100,000 lines through `headway run` on a virtual clock: memory, starts against the quota; 6 minutes
	@$(BIN)/python -m benchmarks.backlog

bench-overload: $(READY) ## 1.25 contracts for three hours, then 0.95, on a virtual clock: the contract used in every five minutes; 6 minutes
	@$(BIN)/python -m benchmarks.overload

bench-any-length: $(READY) ## 10,000 lines of a file in S3 through a Distributed Map: all gathered, memory and time
	@$(BIN)/python -m benchmarks.any_length

bench-operating: $(READY) ## tune, pause and resume a lane while `headway run` drives 20/s: the vendor's count of each part; 7 minutes
	@$(BIN)/python -m benchmarks.operating

bench-surge: $(READY) ## 5,000 posts in a minute to an intake: all answered at once, the contract kept, the audit complete; 5 to 15 minutes
	@$(BIN)/python -m benchmarks.surge

proof-iam: $(READY) ## whichever grant is taken from a role, a scenario turns red; twenty minutes or more. ROLES='*-callback' for fewer
	@$(BIN)/python -m tests.proofs.iam $(if $(ROLES),'$(ROLES)')

hostile: $(READY) ## 300 calls against lost, early, forged and doubled callbacks, errors and hangs: it has to add up
	@$(BIN)/python -m benchmarks.hostile

fuzz: $(READY) ## nonsense at three webhooks, forged and signed: all is answered, and nothing is stuck or left
	@$(BIN)/python -m benchmarks.fuzz

LOCK := $(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header

lock: $(READY) ## write the locks anew; UPGRADE=--upgrade takes newer versions
	@$(LOCK) $(UPGRADE) pyproject.toml --group dev -o requirements/dev.lock
	@$(LOCK) -c requirements/dev.lock --group functions -o functions/headway_lane/requirements.lock
	@$(LOCK) $(UPGRADE) -c requirements/dev.lock --group site -o requirements/site.lock
	@$(LOCK) $(UPGRADE) --group durable -o requirements/durable.lock
	@echo uv | $(LOCK) -c requirements/dev.lock --no-annotate - -o requirements/bootstrap.lock

clean: ## forget everything that a run or the set-up made
	@rm -rf .venv .headway cdk.out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
