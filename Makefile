# Everything that is done with this checkout. `make` alone lists the targets.
# Needs Debian or Ubuntu with Python 3.11 or newer, and a package index for pip.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
STAMPS := $(VENV)/.stamps
PYTHON := $(VENV)/bin/python
MANAGE := $(PYTHON) manage.py
PIP := $(PYTHON) -m pip --disable-pip-version-check
EARMARK_DATA_DIR ?= $(CURDIR)/var
export EARMARK_DATA_DIR DIR
# Each command is a process of its own: where it must not keep compiled code, it compiles all of
# Earmark first, which takes half as long again as the start itself.
unexport PYTHONDONTWRITEBYTECODE

MIGRATIONS := $(wildcard platform/earmark/*/migrations/*.py)
# One more than the two cores of a small machine: many tests wait for other processes.
JOBS ?= 3
ARGS ?=
PYTEST_ARGS ?=
# One thread per test process: with more, torch and NumPy on two cores wait for each other. Tests
# of one file stay together, for what they share is made once a process, until somebody is idle.
PYTEST := OMP_NUM_THREADS=1 $(PYTHON) -m pytest -n $(JOBS) --dist worksteal $(PYTEST_ARGS)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- set-up -----------------------------------------------------------------------------------

.PHONY: setup
setup: $(STAMPS)/runtime data ## Install what Earmark needs, make the database

$(STAMPS)/venv:
	@sh .ci/make-venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

# pip learnt dependency groups in 25.1; the groups keep the test tools out of users' way.
$(STAMPS)/runtime: pyproject.toml $(STAMPS)/venv
	@echo "Installing Earmark and its dependencies into $(VENV); the first time takes some minutes."
	@$(PIP) install --quiet "pip>=25.1"
	@$(PIP) install --quiet --editable .
	@touch $@

$(STAMPS)/dev: pyproject.toml plugins/example/pyproject.toml $(STAMPS)/runtime
	@echo "Installing the tools for tests into $(VENV)."
	@$(PIP) install --quiet --group dev
	@$(PIP) install --quiet --no-deps --editable plugins/example
	@touch $@

# In the shell and not as make targets: the data folder's name may hold spaces. Earmark works
# without WordNet, so its absence must not stop the set-up; the command says what is missing.
.PHONY: data
data: $(STAMPS)/runtime
	@mkdir -p "$$EARMARK_DATA_DIR"
	@stamp="$$EARMARK_DATA_DIR/.wordnet"; test -e "$$stamp" || { \
	    $(MANAGE) setup_wordnet || echo "Going on without synonyms. To try again: make wordnet"; \
	    touch "$$stamp"; }
	@stamp="$$EARMARK_DATA_DIR/.migrated"; \
	    test -e "$$stamp" && test -z "$$(find $(MIGRATIONS) -newer "$$stamp")" || { \
	    $(MANAGE) migrate --verbosity 0 && touch "$$stamp"; }

.PHONY: wordnet
wordnet: $(STAMPS)/runtime ## Fetch WordNet for synonyms, once more
	@$(MANAGE) setup_wordnet

# --- use --------------------------------------------------------------------------------------

.PHONY: tag
tag: setup ## Tag a folder of sounds: make tag DIR=/path [ARGS="--dry-run"]; without DIR a demo
ifeq ($(strip $(DIR)),)
	@$(MANAGE) demo "$(EARMARK_DATA_DIR)/demo"
	@$(MANAGE) tag "$(EARMARK_DATA_DIR)/demo" $(ARGS)
else
	@$(MANAGE) tag "$$DIR" $(ARGS)
endif

.PHONY: up
up: setup ## Serve the web pages and work on what is started there; Ctrl-C stops both
	@exec $(MANAGE) up $(ARGS)

.PHONY: max
max: setup ## Stand in for the IBM MAX Audio Classifier on port 5000; Ctrl-C stops it
	@exec $(MANAGE) max $(ARGS)

# --- checks -----------------------------------------------------------------------------------

# The environment first: it may need apt, as the programs do, which lets in one at a time.
.PHONY: test
test: $(STAMPS)/venv ## Everything CI checks
	@$(MAKE) --jobs=2 --output-sync=target programs $(STAMPS)/dev
	@$(MAKE) --jobs=2 --output-sync=target types tests

# mypy keeps one core busy for long, and many tests wait. Its words come in one piece, at its end;
# those of the tests come as they are said, and one after the other.
.PHONY: tests
tests: $(STAMPS)/dev
	@$(MAKE) --output-sync=none data lint
	@$(MAKE) --output-sync=none test-sqlite
	@$(MAKE) --output-sync=none test-postgres

.PHONY: lint
lint: $(STAMPS)/dev ## Style, import rules, migrations
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(VENV)/bin/lint-imports --no-logo
	DJANGO_SETTINGS_MODULE=earmark.settings.test $(MANAGE) makemigrations --check --dry-run

.PHONY: types
types: $(STAMPS)/dev ## Static types
	$(PYTHON) -m mypy

.PHONY: test-sqlite
test-sqlite: $(STAMPS)/dev programs ## All tests, databases on SQLite
	$(PYTEST)

.PHONY: test-postgres
test-postgres: $(STAMPS)/dev ## The database tests once more, on PostgreSQL
	$(PYTHON) tests/with_postgres.py $(PYTEST) -m django_db tests/integration tests/chaos

.PHONY: programs
programs:
	@sh .ci/install-programs

.PHONY: bench
bench: setup $(STAMPS)/dev ## Measure; the tables are kept in bench/results
	@set -e; for file in $$(grep -l '^if __name__ ==' bench/*.py); do \
	    echo "== $$file"; $(PYTHON) "$$file"; done

.PHONY: fuzz
fuzz: $(STAMPS)/dev ## Long fuzzing of the metadata code
	$(PYTHON) -m tests.fuzz $(ARGS)

.PHONY: schemathesis
schemathesis: $(STAMPS)/dev ## Ask the API all that its document allows, as everybody
	EARMARK_API_EXAMPLES=100 $(PYTHON) tests/with_postgres.py $(PYTHON) -m pytest --timeout 3600 \
	    tests/integration/api/test_schemathesis.py $(PYTEST_ARGS)

.PHONY: chaos
chaos: $(STAMPS)/dev programs ## Workers, servers, clocks and volumes fail during a run
	$(PYTHON) -m tests.chaos $(ARGS)

.PHONY: clean
clean: ## Remove the virtual environment and caches; data and results stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
