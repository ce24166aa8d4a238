# Cutover's menu: `make help`.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
LOCKS := requirements.txt app/requirements-test.txt
STAMP := .venv/.stamp

.PHONY: help setup host demo test prove bench lint lock clean

help: ## this menu
	@grep -hE '^[a-z]+:.*##' Makefile | sed 's/:.*##/:/' | awk -F: '{printf "  make %-8s %s\n", $$1, $$2}'

setup: host $(STAMP) ## make this machine ready: packages, Docker, .venv

host:
	@.ci/host.sh

$(STAMP): $(LOCKS) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Error: Python 3.11 or later is needed; set PYTHON=" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv 2>/dev/null || { rm -rf .venv; apt-get install -qq -y python3-venv >/dev/null && $(PYTHON) -m venv .venv; }
	@echo "installing the locked dependencies"
	@test -x $(BIN)/uv || $(BIN)/python -m pip install -q --disable-pip-version-check "$$(sed -n 's/^\(uv==[^ ]*\).*/\1/p' requirements.txt)"
	@$(BIN)/uv pip sync -q --require-hashes $(LOCKS)
	@$(BIN)/uv pip install -q --no-deps --editable .
	@touch $@

demo: setup ## two releases and a broken one, cut over under load on this machine
	@$(BIN)/cutover demo

test: setup ## the whole test suite
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --timeout 600

prove: setup ## the long lists, for real
	@$(BIN)/python -m pytest -m prove --timeout 1200

bench: setup ## how long calls take, what a step costs, how fast AWS on this machine is
	@$(BIN)/python -m benchmarks.calls
	@$(BIN)/python -m benchmarks.exec_overhead
	@$(BIN)/python -m benchmarks.aws

lint: $(STAMP) ## ruff, mypy, import-linter, cfn-lint, check-jsonschema, zizmor
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/cfn-lint infra/templates/*.yaml
	@$(BIN)/check-jsonschema -q --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/zizmor --quiet --offline --min-severity medium .github

lock: $(STAMP) ## write the lock files anew
	@$(BIN)/uv pip compile -q pyproject.toml --extra cli --extra local --group dev --generate-hashes --universal --no-header --python-version 3.11 -o requirements.txt
	@$(BIN)/uv pip compile -q --group service --generate-hashes --universal --no-header --python-version 3.11 -o app/requirements.txt
	@$(BIN)/uv pip compile -q --group service-test --generate-hashes --universal --no-header --python-version 3.11 -o app/requirements-test.txt
	@$(BIN)/uv pip compile -q pyproject.toml --extra cli --group host --generate-hashes --universal --no-header --python-version 3.11 -o ci/requirements.txt
	@$(BIN)/uv pip compile -q --group deployer --generate-hashes --universal --no-header --python-version 3.11 -o ci/ecs/requirements.txt
	@$(BIN)/uv pip compile -q --group locker --generate-hashes --universal --no-header --python-version 3.11 -o ci/locker/requirements.txt
	@$(BIN)/uv pip compile -q --group linter --generate-hashes --universal --no-header --python-version 3.11 -o ci/steps/lint-requirements.txt
	@$(BIN)/uv pip compile -q --group reporter --generate-hashes --universal --no-header --python-version 3.11 -o ci/report/requirements.txt
	@$(BIN)/uv pip compile -q --group scanner --generate-hashes --universal --no-header --python-version 3.11 -o ci/scan/requirements.txt
	@$(BIN)/uv pip compile -q --group trivy --generate-hashes --universal --no-header --python-version 3.11 -o ci/scan/requirements-trivy.txt

clean: ## remove .venv, reports, and AWS on this machine
	@test ! -x $(BIN)/cutover || $(BIN)/cutover local down
	@rm -rf .venv report .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
