# Every target sets up what it needs: a virtual environment in .venv with the versions of constraints.txt.
# The set-up is repeated only when pyproject.toml or constraints.txt changes.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

export MPLBACKEND = Agg
export SDL_VIDEODRIVER = dummy
export PYGAME_HIDE_SUPPORT_PROMPT = 1

.PHONY: help setup browser demo test test-all lint format bench bench-peers practical practical-open clean

help:
	@echo "make demo      compare equivariant and plain PPO on CartPole-v1: 20 seeds each, a table and figures in runs/"
	@echo "make test      the test suite (without tests marked slow)"
	@echo "make test-all  every test"
	@echo "make lint      ruff and pyright"
	@echo "make bench     the benchmarks; raw results in benchmarks/results/"
	@echo "make bench-peers  other libraries' layers beside ours, each in an environment of its own (needs gfortran)"
	@echo "make practical  the notebooks: practical/student and, executed, practical/solution"
	@echo "make practical-open  start JupyterLab on them"
	@echo "make clean     remove the virtual environment and caches"

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "symmdp needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && apt-get update -qq && apt-get install -y -qq python3-venv; } \
	  || { echo "symmdp needs Python's venv module (Debian: apt-get install python3-venv)"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --editable '.[dev]'
	@touch $(READY)

# The tests look at reports in a browser. As root on Debian it is installed; elsewhere, without one, those tests are skipped.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	  || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq \
	  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; \
	  else echo "Chromium is not installed, so no test looks at a report (Debian: apt-get install chromium)"; fi

demo: setup
	$(BIN)/symmdp compare CartPole-v1

test: setup browser
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-all: setup browser
	$(BIN)/python -m pytest -n 2

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup
	$(BIN)/python benchmarks/layers.py
	$(BIN)/python benchmarks/growth.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/import_time.py
	$(BIN)/python benchmarks/environments.py
	$(BIN)/python benchmarks/verification.py
	$(BIN)/python benchmarks/finite.py

bench-peers: setup
	$(BIN)/python benchmarks/peers.py

practical: setup
	$(BIN)/symmdp practical build

practical-open: setup
	@$(BIN)/python -c 'import jupyterlab' 2>/dev/null \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt jupyterlab
	@ls practical/student/*.ipynb >/dev/null 2>&1 || $(BIN)/symmdp practical build --no-execute
	env -u MPLBACKEND -u SDL_VIDEODRIVER $(BIN)/python -m jupyterlab --ServerApp.root_dir=practical

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
