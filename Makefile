# Agora's commands. `make help` lists them. HOST, PORT and the AGORA_... variables of the README are honoured:
# `make run PORT=9000`.
.PHONY: help run install install-dev prepare test lint test-postgres check bench lock clean
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTEST ?= .venv/bin/pytest -n auto

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.installed-runtime ## Install what is missing, prepare the data folder and serve http://127.0.0.1:8000
	@exec .venv/bin/python -m agora.serve --end-with-parent

install: .venv/.installed-runtime ## Make .venv with the locked dependencies

install-dev: .venv/.installed-dev ## The same with what the tests and checks need

prepare: .venv/.installed-runtime ## Make keys, migrate and collect static files, without serving
	@.venv/bin/python -m agora.prepare

test: .venv/.installed-dev ## Run all tests on SQLite, those in a real browser included
	$(PYTEST)

lint: .venv/.installed-dev ## Check style, types, layers, migrations and settings
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	AGORA_DEBUG=on .venv/bin/mypy
	.venv/bin/lint-imports
	DJANGO_SETTINGS_MODULE=tests.settings .venv/bin/python manage.py makemigrations --check --dry-run
	DJANGO_SETTINGS_MODULE=tests.settings .venv/bin/python manage.py check --fail-level WARNING

test-postgres: .venv/.installed-dev ## Run the tests on a private PostgreSQL, without the browser
	AGORA_TEST_POSTGRES=1 $(PYTEST) -m "not browser"

check: lint test test-postgres ## Everything: lint, tests on SQLite, tests on PostgreSQL

bench: .venv/.installed-dev ## Measure speed at up to a million accounts (needs PostgreSQL and some minutes)
	.venv/bin/python -m bench

lock: .venv/.installed-dev ## Renew the locked dependencies from pyproject.toml
	bin/lock

clean: ## Remove .venv and caches; the data folder stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.installed-dev: tests/services/node/package-lock.json
.venv/.installed-%: requirements/%.txt requirements/installer.txt bin/install
	@bin/install $*
