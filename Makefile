# make demo                  train on drawn seashells on the CPU, in minutes
# make photos DATA=FOLDER    the same on one's own photographs
# make test                  lint, format check and tests
# All set everything up in .venv first; they need Python 3.10-3.12, git and pip.

VENV := .venv
BIN := $(VENV)/bin
CONSTRAINTS := requirements/constraints.txt
REQUIREMENTS := $(wildcard requirements/*.txt)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# The first interpreter of a supported version that really runs; PYTHON=... overrides it.
PYTHON ?= $(shell for p in python3 python3.12 python3.11 python3.10; do \
	$$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null \
	&& echo $$p && break; done)

.PHONY: demo photos test lint install install-dev clean

demo: install
	$(BIN)/python tools/train.py configs/fncontra/projected_demo.py
	$(BIN)/python tools/report.py work_dirs/fncontra/projected_demo
	@echo
	@echo 'Look at work_dirs/fncontra/projected_demo: samples/, negatives.png, curves.png, report.html'

# Another folder for each set of photographs: WORK_DIR=work_dirs/cats
WORK_DIR ?= work_dirs/photos

photos:
	@test -n '$(DATA)' || { echo 'error: name a folder or zip of images: make photos DATA=path/to/images' >&2; exit 1; }
	@$(MAKE) --no-print-directory install
	$(BIN)/python tools/train.py configs/fncontra/projected_photos.py --data '$(DATA)' --work-dir '$(WORK_DIR)'
	$(BIN)/python tools/report.py '$(WORK_DIR)'
	@echo
	@echo 'Look at $(WORK_DIR): samples/, report.html'

test: install-dev lint
	CUDA_VISIBLE_DEVICES= $(BIN)/python -m pytest -q --doctest-modules mmfncontra
	@# Two processes at a time, one thread each: most tests are too small for more threads. In the order
	@# of their names: by the number of tests, files with a few long ones would come last and leave one
	@# process idle.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder tests

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

install: $(VENV)/.installed

install-dev: $(VENV)/.installed-dev

$(VENV)/.installed: $(REQUIREMENTS) setup.cfg setup.py pyproject.toml
	@test -n '$(PYTHON)' || { echo 'error: no Python 3.10, 3.11 or 3.12 found; install one, or name it: make demo PYTHON=/path/to/python3.11' >&2; exit 1; }
	@echo 'Setting up $(VENV) with $(PYTHON): about 3 GB to download the first time, a few minutes'
	@# Debian's and Ubuntu's Python comes without what venv needs; virtualenv does without.
	$(BIN)/python -m pip --version >/dev/null 2>&1 \
		|| $(PYTHON) -m venv --clear $(VENV) 2>/dev/null \
		|| { $(PYTHON) -m pip install --quiet --target $(VENV)-bootstrap virtualenv \
			&& PYTHONPATH=$(VENV)-bootstrap $(PYTHON) -m virtualenv --quiet --clear $(VENV) \
			&& rm -rf $(VENV)-bootstrap; }
	$(PIP) -c $(CONSTRAINTS) --upgrade pip setuptools
	$(PIP) -c $(CONSTRAINTS) -r requirements/runtime.txt -r requirements/pretrained.txt
	$(PIP) --no-deps -c $(CONSTRAINTS) -r requirements/mm.txt
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed projects/ssl/requirements.txt
	@# mmagic is here without the dependencies it declares, which pip would call a conflict.
	$(PIP) --no-warn-conflicts -c $(CONSTRAINTS) -r requirements/dev.txt -r projects/ssl/requirements.txt
	@touch $@

clean:
	rm -rf $(VENV) work_dirs build *.egg-info
