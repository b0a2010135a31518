# Everything a newcomer needs: each target installs first, and only when pyproject.toml or constraints.txt changed.
# ARGS= is passed on: make sweep ARGS="hydra.sweeper.n_trials=5"
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
FASHION := .venv/fashion-mnist
TESTS := -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

.PHONY: sweep train test coverage services browser foreign slow lint bench tensorboard dashboard dist clean

sweep: $(INSTALLED)        ## the main job: 30 pruned TPE trials, results, test evaluation
	$(BIN)/python train.py -m study_name=digits_mlp $(ARGS)

train: $(INSTALLED)        ## one run
	$(BIN)/python train.py $(ARGS)

test: $(INSTALLED)         ## unit and contract tests; ARGS=tests: every test but the slow ones, three times as long
	$(BIN)/python $(TESTS) $(if $(findstring tests,$(ARGS)),,tests/contract tests/unit) $(ARGS)

coverage: $(INSTALLED)     ## all but the slow tests, and what share of each file's lines they run, in all processes: 2 x as long
	rm -f .venv/coverage.data*
	$(BIN)/python -m coverage run $(TESTS) $(ARGS); code=$$?; \
	$(BIN)/python -m coverage combine --quiet && $(BIN)/python -m coverage report && exit $$code

services: $(INSTALLED)     ## tests with PostgreSQL and, as root, Slurm: Debian's packages as in .ci/services
	$(BIN)/python -m pytest -m '(postgres or slurm) and not gpu' $(ARGS)

browser: .venv/extra-browser .venv/extra-dashboard ## tests that open pages in Debian's chromium: apt-get install chromium, or .ci/browser as root
	$(BIN)/python -m pytest -m browser tests/browser $(ARGS)

foreign: $(INSTALLED)      ## every learner and data module of tests/foreign: swept, killed, resumed, evaluated; 3 minutes
	$(BIN)/python -m pytest -m 'slow and not gpu' --numprocesses auto --dist load tests/integration/test_foreign_*.py $(ARGS)

slow: $(INSTALLED) $(FASHION) ## the full recipes against their numbers, and make foreign: about 8 minutes
	$(BIN)/python -m pytest -m 'slow and not gpu' --numprocesses auto --dist load $(ARGS)

lint: $(INSTALLED)         ## ruff, mypy (strict), the layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(INSTALLED)        ## every figure of docs/benchmarks.md with its limit, 20 minutes; ARGS="--only k o" measures some
	$(BIN)/python scripts/bench $(ARGS)

tensorboard: $(INSTALLED)  ## curves of every run and sweep
	$(BIN)/tensorboard --logdir outputs $(ARGS)

dashboard: .venv/extra-dashboard ## optuna-dashboard on a study: make dashboard STUDY=outputs/sweeps/first
	$(BIN)/python scripts/dashboard.py $(or $(STUDY),$(error which study? make dashboard STUDY=outputs/sweeps/first)) $(ARGS)

dist: $(INSTALLED)         ## a wheel of the library and the sweeper, for other Hydra apps; conf/ stays in the clone
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .

clean:                     ## the environment and the caches; outputs/ stays
	rm -rf .venv dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(FASHION): $(INSTALLED)     # Debian's package of the real images, unpacked without installing it
	mkdir -p .venv/debian
	cd .venv/debian && apt-get download dataset-fashion-mnist
	dpkg -x .venv/debian/dataset-fashion-mnist_*.deb $@

.venv/extra-%: $(INSTALLED)  # what few need, and is large: an extra of pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[$*]'
	touch $@

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@
