# Two commands: `make run` and `make test`. Each does all its own set-up in .venv/.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DATABASE ?= sqlite:///engagement.db
PORT ?= 8000
ENGINE ?= docker
BENCH ?=
REGRET ?= --quick

.DEFAULT_GOAL := help
.PHONY: help run test check slow bench regret speed tools audit wheel sbom image openapi examples lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

# Dependencies come by name, version and hash; the project itself is installed as it stands.
$(VENV)/.run: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Set PYTHON=…") if sys.version_info < (3, 11) else 0'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what the service needs (once, about a minute) …"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@echo "Installing what the tests need (once, about a minute) …"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

run: $(VENV)/.run ## Start the service with the example program at 127.0.0.1:8000
	@$(BIN)/engagement serve --database $(DATABASE) --port $(PORT) --example

test: $(VENV)/.dev ## All tests, on SQLite and on a real PostgreSQL
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

check: $(VENV)/.dev ## Lint, types, floors
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

slow: $(VENV)/.dev ## Long studies, full-size fault tests, and a search for what breaks a law
	@$(BIN)/python -m pytest -m "slow or hypothesis" --hypothesis-profile=search

bench: $(VENV)-bench/.done ## Measurements side by side, printed as ratios; in short: BENCH=--quick
	@PYTHONPATH=services:tests $(VENV)-bench/bin/python benchmarks/throughput.py $(BENCH)

# Peers live in an environment of their own: their pins cannot clash with the service's.
$(VENV)-bench/.done: pyproject.toml
	@test -x $(VENV)-bench/bin/python || $(PYTHON) -m venv $(VENV)-bench
	@echo "Installing what the service is measured against (once, some minutes) …"
	@$(VENV)-bench/bin/python -m pip install -qq --disable-pip-version-check -e '.[bench]'
	@touch $@

regret: $(VENV)-bench/.done ## Regret beside other libraries, three seeds; all: REGRET="--seeds 30 --json regret.json"
	@PYTHONPATH=services:tests $(VENV)-bench/bin/python benchmarks/regret.py $(REGRET)

speed: $(VENV)-bench/.done ## Time of a decision beside other libraries
	@PYTHONPATH=services:tests $(VENV)-bench/bin/python benchmarks/speed.py

# What checks deploy/ has an environment of its own, too.
$(VENV)-deploy/.done: deploy/tools.txt
	@test -x $(VENV)-deploy/bin/python || $(PYTHON) -m venv $(VENV)-deploy
	@echo "Installing what checks the deployment (once, about a minute) …"
	@$(VENV)-deploy/bin/python -m pip install -qq --disable-pip-version-check -r deploy/tools.txt
	@touch $@

tools: $(VENV)-deploy/.done ## Install what checks the files of deploy/

# Where the service that knows of weaknesses is out of reach, it says of which packages nothing is known, and passes.
audit: $(VENV)/.dev ## Ask whether a package of the lock files has a known weakness (with `make tools`)
	@PYTHONPATH=services:tests $(BIN)/python -m support.audit

wheel: $(VENV)/.dev ## Build the wheel into dist/
	@$(BIN)/hatchling build -t wheel

sbom: $(VENV)/.dev ## Write what the service is made of as CycloneDX, dist/engagement.cdx.json
	@PYTHONPATH=services:tests $(BIN)/python -m support.sbom requirements.lock dist/engagement.cdx.json

image: ## Build the image with Docker, or ENGINE=podman
	@$(ENGINE) build -f deploy/Dockerfile -t engagement .

openapi: $(VENV)/.dev ## Freeze the description of the interface, its types and its Postman collection (needs npx)
	@PYTHONPATH=services:tests $(BIN)/python -m support.contract
	@npx --yes openapi-typescript@7.13.0 docs/openapi.json --default-non-nullable=false --output docs/engagement.d.ts > /dev/null
	@PYTHONPATH=services:tests $(BIN)/python -m support.contract sign
	@PYTHONPATH=services:tests $(BIN)/python -m support.collection

examples: $(VENV)/.dev ## Send the examples of the description again and write down the answers
	@PYTHONPATH=services:tests $(BIN)/python -m support.examples

lock: ## Write both lock files again (needs uv)
	@echo hatchling | uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra postgres pyproject.toml - -o requirements.lock
	@uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra dev pyproject.toml -o requirements-dev.lock

clean: ## Remove the virtual environment and the example database
	@rm -rf $(VENV) $(VENV)-bench $(VENV)-deploy dist engagement.db engagement.db-wal engagement.db-shm
