# Every target uses .venv, which is created on first use. `make` alone lists the targets.
VENV := .venv
BIN := $(VENV)/bin
# Each stamp file records one `pip install`; the install runs again when pyproject.toml changes.
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
PORT ?= 4000
EXAMPLES ?= 200
# Folders of tests that `make test-trixie` and `make test-forky` run; empty for all.
TESTS ?=
STEPS ?= 10000
# The benchmarks keep generated data here and use it again.
BENCH_DATA ?= build/benchmarks
# The first interpreter found that is new enough. PYTHON=... on the command line takes precedence.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
# A worker process runs whole test files, so a server or browser that a file starts is started once. Files run in the order
# of their names: by default the files with the fewest tests come last, and those take the longest.
OPTIONS := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
PYTEST := $(BIN)/python -m pytest $(OPTIONS)
# The tests of most targets; `make coverage` also builds the wheel and runs the browser matrix.
MOST := not wheel and not clients and not browser_matrix

.DEFAULT_GOAL := help
.PHONY: help run dev test test-fast test-browser test-postgres test-trixie test-forky check check-fast lint types contracts audit openapi clients coverage format fuzz soak bench bench-large wheel clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

run: $(RUNTIME)  ## Start the service on http://127.0.0.1:$PORT (PORT=4000)
	$(BIN)/python -m movierating serve --port $(PORT)

dev: $(DEV)  ## Install the service and the development tools into .venv

test: $(DEV)  ## Run the tests on SQLite, without the wheel and the browser matrix: ten minutes on two cores
	@echo 'Running the tests: this takes about ten minutes on two cores (make test-fast: one minute).'
	$(PYTEST) -m '$(MOST)'

test-fast: $(DEV)  ## Run the tests that start no process, one case of each: a minute on two cores
	$(PYTEST) -m '$(MOST) and not slow'

test-browser: $(DEV)  ## Check accessibility and width of every page on three screens, light and dark (needs Chromium)
	$(PYTEST) -o faulthandler_timeout=600 -m browser_matrix tests/pages/browser tests/http

test-postgres: $(DEV)  ## Run the tests that use a database on PostgreSQL: from PyPI, or TEST_POSTGRESQL=/usr/lib/postgresql/15/bin
	TEST_DATABASE=postgresql $(PYTEST) -m '$(MOST)'

test-trixie: $(DEV)  ## Run the tests on Debian trixie: Python 3.13, SQLite 3.46 (as root, with debootstrap)
	bash .ci/debian trixie $(OPTIONS) -m '$(MOST)' $(TESTS)

test-forky: $(DEV)  ## Run the tests on Debian forky: Python 3.14, SQLite 3.53 (as root, with debootstrap)
	bash .ci/debian forky $(OPTIONS) -m '$(MOST)' $(TESTS)

check: lint types contracts audit openapi clients coverage  ## Run everything else that CI runs: the seven targets below

check-fast: lint types contracts test-fast  ## Run lint, types, contracts and test-fast

lint: $(DEV)  ## Check format and style, without changing files (ruff)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(DEV)  ## Check the package's types (mypy --strict)
	$(BIN)/mypy

contracts: $(DEV)  ## Check the rules for imports between modules (import-linter, setup.cfg)
	$(BIN)/lint-imports

audit: $(DEV)  ## Look up known vulnerabilities of the dependencies (pip-audit); needs internet access
	$(BIN)/python .ci/audit.py

openapi: $(DEV)  ## Check the OpenAPI document (Spectral, Redocly); needs npm and internet access on first use
	bash .ci/openapi/check

clients: $(DEV)  ## Generate clients from the OpenAPI document and run them; needs npm and internet access on first use
	$(BIN)/python -m pytest -o faulthandler_timeout=900 -m clients tests/clients

coverage: $(DEV)  ## Run every test, with the wheel and the browser matrix, and measure branch coverage
	$(PYTEST) -m 'not clients' --cov --cov-report term-missing:skip-covered

format: $(DEV)  ## Format the code (ruff)
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

fuzz: $(DEV)  ## Fuzz the API from its OpenAPI document, EXAMPLES (200) requests per operation
	FUZZ_EXAMPLES=$(EXAMPLES) $(PYTEST) -o faulthandler_timeout=3600 tests/test_fuzz.py

soak: $(DEV)  ## Run long tests: STEPS (10000) against a model, 20 rounds of kills and faults, and fuzz
	SOAK_STEPS=$(STEPS) SOAK_ROUNDS=20 FUZZ_EXAMPLES=$(EXAMPLES) $(PYTEST) -o faulthandler_timeout=3600 \
		tests/test_stateful.py tests/test_fuzz.py tests/faults/test_crash.py

bench: $(RUNTIME)  ## Measure uploads, pages and requests, and update their tables in benchmarks/ (needs wrk)
	@command -v wrk >/dev/null || { echo 'wrk is required: https://github.com/wg/wrk'; exit 1; }
	$(BIN)/python benchmarks/uploads.py
	$(BIN)/python benchmarks/pages.py --keep $(BENCH_DATA)
	$(BIN)/python benchmarks/requests.py --keep $(BENCH_DATA)

bench-large: $(RUNTIME)  ## Measure large data and its import: takes an hour, and 3 GB in BENCH_DATA (needs wrk)
	@command -v wrk >/dev/null || { echo 'wrk is required: https://github.com/wg/wrk'; exit 1; }
	$(BIN)/python benchmarks/flat.py --keep $(BENCH_DATA)
	$(BIN)/python benchmarks/bulk.py --keep $(BENCH_DATA)

wheel: $(DEV)  ## Build the wheel and the source archive into dist/
	$(BIN)/python -m build

# instance/ stays: it holds your data.
clean:  ## Remove everything that make created, but not instance/
	rm -rf $(VENV) build dist *.egg-info .coverage* .hypothesis .import_linter_cache \
		.mypy_cache .pytest_cache .ruff_cache .schemathesis
	find . -name __pycache__ -prune -exec rm -rf {} +

$(RUNTIME): pyproject.toml
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or newer is required: make PYTHON=/path/to/python3'; exit 1; }
	@echo 'Installing movierating and its dependencies into $(VENV): this takes about a minute.'
	test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(DEV): $(RUNTIME)
	@echo 'Installing the development tools into $(VENV): this takes about two minutes.'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,postgresql,redis]'
	touch $@
