# `make` alone lists the targets. Needed beforehand: Python 3.11 or newer, and make.

PYTHON ?= python3
UV_VERSION = 0.13.8

BIN = .venv/bin
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCK_UV = build/lock/bin/uv

# Compiled modules are kept: tests load the cogs hundreds of times.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help run test test-postgres soak clean-root check lock bench clean FORCE

help:
	@echo "make run             set up, then start the bot; without a token, the demo"
	@echo "make test            format, lint and type checks, all tests, coverage"
	@echo "make check           format, lint and type checks only"
	@echo "make test-postgres   tests of storage, services, the program, permissions and two servers on PostgreSQL"
	@echo "make soak            kill the program 200 times, at random moments"
	@echo "make clean-root      install and run the program in a new Debian root, as root"
	@echo "make bench           run every bench/*.py"
	@echo "make lock            write requirements/*.txt anew from pyproject.toml (UPGRADE=1: newest)"
	@echo "make clean           remove what the other targets made; data and settings stay"

# The bot's own settings reader has the last word on the token; here it is only asked whether one is there.
run: .venv/.stamp-demo
	@if [ -n "$$STIPEND_DISCORD_TOKEN$$DISCORD_TOKEN" ] || grep -Eqs \
	    "^[[:space:]]*(export[[:space:]]+)?(STIPEND_)?DISCORD_TOKEN[[:space:]]*=[[:space:]]*[\"']?[^\"'#[:space:]]" config.env; then \
	    exec $(BIN)/python -m bot; \
	else \
	    echo "No STIPEND_DISCORD_TOKEN in the environment or in config.env: starting the demo."; \
	    exec $(BIN)/python -m bot demo; \
	fi

check: .venv/.stamp-test
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy

# Each worker writes a data file of its own, so they are combined before the two reports.
test: check
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -n auto --dist worksteal
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report --fail-under=95
	$(BIN)/python -m coverage report --fail-under=100 --include='bot/domain/*,bot/services/*'

# The tests start a server of their own where PostgreSQL is installed, and are skipped elsewhere.
test-postgres: .venv/.stamp-test
	STIPEND_TEST_POSTGRES=1 $(BIN)/python -m pytest -n auto --dist worksteal tests/services \
	    tests/storage tests/wire tests/cogs/test_permissions.py tests/cogs/test_two_servers.py

soak: .venv/.stamp-test
	$(BIN)/python -m tests.wire.soak --kills 200

clean-root:
	deploy/clean-root.sh

bench: .venv/.stamp-test
	@set -e; for script in bench/*.py; do \
	    [ -e "$$script" ] || { echo "There is no bench/*.py."; break; }; \
	    echo "== $$script"; \
	    PYTHONPATH=. $(BIN)/python "$$script"; \
	done

# The largest set is resolved first and the others are cut from it, so the three never disagree.
# The files hold for every Python from 3.11 on and every platform; only the default index is asked.
lock: $(LOCK_UV)
	$(call compile,test,--extra demo --extra postgres --extra test)
	$(call compile,demo,--extra demo --constraints requirements/test.txt)
	$(call compile,postgres,--extra postgres --constraints requirements/test.txt)
	$(call compile,run,--constraints requirements/test.txt)

compile = $(LOCK_UV) pip compile --quiet --no-config --universal --python-version 3.11 \
	--fork-strategy fewest --generate-hashes --no-emit-index-url --no-emit-find-links --strip-extras \
	--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) $(2) \
	--output-file requirements/$(1).txt pyproject.toml

$(LOCK_UV): .venv/.stamp-venv Makefile
	$(BIN)/python -m venv build/lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

clean:
	rm -rf .venv build stipend-demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.*
	find bot cogs storage tests bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

.venv/.stamp-demo .venv/.stamp-test: .venv/.stamp-%: requirements/%.txt .venv/.stamp-venv
	@echo "Installing requirements/$*.txt into .venv (once, about a minute) ..."
	@$(PIP_INSTALL) --no-compile --require-hashes --requirement requirements/$*.txt
	@touch $@

# Made again when its interpreter is gone (the system's Python was replaced, the folder was copied).
.venv/.stamp-venv: $(if $(shell test -x $(BIN)/python && echo there),,FORCE)
	@found=; recent=; \
	for python in "$(PYTHON)" python3.13 python3.12 python3.11 python3.14; do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    recent=$$python; \
	    "$$python" -c 'import ensurepip, venv' 2>/dev/null || continue; \
	    found=$$python; break; \
	done; \
	if [ -n "$$found" ]; then \
	    rm -rf .venv && "$$found" -m venv .venv && touch $@; \
	elif [ -n "$$recent" ]; then \
	    echo "$$recent cannot make virtual environments: install its venv package (Debian, Ubuntu: apt install python3-venv)." >&2; exit 1; \
	else \
	    echo "Stipend needs Python 3.11 or newer: install it (Debian, Ubuntu: apt install python3-venv), or name it with: make PYTHON=/path/to/python3" >&2; exit 1; \
	fi
