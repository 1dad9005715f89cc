# make run    install into .venv (once) and open the dashboard: PORT=8600, ADDRESS=0.0.0.0
# make test   every check: make lint, then all tests, the slow and the browser ones too: PYTEST_ARGS="-k vote"
# make lint   ruff, mypy, import-linter
# make fast   the tests that take no training and no browser

PYTHON ?= python3
PORT ?=
ADDRESS ?= localhost
PYTEST_ARGS ?=
# Test processes, one torch thread each; a test file stays in one process.
WORKERS ?= 2

VENV := .venv
RUN := $(VENV)/bin/python
# pip runs again only when the file a stamp depends on is newer than the stamp.
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
PIP_INSTALL := $(RUN) -m pip install --disable-pip-version-check

.DEFAULT_GOAL := run
.PHONY: run test lint fast install install-dev
.DELETE_ON_ERROR:

run: install
	@$(RUN) -m streamlit run dashboard/app.py --server.address $(ADDRESS) $(if $(PORT),--server.port $(PORT))

test: lint
	OMP_NUM_THREADS=1 $(RUN) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

fast: install-dev
	OMP_NUM_THREADS=1 $(RUN) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not slow and not browser" $(PYTEST_ARGS)

lint: install-dev
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports --no-logo

install: $(INSTALLED)
install-dev: $(INSTALLED_DEV)

$(INSTALLED): requirements.txt $(RUN)
	$(PIP_INSTALL) -r requirements.txt
	@touch $@

$(INSTALLED_DEV): requirements-dev.txt requirements-extras.txt $(INSTALLED)
	$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@

$(RUN):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) \
		|| { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment: install its venv package (python3-venv)."; exit 1; }
