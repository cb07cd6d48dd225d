PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OUT ?= out
PYTEST := $(BIN)/python -m pytest

.PHONY: help demo test test-long lint docs build clean

help:
	@echo "make demo       environment, then the whole pipeline on the built-in phantom, into $(OUT)/"
	@echo "make test       environment, system packages of a virtual display, lint, types, imports, tests"
	@echo "make test-long  the tests that need longer"
	@echo "make lint       lint, types and imports only"
	@echo "make docs       the documentation site, into site/"
	@echo "make build      wheel and source distribution, into dist/"

$(STAMP): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; name one, such as: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements-dev.txt
	$(BIN)/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP)
	$(BIN)/xct-crack demo $(OUT)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(STAMP) lint
	@$(PYTEST) -n 2 --dist loadfile --ignore tests/widgets
	@sh tests/display.sh $(PYTEST) tests/widgets

test-long: $(STAMP)
	@sh tests/display.sh $(PYTEST) -m long

docs: $(STAMP)
	$(BIN)/python -m pip install --disable-pip-version-check -q -e '.[docs]'
	$(BIN)/mkdocs build --strict

build: $(STAMP)
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) build dist site .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
