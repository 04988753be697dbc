# `make demo` runs the main job, `make test` the tests, `make bench` prints figures. All set up what they need,
# in .venv and nowhere else; the tests also want Chromium, which comes from the system's packages.
PYTHON ?= python3
# Most tests wait for other processes: on two cores three at a time are quickest.
JOBS ?= 3
VENV := .venv
BIN := $(VENV)/bin
# The older generation of the CLI, carried by this wheel as a file (2.1.191).
OLDER_WHEEL := claude-agent-sdk==0.2.110
OLDER_CLI := $(VENV)/older-cli/claude_agent_sdk/_bundled/claude
# The CLI's public typings, which name every message it can send; a test compares them with what is known here.
# Pinned, so that a release of theirs is looked at when somebody raises it, and breaks nothing on its day.
TYPINGS_PACKAGE := @anthropic-ai/claude-agent-sdk@0.3.332
TYPINGS := $(VENV)/typings/package/sdk.d.ts
# TypeScript's compiler, which only checks the types of the page's scripts: they run as they are written.
TYPESCRIPT_PACKAGE := typescript@5.9.3
TSC := $(VENV)/$(TYPESCRIPT_PACKAGE)/package/bin/tsc
# The older generation of ipykernel, put in front of the newer one by tests that want it.
OLDER_KERNEL := $(VENV)/ipykernel-6
# What lets two pages work on one notebook, put in front of JupyterLab by the tests that want it.
COLLABORATION := $(VENV)/collaboration
# The classic notebook, which would put its pages into the other servers.
CLASSIC := $(VENV)/nbclassic
# An environment with the lowest versions of what the project needs.
FLOOR := $(VENV)/floor
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test check bench clean

demo: $(VENV)/.lab
	$(BIN)/claude-magic demo

test: $(VENV)/.test $(OLDER_CLI) $(OLDER_KERNEL) $(TYPINGS) $(COLLABORATION) $(CLASSIC) chromium check
	$(BIN)/python -m pytest --numprocesses=$(JOBS) --dist=loadfile

# What starts no kernel, browser, terminal or CLI: under two minutes.
QUICK := $(BIN)/python -m pytest --numprocesses=$(JOBS) --dist=loadfile -m "not (process or kernel or terminal or browser or bench)" --ignore=tests/session
.PHONY: quick
quick: $(TYPINGS) check
	$(QUICK)

# Branches too, by the quick tests but those of time, which tracing triples. Of what does no I/O nothing may be missed.
PURE := */commonmark/*,*/transcript/*,*/views/html/*,*/wire/*,*/wording/*,*/control_characters.py,*/errors.py,*/hooks.py,*/kernel/values/arrays.py,*/kernel/values/bounded.py,*/kernel/values/code.py,*/kernel/values/headlines.py,*/kernel/values/kinds.py,*/kernel/values/objects.py,*/kernel/values/static.py,*/kernel/values/tables.py,*/options.py,*/permissions.py,*/prompt.py,*/result.py,*/schema/*,*/support/paths.py,*/support/redact.py,*/tools.py
.PHONY: coverage
coverage: $(VENV)/.test $(TYPINGS)
	mkdir -p build
	$(QUICK) -q -k "not (bounded_time or linear_time or smoothly)" --cov --cov-report=
	$(BIN)/coverage report
	$(BIN)/coverage report --fail-under=100 --include="$(PURE)"

# The lowest versions that pyproject.toml allows, in an environment of their own: the quick tests and some kernels.
.PHONY: floor
floor: $(FLOOR)/.installed $(TYPINGS)
	$(FLOOR)/bin/python -m pytest -m "not (process or kernel or terminal or browser or bench)" --ignore=tests/session
	$(FLOOR)/bin/python -m pytest tests/magics/test_live_cells.py tests/magics/test_terminal_magics.py

# The whole run once more, to record how long each file takes: the longest are begun first.
.PHONY: durations
durations:
	CLAUDE_MAGIC_DURATIONS=1 $(MAKE) test

# Changes lines of the pure rooms, one at a time, and names the changes that no test notices.
.PHONY: mutants
mutants: $(VENV)/.test
	$(PIP) install mutmut==3.8.1
	$(BIN)/mutmut run
	$(BIN)/mutmut results

check: $(VENV)/.test $(TSC)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	node $(TSC) --project jsconfig.json

# Nine states of a turn, light and dark, narrow and wide, as pictures; and the full table of bytes (half an hour).
.PHONY: screenshots bytes
screenshots: $(VENV)/.test chromium
	CLAUDE_MAGIC_SCREENSHOTS=build/screenshots $(BIN)/python -m pytest -q --randomly-dont-reorganize tests/browser/test_looks.py -k state

bytes: $(VENV)/.test chromium
	CLAUDE_MAGIC_FULL_TABLE=1 $(BIN)/python -m pytest -q --randomly-dont-reorganize tests/browser/test_budget.py -k bytes

# How much code there is: lines, the lengths of functions, the modules that are short.
.PHONY: figures
figures: $(VENV)/.test
	@$(BIN)/python tests/support/code_figures.py

# Figures against the budgets, on a machine that does nothing else; `make test` runs a short form of it.
bench: $(VENV)/.test
	CLAUDE_MAGIC_BENCH=1 $(BIN)/python -m pytest tests/bench --randomly-dont-reorganize -s

# 200 random faults in three notebooks, then the same without the guard and without the recovery (ten minutes).
.PHONY: soak
soak: $(VENV)/.test $(OLDER_CLI)
	CLAUDE_MAGIC_BENCH=1 $(BIN)/python -m pytest tests/soak --randomly-dont-reorganize -rA

clean:
	rm -rf $(VENV) build dist

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.lab: pyproject.toml | $(BIN)/python
	$(PIP) install --editable '.[lab]'
	touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(PIP) install --editable '.[test]'
	touch $@

$(FLOOR)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m venv $(FLOOR)
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' \
	  | sed 's/>=/==/' > $(FLOOR)/constraints.txt
	$(FLOOR)/bin/python -m pip --disable-pip-version-check --quiet install --constraint $(FLOOR)/constraints.txt --editable '.[test]'
	touch $@

$(OLDER_CLI): | $(BIN)/python
	$(PIP) download --no-deps --dest $(VENV)/older-cli $(OLDER_WHEEL)
	$(BIN)/python -m zipfile --extract $(VENV)/older-cli/*.whl $(VENV)/older-cli
	rm $(VENV)/older-cli/*.whl
	chmod +x $@

$(OLDER_KERNEL): | $(BIN)/python
	$(PIP) install --no-deps --target $@ ipykernel==6.29.5 nest-asyncio

# $(call npm_unpack,FOLDER,PACKAGE,FILES) takes files out of a package without installing it.
npm_unpack = mkdir -p $(1) && tarball=$$(npm pack --silent --pack-destination $(1) $(2)) && \
  tar -xzf $(1)/$$tarball -C $(1) $(3) && rm $(1)/$$tarball && touch $@

$(TYPINGS): Makefile | npm
	$(call npm_unpack,$(VENV)/typings,$(TYPINGS_PACKAGE),package/sdk.d.ts)

$(TSC): | npm
	$(call npm_unpack,$(VENV)/$(TYPESCRIPT_PACKAGE),$(TYPESCRIPT_PACKAGE),package/bin package/lib package/package.json)

.PHONY: npm
npm:
	@command -v npm > /dev/null || { \
	  sudo=$$(test "$$(id -u)" = 0 || echo sudo); \
	  $$sudo apt-get update -q > /dev/null && $$sudo apt-get install -y -q npm > /dev/null; }

$(COLLABORATION): | $(BIN)/python
	$(PIP) install --no-deps --target $@ jupyter-collaboration==5.0.4 jupyter-collaboration-ui==3.0.4 \
	  jupyter-docprovider==3.0.4 jupyter-server-ydoc==3.0.4 jupyter-server-fileid==0.10.0 jupyter-ydoc==4.2.1 \
	  pycrdt==0.14.13 pycrdt-store==0.1.5 pycrdt-websocket==0.16.5 sqlite-anyio==0.2.10

$(CLASSIC): | $(BIN)/python
	$(PIP) install --no-deps --target $@ nbclassic==1.3.3 ipython-genutils==0.2.0

.PHONY: chromium
chromium:
	@command -v chromium > /dev/null || { \
	  sudo=$$(test "$$(id -u)" = 0 || echo sudo); \
	  $$sudo apt-get update -q > /dev/null && $$sudo apt-get install -y -q chromium > /dev/null; }
