# `make` lists the targets. Needs only Python 3.11 or newer and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# pip takes every version from here, those of the build tools too: the older name of the second
# variable is the first.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

PROJECTS := shared services/collector services/aggregator services/loader services/console
PYPROJECTS := $(addsuffix /pyproject.toml,$(PROJECTS))
# Most tests wait for processes that they started. What is left when a core has nothing to do is shared.
ON_ALL_CORES := --numprocesses=logical --maxprocesses=8 --dist=worksteal
CHECKED := shared/src $(wildcard services/*/src) tests $(patsubst %/__init__.py,%,$(wildcard benchmarks/__init__.py))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | while IFS='	' read -r name text; do \
		printf '  make %-10s %s\n' "$$name" "$$text"; done

.PHONY: venv
venv: $(VENV)/.tools ## install everything, with the test tools, into .venv

$(VENV)/.installed: constraints.txt $(PYPROJECTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'mailtally needs Python 3.11 or newer: name one, as in "make PYTHON=python3.12".' >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV) || { \
		echo 'The virtual environment could not be made: on Debian and Ubuntu, install python3-venv.' >&2; exit 1; }
	$(BIN)/python -m pip install --quiet pip
	$(BIN)/python -m pip install --quiet $(addprefix --editable ,$(addprefix ./,$(PROJECTS)))
	@touch $@

$(VENV)/.tools: $(VENV)/.installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	@touch $@

.PHONY: demo
demo: $(VENV)/.installed ## three pretended mail hosts, three days, and the bill
	@$(BIN)/mailtally demo

.PHONY: up
up: $(VENV)/.installed ## everything on this machine, for real; UP='--logs GLOB --data DIR'
	@$(BIN)/mailtally up $(UP)

.PHONY: test
test: $(VENV)/.tools ## all tests, on all cores; T='tests/unit -k name' for some, one by one
	@$(BIN)/pytest $(or $(T),$(ON_ALL_CORES))

.PHONY: lint
lint: $(VENV)/.tools ## the linter's and the formatter's verdict
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

.PHONY: types
types: $(VENV)/.tools ## the type checker's verdict
	@$(BIN)/mypy --strict $(CHECKED)

.PHONY: coverage
coverage: $(VENV)/.tools ## branch coverage of the pure modules, 95 % or more
	@NUMBA_DISABLE_JIT=1 MAILTALLY_TEST_PROFILE=coverage $(BIN)/pytest --quiet $(ON_ALL_CORES) \
		--cov --cov-config=tests/architecture/pure-modules.toml tests/unit

.PHONY: bench
bench: $(VENV)/.tools ## us beside mawk, Polars and others, and the targets; LINES=… REPEAT=… or SMALL=1
	@$(BIN)/python -m benchmarks $(if $(LINES),--lines $(LINES)) $(if $(REPEAT),--repeat $(REPEAT)) \
		$(if $(SMALL),--small)

.PHONY: guard
guard: $(VENV)/.tools ## has a kernel lost more than 15 %? ratios, not seconds; WRITE=1 takes a baseline
	@$(BIN)/python -m benchmarks.guard $(if $(WRITE),--write)

.PHONY: fuzz
fuzz: $(VENV)/.tools ## damage what comes from outside; SECONDS=… INPUTS=… SEED=… TARGETS='log qml'
	@$(BIN)/python -m tests.fuzz $(if $(SECONDS),--seconds $(SECONDS)) $(if $(INPUTS),--inputs $(INPUTS)) \
		$(if $(SEED),--seed $(SEED)) $(TARGETS)

.PHONY: faults
faults: $(VENV)/.tools ## a whole site under random faults; SEED=… or SEEDS=… or MINUTES=…, FIRST=…
	@$(BIN)/python -m tests.faults $(if $(SEED),--seed $(SEED)) $(if $(SEEDS),--seeds $(SEEDS)) \
		$(if $(MINUTES),--minutes $(MINUTES)) $(if $(FIRST),--first $(FIRST))

.PHONY: faults-named
faults-named: $(VENV)/.tools ## each named fault, among them kill -9 at every crash point
	@$(BIN)/pytest --quiet tests/faults

.PHONY: compose-test
compose-test: $(VENV)/.tools ## the cluster of docker-compose.yml, under fire, on a real Docker engine
	@$(BIN)/pytest tests/compose

WHEELHOUSE ?= wheelhouse

.PHONY: wheelhouse
wheelhouse: $(VENV)/.installed ## all that a mail host's collector needs, to install without a network
	@$(BIN)/python -m pip wheel --quiet --wheel-dir $(WHEELHOUSE) ./shared ./services/collector

.PHONY: mutation
mutation: $(VENV)/.tools ## break each safeguard in a copy of the tree; the tests must notice
	@$(BIN)/python -m tests.mutation

.PHONY: format
format: $(VENV)/.tools ## let the formatter have its way
	@$(BIN)/ruff format

.PHONY: clean
clean: ## remove what the other targets made
	rm -rf $(VENV) $(WHEELHOUSE) .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache demo-data
	find shared services tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
