# arenite's commands.  A bare `make` lists them; each sets up by itself what it needs (pip is the only thing that downloads).

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# a test may take that many seconds; otherwise pyproject.toml says how many
PATIENT := PYTEST_TIMEOUT=7200 $(PYTEST) -o faulthandler_timeout=7500

.DEFAULT_GOAL := help
.PHONY: help demo test check format bless spec wasi programs fuzz mutants xisa bench relative docs size clean compiled browser

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.with-python compiled  ## CPython 3.12 inside arenite: booted, frozen, forked a thousand times, resumed elsewhere, and as a sandbox
	@$(BIN)/python tools/demo.py

test: $(VENV)/.with-test compiled browser  ## all tests, with samples of the large official suites
	$(PYTEST) --ignore=tests/xisa --numprocesses=auto --maxprocesses=4 --dist=loadfile

check: $(VENV)/.with-dev  ## format, lint, types, import rules, generated documents
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/docs.py --check

format: $(VENV)/.with-dev  ## format the code and apply the linter's safe fixes
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bless: $(VENV)/.with-test compiled  ## rewrite the golden output of the file tests; review the diff
	ARENITE_BLESS=1 $(PYTEST) tests/filetests

spec: $(VENV)/.with-test compiled  ## the whole official WebAssembly test suite, on each tier
	ARENITE_SPEC=all $(PATIENT) tests/spec

wasi: $(VENV)/.with-test compiled  ## the official WASI test suite, on each tier
	$(PYTEST) tests/wasi

programs: $(VENV)/.with-test compiled  ## real programs from PyPI and npm, and guests that other toolchains build, compared with recorded output
	ARENITE_PROGRAMS_RUN=all $(PATIENT) tests/programs tests/guests

fuzz: $(VENV)/.with-test compiled  ## random modules on every engine, 20,000 of control flow alone, and as many that are frozen and moved, 100,000 mutated ones beside wasm-tools, 100,000 corruptions and altered snapshots of each tier, 1,000 pieces of code that means harm in boxes, 200 programs that go on elsewhere, 200 ways of each guest, 1,000 histories of forks and files, 100,000 stores, forks and traps
	ARENITE_FUZZ=1000 ARENITE_VECTORS=all $(PATIENT) tests/differential tests/property/test_fork_random.py tests/property/test_histories.py
	$(BIN)/python tests/differential/side.py --count 20000
	$(BIN)/python tests/differential/side.py --count 20000 --hopping
	$(BIN)/python tests/fuzz/mutate.py --count 100000
	$(BIN)/python tests/fuzz/corrupt.py --count 100000
	$(BIN)/python tests/fuzz/alter.py --count 100000
	$(BIN)/python tests/fuzz/hostile.py --count 1000
	ARENITE_RESUME=200 $(PATIENT) tests/property/test_resume.py
	ARENITE_STRESS=all $(PATIENT) tests/stress

mutants: $(VENV)/.with-test  ## small faults put into the code one by one: the tests named for each must notice it
	$(BIN)/python tests/mutants/run.py

xisa: $(VENV)/.with-test compiled  ## aarch64 under qemu-user: tests of what depends on the CPU, and guests on both CPUs
	$(BIN)/python tools/xisa.py
	$(PATIENT) tests/xisa

bench: $(VENV)/.with-bench compiled  ## run times beside other engines; `make bench relative`: relative pointers beside raw ones, and their page
	$(BIN)/python -m bench$(if $(filter relative,$(MAKECMDGOALS)),.relative)

relative: bench
	@:

docs: $(VENV)/.with-dev  ## write docs/reference and the tables of README.md again from the sources
	$(BIN)/python tools/docs.py

size: $(VENV)/.with-dev  ## lines per package
	$(BIN)/python tools/size.py

clean:  ## remove the environment and everything compiled
	rm -rf $(VENV) build src/*.egg-info
	find src \( -name '*.so' -o -name '__pycache__' -o -name built \) -prune -exec rm -rf {} +

# ------------------------------------------------------------------------------------------------------------- set-up

# A Debian without python3-venv has no ensurepip: the system's own pip then installs pip into the new environment.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "arenite needs Python 3.11 or later: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV) 2>/dev/null || \
	  { $(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install -q pip; }

# One stamp per extra, renewed when what is to be installed changes.  The hot modules are compiled by `compiled`, not by pip.
$(VENV)/.with-%: pyproject.toml $(wildcard setup.py) | $(BIN)/python
	ARENITE_PURE=1 $(BIN)/python -m pip install -q --disable-pip-version-check -e '.[build,$*]'
	@touch $@

browser:
	@$(BIN)/python tests/browser.py

compiled:
	@$(BIN)/python tools/build.py
