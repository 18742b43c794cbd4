# `make serve` and `make test` do all the set-up they need: python3 (3.11 or newer) and a package
# registry are enough. Everything is installed below this folder: .venv/ and .tools/.

PYTHON ?= python3
PORT   ?= 8080
HOST   ?= 127.0.0.1
STORE  ?= .wheelyard
WORKERS ?= 1
STACK_CONFIG ?= default
FUZZ_SECONDS ?= 60

VENV  := .venv
BIN   := $(VENV)/bin
TOOLS := .tools/bin
# MiniStack runs the functions with its own Python, so that one is Lambda's, and has what Lambda's has.
EMULATOR := --with aws-sam-translator==1.115.0 --with boto3==1.44.5 ministack==1.4.21
LAYER := layers/wheelyard
ASL_VALIDATOR := .tools/node/node_modules/.bin/asl-validator
CODE  := $(LAYER)/wheelyard functions tests benchmarks

export PIP_DISABLE_PIP_VERSION_CHECK = 1
export WHEELYARD_TOOLS = $(abspath $(TOOLS))

.DEFAULT_GOAL := help
.PHONY: help serve demo test check format bench fuzz build validate deploy lock clean

help:  ## What there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  Variables of serve: PORT=$(PORT) HOST=$(HOST) STORE=$(STORE) WORKERS=$(WORKERS)"
	@echo "                      UPSTREAM=<url|none> REINDEX_EVERY=<minutes>"

# By the environment, where no list of processes shows it: the URL may carry credentials.
ifdef UPSTREAM
serve: export UPSTREAM_INDEX_URL = $(UPSTREAM)
endif
serve: $(VENV)/.runtime  ## Run an index on this machine
	@for given in 'PORT=$(PORT)' 'WORKERS=$(WORKERS)'; do case "$${given#*=}" in \
		'' | *[!0-9]*) echo "$$given is no number: make serve $${given%%=*}=<number>" >&2; exit 2;; esac; done
	@exec $(BIN)/wheelyard serve --store '$(STORE)' --host '$(HOST)' --port '$(PORT)' --workers '$(WORKERS)' \
		$(if $(REINDEX_EVERY),--reindex-every '$(REINDEX_EVERY)')

demo: $(VENV)/.development $(TOOLS)/.installed  ## Publish and install a small package, start to finish
	@$(BIN)/python tests/demo.py

test: $(VENV)/.development $(TOOLS)/.installed  ## Run all tests
	$(BIN)/pytest -n 2 --dist loadgroup --cov --cov-report=term

check: $(VENV)/.development $(TOOLS)/.installed $(ASL_VALIDATOR)  ## Formatting, lint, types, template, workflow
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(CODE)
	$(TOOLS)/cfn-lint template.yaml
	$(TOOLS)/cfn-lint --regions us-east-1 --template fronts/*.yaml
	for template in template.yaml fronts/*.yaml; do \
		AWS_DEFAULT_REGION=us-east-1 $(TOOLS)/sam validate --lint --template $$template || exit 1; done
	$(ASL_VALIDATOR) $(addprefix --json-path ,$(wildcard statemachines/*.asl.json))

format: $(VENV)/.development  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.development  ## Measure, beside the peers: a short run, or the whole with FULL=1
	@PYTHONPATH=$(LAYER):tests:benchmarks $(BIN)/python benchmarks/bench.py $(if $(FULL),--full) \
		$(if $(RESULTS),--results $(RESULTS)) $(if $(ONLY),--only $(ONLY))

fuzz: $(TOOLS)/.fuzz  ## Fuzz the parsers of uploads for FUZZ_SECONDS each
	@for target in tests/fuzz/fuzz_*.py; do echo "== $$target"; \
		PYTHONPATH=$(LAYER):tests .tools/fuzz/bin/python $$target -verbosity=0 -max_total_time=$(FUZZ_SECONDS) || exit 1; done

build: export PATH := $(abspath $(BIN)):$(PATH)
build: $(TOOLS)/.installed  ## Build the AWS application into .aws-sam/
	$(TOOLS)/sam build

validate: $(TOOLS)/.installed  ## Check the template
	AWS_DEFAULT_REGION=eu-central-1 $(TOOLS)/sam validate --lint

deploy: build  ## Deploy to AWS with the current credentials (STACK_CONFIG=default|prod)
	$(TOOLS)/sam deploy --guided --config-env $(STACK_CONFIG)

# --- set-up ---

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is too old: Wheelyard needs Python 3.11 or newer (make PYTHON=python3.13 …)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment: on Debian, apt install python3-venv" >&2; exit 1; }

$(VENV)/.runtime: $(LAYER)/pyproject.toml $(LAYER)/requirements-cli.txt | $(BIN)/python
	@echo "Installing what the index needs into $(VENV)/ …"
	@$(BIN)/python -m pip install -qq --require-hashes -r $(LAYER)/requirements-cli.txt
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable $(LAYER)
	@touch $@

$(VENV)/.development: $(VENV)/.runtime tests/requirements.txt
	@echo "Installing what the tests need into $(VENV)/ …"
	@$(BIN)/python -m pip install -qq --require-hashes -r tests/requirements.txt
	@touch $@

$(TOOLS)/.installed: tests/clients.txt | $(VENV)/.development
	@echo "Installing the real clients into .tools/ …"
	@grep -v '^#' tests/clients.txt | while read -r tool; do \
		UV_TOOL_DIR=.tools/environments UV_TOOL_BIN_DIR=$(TOOLS) \
		$(BIN)/uv tool install --quiet --python $(BIN)/python $$tool || exit 1; done
	@PYENV_VERSION=3.13 UV_TOOL_DIR=.tools/environments UV_TOOL_BIN_DIR=$(TOOLS) \
		$(BIN)/uv tool install --quiet --python 3.13 $(EMULATOR) || \
		echo "There is no Python 3.13, which is Lambda's: the tests of the deployment will be skipped" >&2
	@touch $@

$(ASL_VALIDATOR): tests/clients.txt
	@npm install --silent --no-save --prefix .tools/node $$(sed -n 's/^# npm: //p' tests/clients.txt)
	@touch $@

$(TOOLS)/.fuzz: $(LAYER)/requirements-cli.txt | $(VENV)/.development
	@$(BIN)/uv venv --quiet --python $(BIN)/python .tools/fuzz
	@$(BIN)/uv pip install --quiet --python .tools/fuzz --require-hashes -r $(LAYER)/requirements-cli.txt
	@$(BIN)/uv pip install --quiet --python .tools/fuzz $$(sed -n 's/^# fuzz: //p' tests/clients.txt)
	@touch $@

lock:  ## Renew the pinned dependencies, without index addresses
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-emit-index-url --no-header \
		--extra cli --extra build $(LAYER)/pyproject.toml --output-file $(LAYER)/requirements-cli.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-emit-index-url --no-header \
		--constraint $(LAYER)/requirements-cli.txt --group dev --output-file tests/requirements.txt
	$(MAKE) --directory $(LAYER) lock UV=$(abspath $(BIN)/uv)

clean:  ## Remove everything that was installed or built here, but not the store
	rm -rf $(VENV) .tools .aws-sam .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
