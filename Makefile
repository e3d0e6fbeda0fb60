# Awal. `make run` shows it, `make test` proves it; both need only Python 3.11 or newer, and make.
PYTHON := $(firstword $(foreach name,python3.14 python3.13 python3.12 python3.11 python3 python,$(shell command -v $(name) >/dev/null 2>&1 && $(name) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
PORT ?= 8000
HOST ?= 127.0.0.1
BIN := .venv/bin
DEMO := .awal-demo

.DEFAULT_GOAL := help
.PHONY: run test check bench torture docs picture programs clean help

run: .venv ## Serve the demo on http://127.0.0.1:8000 (PORT=9000 make run moves it)
	@$(BIN)/awal -C $(DEMO) demo --host $(HOST) --port $(PORT)

test: .venv programs ## Run every test (AWAL_REQUIRE_ALL=1 turns each skip into a failure)
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

check: .venv ## Lint, types, architecture, documents
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_architecture.py tests/test_docs.py

bench: .venv programs ## Measure against a bare Flask application, side by side, and print the ratios
	$(BIN)/python -m benchmarks $(ARGS)

torture: .venv programs ## Run long proofs by fault: make torture ARGS="power" (alone it lists them)
	PYTHONPATH=.:tests/flows $(BIN)/python tests/torture $(ARGS)

docs: .venv ## Write the pages that are made from the code
	$(BIN)/python -m gateway.cli.reference

picture: .venv programs ## Take the picture of the phone that the README shows
	PYTHONPATH=.:tests/fakes $(BIN)/python tests/browser/picture.py

.venv: .venv/.made ## Install the program and its test tools

.venv/.made: setup.cfg pyproject.toml
	@test -n "$(PYTHON)" || { echo "awal: no Python 3.11 or newer with venv. Install python3 and python3-venv." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

programs: .venv ## Install the real programs that tests and benchmarks use, where apt-get can
	@.ci/programs

clean: ## Remove what was made, but no project
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

help: ## Show this list
	@grep -hE '^[.a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([.a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18
