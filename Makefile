# Python 3.11, its venv module, make and git are enough: everything else is put into .venv.
#
#   make run    the panel            make test   the whole suite
#   make demo   with a simulated Ollama         make lint   style, types, imports, migrations
#                                               make bench  how fast it is (docs/performance.md)
#   make test-postgresql   what touches the database, on PostgreSQL and Redis
#                                               make soak   what grows over time
#                                               make chaos  what it survives
#   ARGS="--bind 127.0.0.1:9000" goes to `ollamactl up`, PYTEST_ARGS="-k pull" to pytest,
#   BENCH_ARGS="start --json bench-results/start.json" to the bench, SOAK_ARGS="--minutes 60" to
#   the soak.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
UV_VERSION := 0.13.9
UV_INSTALL := VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip install --quiet
CATALOGUES := $(wildcard locale/*/LC_MESSAGES/*.po)
COMPILED := $(CATALOGUES:.po=.mo)
# A folder for one command, with the settings of a public panel.
THROWAWAY_HOME = home=$$(mktemp -d) && trap "rm -rf $$home" EXIT && env OLLAMACTL_HOME=$$home \
	OLLAMACTL_PUBLIC_URL=https://panel.example.com DJANGO_SETTINGS_MODULE=ollamactl.settings.base
JOBS ?= 2
# Where this is set each process compiles 1,400 files anew, which is half the time of a start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run demo install dev test coverage test-postgresql bench chaos soak lock messages clean \
	lint lint-style lint-types lint-imports lint-migrations lint-deploy
.DEFAULT_GOAL := run

run: install
	@exec $(BIN)/ollamactl up $(ARGS)

demo: install
	@exec $(BIN)/ollamactl up --demo $(ARGS)

install: $(VENV)/.installed $(COMPILED)

dev: install $(VENV)/.installed-dev

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "Python's venv module is missing; on Debian: apt install python3-venv" >&2; exit 1; }
	@echo "Making the environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# The stamps lie in the environment, so that they go when it goes.
$(VENV)/.installed: requirements.lock pyproject.toml | $(UV)
	@echo "Installing the packages ..."
	@$(UV_INSTALL) --require-hashes -r requirements.lock
	@$(UV_INSTALL) --no-deps -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock | $(UV)
	@echo "Installing the packages for development ..."
	@$(UV_INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

%.mo: %.po $(VENV)/.installed
	@$(BIN)/python -m ollamactl.messages

test: dev
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

# Which lines and branches the suite reaches; it takes half as long again.
coverage: dev
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --cov --cov-branch --cov-report=term $(PYTEST_ARGS)

# What touches the database, on PostgreSQL, with Redis as the broker. Tests that are made on the
# simulated Ollama and on the real one are made on the simulated one: to the database it is the same.
POSTGRESQL_TESTS := tests/api tests/search tests/pages tests/tasks tests/models tests/socket tests/audit tests/metrics \
	--ignore tests/socket/test_live_script.py --ignore tests/socket/test_slow_client.py \
	--ignore tests/socket/test_limits.py --ignore tests/socket/test_origin.py
test-postgresql: dev
	$(BIN)/python -m tests.components.outside $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder \
		$(POSTGRESQL_TESTS) -k "not [real" $(PYTEST_ARGS)

bench: dev
	$(BIN)/python -m bench $(BENCH_ARGS)

# Faults in the middle of pulls; CHAOS_ARGS="--quick" for a few.
chaos: dev
	$(BIN)/python -m chaos $(CHAOS_ARGS)

soak: dev
	$(BIN)/python -m bench.soak $(SOAK_ARGS)

# `make --keep-going lint` names everything that is wrong at once.
lint: lint-style lint-types lint-imports lint-migrations lint-deploy

lint-style: dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

lint-types: dev
	$(BIN)/mypy

lint-imports: dev
	$(BIN)/lint-imports

lint-migrations: dev
	$(THROWAWAY_HOME) $(BIN)/python manage.py makemigrations --check --dry-run

lint-deploy: dev
	$(THROWAWAY_HOME) $(BIN)/python manage.py check --deploy --fail-level WARNING

# After a change of the dependencies in pyproject.toml.
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header pyproject.toml
lock: | $(UV)
	$(LOCK) -o requirements.lock
	$(LOCK) --extra dev -o requirements-dev.lock

# Collects the messages from the sources (needs GNU gettext), tidies and compiles them.
messages: dev
	$(BIN)/python -m django makemessages --locale en --locale zh_Hans --no-obsolete --no-wrap \
		--add-location file --ignore "tests/*" --ignore ".venv/*"
	$(BIN)/python -m ollamactl.messages tidy

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache htmlcov test-results bench-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
