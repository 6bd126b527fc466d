# Everything happens in .venv, which is made on first use. `make` alone lists the targets.
VENV := .venv
BIN := $(VENV)/bin
# Each stamp stands for one `pip install` and is redone when pyproject.toml changes.
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
PORT ?= 4000
EXAMPLES ?= 200
STEPS ?= 10000
# What the benchmarks generate is kept here, for the next time.
BENCH_DATA ?= build/benchmarks
# The first interpreter at hand that is new enough; PYTHON=... on the command line wins.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
# By file, so that a server or a browser started for one file is started once; in the order of their names, as the files
# with the fewest tests, which would be last, are those that take the longest.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help run test test-postgres check lint types contracts audit coverage format fuzz soak bench bench-large wheel clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

run: $(RUNTIME)  ## Serve on http://127.0.0.1:$PORT (PORT=4000)
	$(BIN)/python -m movierating serve --port $(PORT)

test: $(DEV)  ## Run the tests on SQLite, all but those that build and install the wheel
	$(PYTEST) -m 'not wheel'

test-postgres: $(DEV)  ## Run them on PostgreSQL: what pip brings, or TEST_POSTGRESQL=/usr/lib/postgresql/15/bin
	TEST_DATABASE=postgresql $(PYTEST) -m 'not wheel'

check: lint types contracts audit coverage  ## Everything else that CI demands: the five targets below

lint: $(DEV)  ## Format and lint, changing nothing (ruff)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(DEV)  ## Check the package's types (mypy --strict)
	$(BIN)/mypy

contracts: $(DEV)  ## Check who imports whom (import-linter, setup.cfg)
	$(BIN)/lint-imports

audit: $(DEV)  ## Look up known vulnerabilities of what the service runs on (pip-audit); says so where it can't
	$(BIN)/python .ci/audit.py

coverage: $(DEV)  ## Run every test, the wheel's too, and measure branch coverage
	$(PYTEST) --cov --cov-report term-missing:skip-covered

format: $(DEV)  ## Rewrite the code in the house's format
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

fuzz: $(DEV)  ## Fuzz the service by its OpenAPI document, EXAMPLES (200) an operation
	FUZZ_EXAMPLES=$(EXAMPLES) $(PYTEST) -o faulthandler_timeout=3600 tests/test_fuzz.py

soak: $(DEV)  ## Try to break it: STEPS (10000) against a model, 20 rounds of kills and faults, and fuzz
	SOAK_STEPS=$(STEPS) SOAK_ROUNDS=20 FUZZ_EXAMPLES=$(EXAMPLES) $(PYTEST) -o faulthandler_timeout=3600 \
		tests/test_stateful.py tests/test_fuzz.py tests/faults/test_crash.py

bench: $(RUNTIME)  ## Measure uploads and requests in a few minutes, and rewrite their tables in benchmarks/ (needs wrk)
	$(BIN)/python benchmarks/uploads.py
	$(BIN)/python benchmarks/requests.py --keep $(BENCH_DATA)

bench-large: $(RUNTIME)  ## Measure large data and its import, as bench does; takes an hour and BENCH_DATA 3 GB
	$(BIN)/python benchmarks/flat.py --keep $(BENCH_DATA)
	$(BIN)/python benchmarks/bulk.py --keep $(BENCH_DATA)

wheel: $(DEV)  ## Build the wheel and the source archive into dist/
	$(BIN)/python -m build

# instance/ stays: it is somebody's data.
clean:  ## Remove what make made
	rm -rf $(VENV) build dist *.egg-info .coverage* .hypothesis .import_linter_cache \
		.mypy_cache .pytest_cache .ruff_cache .schemathesis
	find . -name __pycache__ -prune -exec rm -rf {} +

$(RUNTIME): pyproject.toml
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3'; exit 1; }
	test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(DEV): $(RUNTIME)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,postgresql,redis]'
	touch $@
