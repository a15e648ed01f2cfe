# Two words for the newcomer: `make demo` runs the main job, `make test` proves it.
# Everything is installed into .venv, from hashed lists that name no index.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes
SHELL := /bin/bash
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1

.PHONY: setup setup-dev demo test lint types bench tamper crash clean lock

setup: $(VENV)/.setup ## build .venv with the command `evidence` in it

$(VENV)/.uv: requirements/uv.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	touch $@

$(VENV)/.setup: $(VENV)/.uv requirements/run.txt pyproject.toml
	$(INSTALL) -r requirements/run.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.setup-dev: $(VENV)/.setup requirements/dev.txt
	$(INSTALL) -r requirements/dev.txt
	touch $@

setup-dev: $(VENV)/.setup-dev ## the same with everything that tests need

demo: setup ## one simulated month of evidence, end to end, in ./demo-output
	$(BIN)/evidence demo

test: setup-dev ## lint, types and every suite; prints the time of each
	$(BIN)/python tests/run_suites.py

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-dev
	$(BIN)/mypy

suite-%: setup-dev ## one suite: unit, sealing, journeys, faults; or thorough: the full counts of the faults
	$(BIN)/python tests/run_suites.py $*

bench: setup-dev ## ratios against a bare baseline measured in the same run
	$(BIN)/python -m tests.benchmarks

tamper: setup-dev ## 20,000 mutations of each attacker with each knowledge of an auditor; TAMPER_SEED makes them others
	$(BIN)/python tests/tamper

crash: setup-dev ## four writers killed with -9 at every step and at random, and the S3 server: what is lost
	$(BIN)/python tests/tamper/crash.py

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

lock: setup ## make the hashed lists anew: what runs is a part of what is tested, in the same versions
	$(COMPILE) pyproject.toml --extra demo --extra timestamp --group build --group dev -o requirements/dev.txt
	$(COMPILE) pyproject.toml --extra demo --extra timestamp --group build -c requirements/dev.txt -o requirements/run.txt
	echo uv | $(COMPILE) - -o requirements/uv.txt

clean:
	rm -rf $(VENV) demo-output .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
