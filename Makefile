# The index of commands. `make up` runs the product, `make test` proves it.
VENV ?= .venv
BIN = $(VENV)/bin
RUN = $(BIN)/python -P -m
# Modules of tests/ lie beside the packages: these need the checkout on the path.
RUN_TESTS = $(BIN)/python -m
PYTHON ?= $(shell for python in python3.11 python3; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && echo "$$python" && break; done)
PIP = $(BIN)/python -m pip install -qq --disable-pip-version-check --no-user
GRAPHIQL = graphql/kedang_graphql/static/graphiql/index.html
FONTS = platform/kedang_platform/documents/fonts/NotoSansSC_400Regular.ttf
TEST_WORKERS ?= 3
CLIENTS_NODE = tests/clients/node_modules/.kedang
CLIENTS_VENV = .venv-clients
TESTS ?= tests
ON_SERVERS ?= $(addprefix tests/,database grading live migrations operations pool reading trade work workers)
REQUESTS ?= 1000000

.DEFAULT_GOAL := help
POSTGRAPHILE = tests/bench/postgraphile/node_modules/.kedang

.PHONY: help up down test test-servers test-pages test-story test-clients test-faults faults check bench bench-gateway bench-memory demo-check requirements messages release-api web lock env moved

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

up: env  ## start everything here; Ctrl-C stops it
	@$(MAKE) --no-print-directory -s web || echo "GraphiQL and the fonts of PDF files could not be built (see above); everything else starts."
	@exec $(RUN) kedang_workers.cli up

down:  ## stop what `make up` started
	@test -x $(BIN)/python || { echo "Nothing is running: there is no environment yet."; exit 0; }; \
	exec $(RUN) kedang_workers.cli down

test: env $(FONTS)  ## the tests on the embedded servers
	@$(RUN_TESTS) pytest -q -n $(TEST_WORKERS) -m "not servers and not pages and not story and not clients and not faults and not bench" $(TESTS)

test-servers: env $(FONTS)  ## what speaks to the servers in a way of its own, on Debian's PostgreSQL and redis
	@$(RUN_TESTS) tests.support.own_servers -q -n $(TEST_WORKERS) -m "not pages and not story and not clients and not faults and not bench" $(ON_SERVERS)

test-pages: env  ## the pages in Debian's Chromium, on a phone and on a desk
	@$(RUN_TESTS) tests.support.chromium -q -m pages tests/pages tests/demo

test-story: env $(FONTS)  ## the main job from one command to the demonstration company
	@$(RUN_TESTS) tests.support.chromium -q -m story tests/demo

test-clients: env $(CLIENTS_NODE) $(CLIENTS_VENV)/.installed  ## other people's clients, unchanged, against the running product (needs Node 20)
	@$(RUN_TESTS) pytest -q -m clients tests/clients tests/docs

test-faults: env  ## what breaks while the product runs, the small form (docs/reliability.md)
	@$(RUN_TESTS) pytest -q -p no:cacheprovider -m faults tests/faults

faults: env  ## the same at length: SEED=... repeats a run, FAULTS="-k ..." takes a part of it
	@KEDANG_FAULTS=full KEDANG_FAULTS_SEED=$(SEED) $(RUN_TESTS) pytest -q -p no:cacheprovider -m faults $(FAULTS) tests/faults

check: env  ## format, lint, types, import contracts
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) mypy
	@$(BIN)/python -c "from importlinter.cli import lint_imports_command as lint; lint()"

bench: env  ## measure; the numbers belong into docs/benchmarks.md
	@$(RUN_TESTS) pytest -q -s -p no:cacheprovider -m "bench and not gateway_bench" tests/bench

bench-gateway: env $(POSTGRAPHILE)  ## measure the gateway beside PostGraphile 5 (needs Node 20 and Debian's wrk)
	@command -v wrk > /dev/null || { echo "wrk is needed: apt-get install wrk"; exit 1; }
	@$(RUN_TESTS) pytest -q -s -p no:cacheprovider -m gateway_bench --ignore tests/bench/gateway/test_memory.py tests/bench/gateway

bench-memory: env  ## the gateway's memory over REQUESTS requests of 10,000 documents (needs Debian's wrk)
	@command -v wrk > /dev/null || { echo "wrk is needed: apt-get install wrk"; exit 1; }
	@BENCH_REQUESTS=$(REQUESTS) $(RUN_TESTS) pytest -q -s -p no:cacheprovider -m gateway_bench tests/bench/gateway/test_memory.py

demo-check: env  ## compare the running demonstration company with figures worked out from its CSV files
	@$(RUN) kedang_workers.demo check

requirements: env  ## write docs/requirements.md (requirement -> tests), docs/asvs.md, docs/settings.md and graphql/schema.graphql
	@$(RUN_TESTS) tests.support.requirements
	@$(RUN_TESTS) tests.support.asvs
	@$(RUN_TESTS) tests.support.settings_table
	@$(RUN_TESTS) tests.support.sdl

messages: env  ## bring the Chinese catalogue up to date with the texts in the code
	@$(RUN_TESTS) tests.support.messages

release-api: env  ## date what is unreleased in docs/api/changelog.md; later changes are compared with the API as it is now
	@$(RUN_TESTS) tests.support.api_changes

web: $(GRAPHIQL) $(FONTS)  ## build GraphiQL and fetch the fonts of PDF files (needs Node 20)

NODE_MODULES = web/node_modules/.kedang
HAS_NODE = node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null

$(NODE_MODULES): web/package.json web/package-lock.json
	@if $(HAS_NODE); then \
		echo "Fetching what web/ needs ..." && cd web && npm ci --no-audit --no-fund --no-update-notifier --loglevel=error && touch ../$@; \
	else \
		echo "GraphiQL is not built and PDF files have no fonts: that needs Node 20.19 or later. Everything else works without it."; \
	fi

$(POSTGRAPHILE): tests/bench/postgraphile/package.json tests/bench/postgraphile/package-lock.json
	@$(HAS_NODE) || { echo "PostGraphile is fetched with the npm of Node 20.19 or later."; exit 1; }
	@echo "Fetching PostGraphile and Node 22 ..." && cd tests/bench/postgraphile && npm ci --no-audit --no-fund --no-update-notifier --loglevel=error && touch ../../../$@

$(CLIENTS_NODE): tests/clients/package.json tests/clients/package-lock.json
	@$(HAS_NODE) || { echo "The clients need Node 20.19 or later."; exit 1; }
	@echo "Fetching the clients of tests/clients ..."
	@cd tests/clients && npm ci --no-audit --no-fund --no-update-notifier --loglevel=error && touch ../../$@

# Clients written in Python have an environment of their own: what they need is nothing that the product needs.
$(CLIENTS_VENV)/.installed: tests/clients/requirements.lock
	@$(BIN)/python -m venv --clear $(CLIENTS_VENV)
	@echo "Installing the locked clients into $(CLIENTS_VENV) ..."
	@$(CLIENTS_VENV)/bin/python -m pip install -qq --disable-pip-version-check --no-user --require-hashes --only-binary=:all: -r $<
	@touch $@

$(GRAPHIQL): $(NODE_MODULES) web/tsconfig.json web/graphiql/vite.config.ts $(wildcard web/graphiql/*)
	@if test -e $(NODE_MODULES); then echo "Building GraphiQL ..." && cd web && npm run --silent build; fi

$(FONTS): $(NODE_MODULES) web/fonts.mjs
	@if test -e $(NODE_MODULES); then cd web && npm run --silent fonts && touch ../$@; fi

env: $(BIN)/.installed  ## make the environment from the hashed lock

# The environment knows absolute paths, so a folder that was moved gets its scripts written again.
ifneq ($(shell cat $(BIN)/.installed 2>/dev/null),$(CURDIR))
$(BIN)/.installed: moved
endif
$(BIN)/.installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 is needed (python3.11, or python3 of that version); PYTHON=... names another."; exit 1; }
	@$(BIN)/python -c "" 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing the locked packages into $(VENV) ..."
	@$(PIP) --require-hashes --only-binary=:all: -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@printf '%s' "$(CURDIR)" > $@

UV_COMPILE = uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header
lock:  ## resolve the dependencies again (needs uv)
	$(UV_COMPILE) --extra dev pyproject.toml -o requirements.lock
	$(UV_COMPILE) -c requirements.lock pyproject.toml -o requirements-run.lock
	$(UV_COMPILE) tests/clients/requirements.in -o tests/clients/requirements.lock
