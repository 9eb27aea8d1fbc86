# What there is to do with a checkout. It needs Python 3.11 or newer and make; the rest is put into .venv, once.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEVELOPING := $(VENV)/.developing
DOCUMENTING := $(VENV)/.documenting
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-fast campaign clocks check lint types arrows lines picture reference site bench man dist wheel clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/\1 \2/p' $(MAKEFILE_LIST) | while read -r name what; do \
		printf '  make %-10s %s\n' "$$name" "$$what"; done

demo: $(INSTALLED)  ## install ccops into .venv and see the whole story, in under a minute
	@$(BIN)/ccops demo
	@echo "(Here, ccops is $(BIN)/ccops; pipx install . makes it a command of yours.)"

test: $(DEVELOPING)  ## run the tests
	$(BIN)/pytest --numprocesses auto

test-fast: $(DEVELOPING)  ## run the tests that need no killed process, browser or terminal: a minute and a half
	$(BIN)/pytest --numprocesses auto -m 'not campaign and not slow'

campaign: $(DEVELOPING)  ## run the long tests: hundreds of killed processes, many seeds, more examples
	$(BIN)/pytest -m campaign
	$(BIN)/pytest --hypothesis-profile searching --numprocesses auto tests/operations tests/config tests/app tests/report

clocks: $(DEVELOPING)  ## run the tests as on the first of a month, on New Year's Eve and on a February 29 (Linux only; needs a C compiler)
	.ci/by-other-clocks

check: $(DEVELOPING) lint types arrows lines  ## run every other check

lint: $(DEVELOPING)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(DEVELOPING)
	$(BIN)/mypy

arrows: $(DEVELOPING)
	$(BIN)/lint-imports

lines:
	@find src tests benchmarks docs -name '*.py' -exec wc -l {} + | awk '$$2 != "total" && $$1 > 600 { \
		print $$2 ": " $$1 " lines; the house allows 600"; long = 1 } END { exit long }'

picture: $(INSTALLED)  ## draw docs/terminal.svg anew, from a real run
	$(BIN)/python docs/picture.py

reference: $(INSTALLED)  ## write anew what the pages in docs/ take from the code
	@$(BIN)/python -m docs.reference

site: $(DOCUMENTING)  ## build the pages in docs/ as a site in build/site; it needs no network to be built or read
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@$(BIN)/python -m docs.alone build/site

bench: $(INSTALLED)  ## measure how long ccops takes to start
	$(BIN)/python benchmarks/startup.py

man: $(INSTALLED)  ## write the man pages to build/man, from the help of the commands
	@rm -rf build/man
	@$(BIN)/python -m docs.manpages build/man

dist: $(DEVELOPING) man  ## build dist/ccops-….tar.gz and dist/ccops-….whl, the version from src/ccops/__init__.py
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation
	@ls -l dist

wheel: dist  ## install that wheel into an empty environment elsewhere, and try it there
	@PYTHON=$(BIN)/python .ci/try-wheel dist/*.whl

clean:  ## throw the installation and all caches away
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { \
		echo "make: this needs Python 3.11 or newer, with its venv module (on Debian and Ubuntu: apt install python3-venv)."; \
		echo "      If it is there under another name: make $(MAKECMDGOALS) PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "make: no environment could be made (on Debian and Ubuntu: apt install python3-venv)."; exit 1; }

$(INSTALLED): pyproject.toml | $(BIN)/python
	@echo "Installing ccops into $(VENV), once …"
	@$(PIP) install --editable .
	@touch $@

$(DEVELOPING): pyproject.toml $(INSTALLED)
	@echo "Installing what the tests and checks need, once …"
	@$(PIP) install --upgrade 'pip>=25.1'  # the first that knows --group
	@$(PIP) install --group dev
	@touch $@

$(DOCUMENTING): pyproject.toml $(INSTALLED)
	@echo "Installing what the site is built with, once …"
	@$(PIP) install --upgrade 'pip>=25.1'  # the first that knows --group
	@$(PIP) install --group docs
	@touch $@
