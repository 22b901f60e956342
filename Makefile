# Each target does all of its own set-up in .venv: it needs Python 3.11 or later, make and a package registry.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
# Versions are pinned for 3.11 and for 3.12 and later: the newest JAX needs 3.12.
PINS = constraints/python$$($(BIN)/python -c 'import sys; print("3.11" if sys.version_info < (3, 12) else "3.12")').txt
# Quietest: only errors are shown. The build back-end is pinned too, so builds are not isolated.
PIP = $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint $(PINS)

.PHONY: quickstart test lint bench clean

quickstart: $(VENV)/.installed
	$(BIN)/recbench run quickstart

# Most of the time of the tests is that of compilers, which take one core: two processes share them. Files go in their
# order: by the number of their tests, those with a long one would come last, and one process would wait for the other.
test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q tests/benchmarks

clean:
	rm -rf $(VENV) build dist

$(VENV)/.created:
	@test -n "$(PYTHON)" || { echo "recbench needs Python 3.11 or later: none was found on the PATH" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml $(wildcard constraints/*.txt)
	@echo "Installing recbench into $(VENV) ..."
	@$(PIP) hatchling editables
	@$(PIP) --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing the tools for development into $(VENV) ..."
	@$(PIP) --no-build-isolation --editable '.[dev]'
	@touch $@
