# Nothing but Python 3.11+ and make is needed; everything else is installed into the checkout.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help install up down demo test lint format bench build sam-local lock

VENV := $(or $(ENLACE_VENV),.venv)
BIN := $(VENV)/bin
PY := $(BIN)/python
# SAM looks for the functions' Python on the path; its telemetry would leave the machine.
export PATH := $(abspath $(BIN)):$(PATH)
export SAM_CLI_TELEMETRY := 0
# Container images often forbid bytecode; SAM alone would then compile a thousand modules at each of
# its starts. It is kept apart from the sources, which SAM builds from.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(abspath $(VENV))/pycache

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install:  ## Install what is needed into the checkout
	@bash local/install.sh $(VENV)

up: install  ## Start the laptop stack, deploy to it, wait until it answers
	@$(PY) -m local up

down: install  ## Stop the laptop stack
	@$(PY) -m local down

demo: up  ## Play João's story through the laptop stack and show what each part did
	@$(PY) -m local.demo

test: install  ## Run every test: unit, moto, contract, infra and e2e on a stack of its own
	@$(PY) -m pytest -n 2 --dist loadfile tests/unit tests/aws tests/contract tests/infra $(ARGS)
	@$(PY) -m pytest -n auto --dist loadfile --no-loadscope-reorder tests/e2e $(ARGS)

lint: install  ## Check format, style, types, import directions and the template
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(PY) -m local.lint

format: install  ## Rewrite the code in the project's format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: install  ## Measure what an event costs, against the budgets
	@$(PY) -m bench

build: install  ## Build functions and layers with SAM, as a deployment to AWS would
	@$(PY) -m local build

sam-local: install  ## Serve the running stack's API from Lambda's containers (needs Docker)
	@$(PY) -m local.sam_local $(or $(ARGS),api)

lock: install  ## Resolve the locked requirements anew
	@bash local/lock.sh $(BIN)/uv
