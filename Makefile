# One verb per task; CI uses the same. `make help` lists them.

VENV    ?= .venv
PYTHON  ?= python3
PY      := $(VENV)/bin/python
# The newest file that the extension or the environment is built from.
NATIVE  := $(shell find native Cargo.toml Cargo.lock -name '*.rs' -o -name 'Cargo.*' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help up build test test-rust test-python test-llama test-agents lint fmt bench docs wheel clean check-tools check-lint

help:  ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

check-tools:
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is missing; install Python 3.11 or newer"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is too old; Isartor needs Python 3.11 or newer (make PYTHON=python3.12 ...)"; exit 1; }
	@command -v cargo >/dev/null || { echo "make: cargo is missing; install a Rust toolchain (1.88 or newer)"; exit 1; }

$(VENV)/installed: pyproject.toml $(NATIVE) | check-tools
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) || { echo "make: cannot make a venv; on Debian: apt install python3-venv"; exit 1; }
	@echo "building and installing Isartor (the first time takes about a minute)"
	@$(PY) -m pip install --quiet --disable-pip-version-check "maturin>=1.10,<2"
	@# A running gateway keeps the old file; writing into it would kill that process.
	@rm -f python/isartor/_native*.so
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" VIRTUAL_ENV="$(CURDIR)/$(VENV)" $(VENV)/bin/maturin develop --release --quiet
	@touch $@

$(VENV)/dev: $(VENV)/installed requirements-dev.txt
	@echo "installing what the tests need"
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

build: $(VENV)/installed  ## venv, extension, installation

up: build  ## start the gateway on 127.0.0.1:8080 (demo provider if no key is set)
	@exec $(VENV)/bin/isartor up --demo-if-keyless

test: test-rust lint test-python  ## everything that CI runs

test-rust: check-tools  ## tests of native/core and native/http
	cargo test --quiet --workspace

test-python: $(VENV)/dev  ## tests of the Python side, official SDKs and recorded clients included
	$(PY) -m pytest -n 3 --dist loadscope tests

test-agents: $(VENV)/dev  ## real coding agents against the gateway (needs npm and root; not in CI)
	$(PY) -m tests.agents $(AGENTS_ARGS)

# Only what the server needs, and for no processor in particular, so that the wheel runs wherever the cache is used.
LLAMA_CMAKE := -DGGML_NATIVE=OFF -DLLAVA_BUILD=OFF -DMTMD_BUILD=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TESTS=OFF

test-llama: $(VENV)/dev  ## a real llama.cpp server as the provider (built once: about 5 minutes)
	@echo "installing llama.cpp's server (built from source the first time)"
	@CMAKE_ARGS="$(LLAMA_CMAKE)" $(PY) -m pip install --quiet --disable-pip-version-check -r requirements-llama.txt
	$(PY) -m pytest -q tests/wire/test_llama.py

check-lint: check-tools
	@cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1 || { echo "make: clippy or rustfmt is missing; rustup component add clippy rustfmt (Debian: rust-clippy rustfmt)"; exit 1; }

lint: check-lint $(VENV)/dev  ## clippy, rustfmt, ruff, mypy, stubtest, import layers
	cargo fmt --check
	cargo clippy --quiet --workspace --all-targets -- -D warnings
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(PY) -m mypy.stubtest isartor._native --allowlist tests/stubtest-allowlist.txt
	$(VENV)/bin/lint-imports --no-cache

fmt: $(VENV)/dev  ## format the sources
	cargo fmt
	$(VENV)/bin/ruff check --fix-only --quiet .
	$(VENV)/bin/ruff format .

bench: $(VENV)/dev  ## measure against the rivals; ROWS=1,4 selects
	$(PY) -m pip install --quiet --disable-pip-version-check -r benches/requirements.txt
	$(PY) -m benches $(if $(ROWS),--rows $(ROWS)) $(BENCH_ARGS)

docs: $(VENV)/dev  ## write the generated parts of docs/ anew
	$(PY) -m tests.docs

wheel: check-tools $(VENV)/installed  ## wheel and sdist in dist/
	$(VENV)/bin/maturin build --release --quiet --out dist
	$(VENV)/bin/maturin sdist --out dist

clean:  ## remove what was built
	rm -rf $(VENV) target dist .pytest_cache .mypy_cache .ruff_cache
