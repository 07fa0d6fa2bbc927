# Everything a person or a build machine does with Headlight. `make` lists it.

PYTHON ?= python3
PORT ?= 8501
DEVICE ?= auto
MODEL ?=
DATA ?=
OUT ?=
BENCH ?= *
TEXTS ?=
PAGES ?=
MODELS ?=
SKIP ?= 0
QUICK ?=

VENV := .venv
BIN := $(VENV)/bin
PO := $(wildcard locale/*/LC_MESSAGES/headlight.po)
MO := $(PO:.po=.mo)
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check

# A stamp is newer than what it was made from: an unchanged file installs nothing again.
MADE := $(VENV)/.made
FOR_RUN := $(VENV)/.installed-run
FOR_DEV := $(VENV)/.installed-dev

# Spinning OpenMP threads starve one another on small machines; the app and the tests wait instead.
export OMP_WAIT_POLICY ?= PASSIVE
# numpy's threads wait for one another by spinning, too: a product of 8 rows took 9 ms with two of
# them beside other work, and 0.2 ms with one.
export OPENBLAS_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check test-architectures hostile fix catalogs train evaluate bench clean
.PHONY: asked lint catalogs-check browser

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(FOR_RUN) $(MO) ## set up what is missing, then serve the app on PORT (8501)
	@exec $(BIN)/streamlit run app.py --server.port $(PORT) --server.headless true

test: $(FOR_DEV) $(MO) lint catalogs-check browser ## everything that must pass: style, types, catalogs, all tests
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

check: $(FOR_DEV) $(MO) lint catalogs-check ## the same without a browser and without slow tests
	@$(BIN)/python -m pytest -m "not slow and not browser"

test-architectures: $(FOR_DEV) ## record every text model of transformers; writes docs/architectures.md
	@$(BIN)/python -m pytest tests/architectures/every_entry.py

hostile: $(FOR_DEV) $(MO) browser ## any texts through every page and model: TEXTS=FILE.json [PAGES=…] [MODELS=…] [SKIP=n] [QUICK=1]
	@$(BIN)/python -m tests.browser.any_text $(if $(TEXTS),"$(TEXTS)") --skip "$(SKIP)" \
	  $(if $(PAGES),--pages $(PAGES)) $(if $(MODELS),--models $(MODELS)) $(if $(QUICK),--quick)

fix: $(FOR_DEV) ## mend what ruff can mend, format, bring the catalogs up to date
	@$(BIN)/ruff check --fix --exit-zero
	@$(BIN)/ruff format
	@$(MAKE) --no-print-directory catalogs

catalogs: $(FOR_DEV) ## extract the texts, update and compile the translations
	@$(BIN)/python scripts/catalogs.py update
	@$(BIN)/python scripts/catalogs.py compile

train: asked $(FOR_DEV) ## train a built-in model: MODEL=writer [DATA=FOLDER] [DEVICE=auto] [OUT=FOLDER]
	@$(BIN)/python -m model_runtime.builtin train "$(MODEL)" --device "$(DEVICE)" \
	  $(if $(DATA),--data "$(DATA)") $(if $(OUT),--out "$(OUT)")

evaluate: asked $(FOR_DEV) ## measure a built-in model: MODEL=writer [DATA=FOLDER] [OUT=FOLDER]
	@$(BIN)/python -m model_runtime.builtin evaluate "$(MODEL)" \
	  $(if $(DATA),--data "$(DATA)") $(if $(OUT),--out "$(OUT)")

bench: $(FOR_DEV) $(MO) ## run the benchmarks, or one: BENCH=name for benchmarks/bench_name.py
	@found=; for file in benchmarks/bench_$(BENCH).py; do \
	  test -e "$$file" || continue; found=1; \
	  name=$${file#benchmarks/}; $(BIN)/python -m "benchmarks.$${name%.py}" || exit $$?; \
	done; test -n "$$found" || { echo "There is no benchmarks/bench_$(BENCH).py."; exit 2; }

clean: ## remove caches and compiled catalogs; keeps the models and .venv
	@find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis $(MO)

# The steps behind the targets above.

asked:
	@test -n "$(MODEL)" || { echo "Say which model: MODEL=reversal"; exit 2; }

lint: $(FOR_DEV)
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || \
	  { echo "The files above are not formatted: make fix"; exit 1; }
	@$(BIN)/mypy

catalogs-check: $(FOR_DEV)
	@$(BIN)/python scripts/catalogs.py check

browser: $(FOR_DEV)
	@sh scripts/find_browser.sh $(BIN)/python

%.mo: %.po $(FOR_RUN) scripts/catalogs.py
	@$(BIN)/python scripts/catalogs.py compile $<

$(MADE):
	@sh scripts/make_venv.sh "$(PYTHON)" $(VENV)
	@touch $@

$(FOR_RUN): requirements.txt $(MADE)
	@echo "Installing what Headlight needs; the first time takes some minutes."
	@$(PIP) -r requirements.txt
	@touch $@

$(FOR_DEV): requirements-dev.txt $(FOR_RUN)
	@echo "Installing what its tests and training need."
	@$(PIP) -r requirements-dev.txt
	@touch $@
