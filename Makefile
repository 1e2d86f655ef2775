# make demo: from a fresh clone to a trained, tested and compared CSRE model
# make test: from a fresh clone to the verdict of every check

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
DEMO := data/demo
RUNS := work_dirs

.PHONY: demo test lint types suite clean

demo: $(READY)
	$(BIN)/python tools/data/make_synthetic.py $(DEMO)/raw
	$(BIN)/python tools/data/prepare_ntu.py $(DEMO)/raw $(DEMO)/demo.pkl --dataset ntu60
	@$(MAKE) --no-print-directory $(DEMO)/scores_ctrgcn_demo.pkl $(DEMO)/scores_csre_ctrgcn_demo.pkl
	$(BIN)/python tools/analysis/confusion.py --classes synthetic --pairs 0,1 2,3 4,5 \
		--out $(DEMO)/confusion.png \
		baseline=$(DEMO)/scores_ctrgcn_demo.pkl csre=$(DEMO)/scores_csre_ctrgcn_demo.pkl
	$(BIN)/python tools/publish.py "$$(cat $(RUNS)/csre_ctrgcn_demo/last_checkpoint)" \
		$(DEMO)/csre_ctrgcn_demo.pth
	@cp $(DEMO)/scores_ctrgcn_demo.pkl $(RUNS)/ctrgcn_demo/scores.pkl
	@cp $(DEMO)/scores_csre_ctrgcn_demo.pkl $(RUNS)/csre_ctrgcn_demo/scores.pkl
	$(BIN)/python tools/analysis/report.py baseline=$(RUNS)/ctrgcn_demo \
		csre=$(RUNS)/csre_ctrgcn_demo --out $(DEMO)/report.html

$(DEMO)/scores_%.pkl: $(READY) $(DEMO)/demo.pkl
	$(BIN)/python tools/train.py configs/$*.py --seed 0
	$(BIN)/python tools/test.py configs/$*.py "$$(cat $(RUNS)/$*/last_checkpoint)" --dump $@

test: lint types suite

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

suite: $(READY)
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist worksteal

$(READY): setup.py pyproject.toml csre_mm/version.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) $(DEMO) $(RUNS)/ctrgcn_demo $(RUNS)/csre_ctrgcn_demo build *.egg-info
