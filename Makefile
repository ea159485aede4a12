# make demo      reads the built-in portrait: table, annotated clip and plot in mien-demo/
# make test      the tests that are quick and need nothing but Python
# make test-all  all tests, which takes several times as long
# make test-torch, make test-plain: what trains, on torch, and on TensorFlow as older processors have it
# make coverage  all tests in one process, and which lines they ran
# make check     format, lint, types, import layers
# make docs      the documentation's site, in build/site
# Each makes .venv when it is missing and installs what it needs; only Python 3.11-3.13 and make are expected.

FITS := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
# The first that really runs: a name may be there as an empty shell (a shim of a version manager).
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3 python; do \
	$$name -c '$(FITS)' 2>/dev/null && { echo $$name; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
FILES := src tests benchmarks examples docs/animation.py docs/build_site.py docs/screenshots.py docs/own_neutral.py

# Tests that compute with Keras.
TRAINING := tests/train tests/cli/test_train.py tests/cli/test_compare.py tests/contracts/test_networks.py
# The matrices are small: threads that wait for each other would take a third of the tests' processor time.
export OPENBLAS_NUM_THREADS ?= 1
# Where it is set, each process would make anew what pytest makes of the tests' assertions, for twelve seconds.
unexport PYTHONDONTWRITEBYTECODE
IN_TWO := --numprocesses 2 --dist loadfile

.PHONY: demo test test-all test-torch test-plain coverage check docs format constraints clean

demo: $(VENV)/.user
	$(BIN)/mien demo

# In two processes, a file's tests in one: some files start a browser or train a network once for all of theirs.
# What --quick leaves out is marked in tests/marks.py and, with the reasons, in pyproject.toml.
test: $(VENV)/.developer
	$(BIN)/python -m pytest --quick $(IN_TWO) $(ARGS)

test-all: $(VENV)/.developer
	$(BIN)/python -m pytest $(IN_TWO) $(ARGS)

test-torch: $(VENV)-torch/.ready
	KERAS_BACKEND=torch $(VENV)-torch/bin/python -m pytest $(IN_TWO) $(TRAINING) $(ARGS)

# oneDNN, which TensorFlow switches on by the processor's instructions, has kernels that are nowhere else.
test-plain: $(VENV)/.developer
	KERAS_BACKEND=tensorflow TF_ENABLE_ONEDNN_OPTS=0 $(BIN)/python -m pytest $(IN_TWO) $(TRAINING) $(ARGS)

coverage: $(VENV)/.developer
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest $(ARGS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

check: $(VENV)/.developer
	$(BIN)/ruff format --check $(FILES)
	$(BIN)/ruff check $(FILES)
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.developer
	$(BIN)/python docs/build_site.py

format: $(VENV)/.developer
	$(BIN)/ruff format $(FILES)
	$(BIN)/ruff check --fix $(FILES)

# The versions that CI and `make` install; uv is only the tool that writes the file.
constraints: $(VENV)/.developer
	$(PIP) install uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --no-annotate --no-header --no-emit-index-url \
		--extra train --extra heic --extra web --extra mqtt --extra record --extra postgres --extra encrypted --extra privacy --extra signals --extra study --extra tables --extra videos --extra ray \
		--group dev --output-file constraints.txt pyproject.toml

$(VENV)/.pip: constraints.txt
	@test -n "$(PYTHON)" && $(PYTHON) -c '$(FITS)' || \
		{ echo "mien needs Python 3.11, 3.12 or 3.13: make PYTHON=/path/to/python" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade "pip>=25.1"
	@touch $@

# What a user needs: no training framework. Python compiles what is imported; all of it would take longer than the demo.
$(VENV)/.user: $(VENV)/.pip pyproject.toml
	$(PIP) install --no-compile --constraint constraints.txt --editable ".[web,record]"
	@touch $@

$(VENV)/.developer: $(VENV)/.user
	$(PIP) install --constraint constraints.txt --editable ".[train,web,mqtt,record,postgres,encrypted,privacy,signals,study,tables,videos,ray]" --group dev
	@touch $@

# One version of torch, so that two runs are alike. Not in constraints.txt: the libraries for graphics cards that its
# usual wheel wants would fill that with what nobody else needs. The wheel for the processor alone does as well.
$(VENV)-torch/.ready: $(VENV)/.pip pyproject.toml
	test -x $(VENV)-torch/bin/python || $(BIN)/python -m venv $(VENV)-torch
	$(VENV)-torch/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		torch==2.13.0 --editable ".[train-torch]" hypothesis pytest pytest-xdist
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-torch build dist mien-demo mien-results .coverage* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
