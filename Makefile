# ForgeBench: `make help` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
# Whatever is installed already will do for the demo.
CORE := $(if $(wildcard $(VENV)/dev.stamp),$(VENV)/dev.stamp,$(VENV)/core.stamp)

.DEFAULT_GOAL := help
.PHONY: help demo test check soak perf pictures schemas pages docs audit clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/core.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing ForgeBench (about a minute) …"
	$(PIP) --editable .
	touch $@

$(VENV)/dev.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing ForgeBench with all that its tests need (a few minutes) …"
	$(PIP) --editable '.[dev]'
	touch $@ $(VENV)/core.stamp

demo: $(CORE)  ## install the core, and run the whole story on bundled photographs
	$(BIN)/forgebench demo

test: $(VENV)/dev.stamp  ## install what the tests need, and pass them
	$(BIN)/python -m pytest --numprocesses logical --dist loadfile

check: $(VENV)/dev.stamp  ## lint and types
	$(BIN)/ruff check .
	$(BIN)/mypy

soak: $(VENV)/dev.stamp  ## the long proofs in full: damaged files, flipped bits, kills
	FORGEBENCH_SOAK=1 $(BIN)/python -m pytest -m soak --timeout 3600

perf: $(VENV)/dev.stamp  ## measure speed and memory against the floor (see perf/README.md)
	$(BIN)/python -m perf.scoring
	$(BIN)/python -m perf.building
	$(BIN)/python -m perf.synthesis
	$(BIN)/python -m perf.degrading
	$(BIN)/python -m perf.baselines

pictures: $(VENV)/dev.stamp  ## make the README's pictures again
	$(BIN)/python -m docs.generate.pictures

schemas: $(VENV)/dev.stamp  ## write the JSON Schemas again
	$(BIN)/python -m docs.generate.schemas

pages: $(VENV)/dev.stamp  ## write the generated pages of the documentation again
	$(BIN)/python -m docs.generate.dataset_table
	$(BIN)/python -m docs.generate.definitions
	$(BIN)/python -m docs.generate.metrics

audit: $(VENV)/dev.stamp  ## licences and known vulnerabilities of what is installed
	$(BIN)/python -m tests.dependencies

docs: $(VENV)/dev.stamp  ## build the documentation site, strictly
	$(BIN)/python -m mkdocs build --strict

clean:  ## remove the venv and what the demo made
	rm -rf $(VENV) forgebench-demo
