# Every target that needs Python first brings .venv up to date with requirements.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV_VERSION := 0.13.9
export PYTHONPATH := $(CURDIR)
DATA ?=

.PHONY: install check format lint types imports ui test test-live test-all demo up down bench lock

install: $(STAMP)

$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "AstrID needs Python 3.11 or newer; try: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --requirement requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $(STAMP)

check: lint types imports test ## everything that must be green

format: install
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

lint: install
	$(BIN)/ruff format --check
	$(BIN)/ruff check

types: install
	$(BIN)/mypy

imports: install
	$(BIN)/lint-imports

ui: export PATH := $(CURDIR)/$(BIN):$(PATH)
ui: install ## build the curation page with the Node of .venv, after its own tests
	npm --prefix plugins/web ci
	npm --prefix plugins/web run check
	npm --prefix plugins/web run build

test: install ## the default suite on every core, under 15 minutes on 2
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

test-live: install ## starts the whole system and breaks it; minutes
	$(BIN)/python -m pytest -m live

demo: install ## one night on Airflow; DATA=DIR for your own FITS files
	$(BIN)/python -m include.local demo $(if $(DATA),--data "$(DATA)")

up: install ## start PostgreSQL and Airflow with the UI
	$(BIN)/python -m include.local up

down: install ## stop them
	$(BIN)/python -m include.local down

bench: install ## speed and quality beside peers
	$(BIN)/python -m benchmarks.run

EXTRA := include/deploy/requirements-extra.txt
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-annotate --custom-compile-command "make lock"

lock: ## resolve pyproject.toml anew into requirements.txt, and what only images need into a second lock beside it
	$(COMPILE) --extra dev --output-file requirements.txt pyproject.toml
	$(COMPILE) --constraint requirements.txt --extra celery --extra gpu --extra kafka --extra sentry --output-file $(EXTRA).all pyproject.toml
	{ echo "# What the images have beyond requirements.txt; written by make lock."; grep -vxFf requirements.txt $(EXTRA).all; } > $(EXTRA)
	rm $(EXTRA).all
