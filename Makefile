# make demo and make test do everything on a fresh machine; the rest are their parts.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.periplus-ready
PHOTOS ?=
QUERIES ?=
DEMO   := demo

# One BLAS thread a process: work is spread over processes, and two layers of threads fight.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

.PHONY: help setup demo test check bench landmarks browser clean

help:    ## show this list
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+): [^#]*## /make \1\t/' | expand -t 16

setup: $(STAMP)   ## make the virtual environment

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,heif,learn,onnx,plots]"
	# The peer that we are compared with: its wheel alone, since the torchvision that it asks for breaks transformers.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps geoclip
	touch $@

demo: setup   ## locate photos of a made town (or of yours: make demo PHOTOS=folder) and write demo/report.html
	$(BIN)/python scripts/demo.py --out $(DEMO) $(if $(PHOTOS),--photos "$(PHOTOS)")

test: setup browser check   ## run every check and every test
	$(BIN)/python -m pytest -n 2 --dist loadfile -m slow
	@echo "All checks and tests passed."

check: setup   ## the checks and tests that take seconds
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not slow"

browser:   # the report is tested in a real browser
	@test -x /usr/bin/chromium || (apt-get update -q && apt-get install -y -q --no-install-recommends chromium fonts-dejavu-core)

bench: setup   ## run the benchmarks; results go to benchmarks/results
	$(BIN)/python -m benchmarks.verification
	$(BIN)/python -m benchmarks.indexing
	$(BIN)/python -m benchmarks.search
	$(BIN)/python -m benchmarks.san_francisco
	$(BIN)/python -m benchmarks.retrieval
	$(BIN)/python -m benchmarks.reranking
	$(BIN)/python -m benchmarks.onnx
	$(BIN)/python -m benchmarks.imports
	$(BIN)/python -m benchmarks.spatial
	$(BIN)/python -m benchmarks.spatial_large --interrupt
	$(BIN)/python -m benchmarks.spatial_fits

landmarks: setup   ## train the best landmark encoder (about half an hour) and ask it: make landmarks QUERIES=table.csv
	$(BIN)/periplus train experiments/landmarks-44/best.toml --resume $(if $(QUERIES),--ask "$(QUERIES)")

clean:   ## remove what was built
	rm -rf $(VENV) .venv-peers $(DEMO) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
