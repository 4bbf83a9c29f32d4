# `make run` and `make test` set up what is missing: system packages, .venv, native modules.
.DEFAULT_GOAL := help
.PHONY: help run test soak fuzz build bench lint clean

SHELL := /bin/sh
STAMPS := build/stamps
BIN := .venv/bin
XMPPJS := tests/interop/clients/xmppjs
# Tools of ours come first; Debian keeps the peers' servers in sbin.
export PATH := $(CURDIR)/.venv/bin:$(PATH):/usr/sbin:/sbin
# Wheels of one list in pyproject.toml, one a line.
requirements = $(BIN)/python -c 'import sys, tomllib; t = tomllib.load(open("pyproject.toml", "rb")); print(*$(1), sep="\n")'

help:
	@echo 'make run     build what is needed and start the server on localhost'
	@echo 'make test    every check: lint, types, tests, sanitizers, core alone'
	@echo 'make soak    the same with ten times the generated cases'
	@echo 'make fuzz    the tokenizer against expat for SECONDS=600, guided by coverage'
	@echo 'make build   the native modules, in place'
	@echo 'make lint    the checks that run nothing'
	@echo 'make bench   micro benchmarks, instruction counts, the quick set beside bench/baseline.json'
	@echo 'make clean   remove all that was built'

run: build
	$(BIN)/headrace serve $(ARGS)

test: build $(STAMPS)/test $(STAMPS)/xmppjs
	$(BIN)/python tests/support/check.py

soak: build $(STAMPS)/test $(STAMPS)/xmppjs
	HEADRACE_SOAK=$${HEADRACE_SOAK:-10} $(BIN)/python tests/support/check.py

fuzz: $(STAMPS)/venv $(STAMPS)/packages-test
	$(BIN)/python tests/fuzz/fuzz.py $(or $(SECONDS),600)

lint: build $(STAMPS)/test
	$(BIN)/python tests/support/check.py lint

bench: build $(STAMPS)/test
	$(BIN)/python -m pytest bench/micro -q
	$(BIN)/python bench/count.py
	$(BIN)/python bench/quick.py

# Follows .pyx, .pxd and .h by itself and compiles only what changed.
build: $(STAMPS)/server
	$(BIN)/python setup.py -q build_ext --inplace

$(STAMPS)/packages-%: tests/support/packages.sh
	sh tests/support/packages.sh $*
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/venv: $(STAMPS)/packages-build
	@for python in /usr/bin/python3.11 python3 python3.14 python3.13 python3.12 python3.11; do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "$$python -m venv .venv"; exec $$python -m venv --clear .venv; \
	    fi; \
	done; echo 'No Python 3.11 or newer found.' >&2; exit 1
	@touch $@

$(STAMPS)/server: $(STAMPS)/venv pyproject.toml setup.py
	$(call requirements,t["build-system"]["requires"]) >build/requirements-build.txt
	$(BIN)/pip install -q -r build/requirements-build.txt
	$(BIN)/pip install -q --no-build-isolation -e '.[server,bench]'
	@touch $@

$(STAMPS)/test: $(STAMPS)/server $(STAMPS)/packages-test
	$(call requirements,t["project"]["optional-dependencies"]["test"]) >build/requirements-test.txt
	$(BIN)/pip install -q -r build/requirements-test.txt
	@touch $@

# A client that the tests run, as its lock file has it; Node.js and npm are wheels.
$(STAMPS)/xmppjs: $(STAMPS)/test $(XMPPJS)/package-lock.json
	npm ci --prefix $(XMPPJS) --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

clean:
	rm -rf build dist .venv $(XMPPJS)/node_modules src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src -name '*.so' -delete
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
