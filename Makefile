# make report   sets everything up, evaluates the bundled case and leaves its report
# make test     sets up the same and passes the tests
# make security installs checkov for the optional gate `security`

VENV := .venv
BIN := $(VENV)/bin
SECURITY := .venv-security
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
STAMP := $(VENV)/.assay-ready
CASE ?= cases/zero-trust-payments

.PHONY: report run test test-fast lint rules bench doctor lab setup security clean
.DEFAULT_GOAL := report

report: $(STAMP)
	$(BIN)/assay run $(CASE)
	$(BIN)/assay report --to reports

run: $(STAMP)
	$(BIN)/assay run $(CASE)

test: $(STAMP)
	$(BIN)/python -m pytest

test-fast: $(STAMP)
	$(BIN)/python -m pytest -m "not slow and not terraform and not browser"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

rules: $(STAMP)
	$(BIN)/python -c 'import pathlib, scoring.rules_page as page; page.update(pathlib.Path("docs/rules.md"))'

bench: $(STAMP)
	$(BIN)/python benchmarks/speed.py

doctor: $(STAMP)
	$(BIN)/assay doctor

lab: $(STAMP)
	$(BIN)/jupyter lab notebooks

setup: $(STAMP)

security: $(SECURITY)/bin/checkov

# checkov pins older versions than Assay runs on, so it has an environment of its own.
$(SECURITY)/bin/checkov: harness/security/requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: sudo apt-get install -y python3 python3-venv"; exit 3; }
	$(PYTHON) -m venv --clear $(SECURITY)
	$(SECURITY)/bin/python -m pip install --quiet --disable-pip-version-check -r $< || { rm -rf $(SECURITY); exit 3; }
	@touch $@

$(STAMP): pyproject.toml harness/toolchains.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: sudo apt-get install -y python3 python3-venv"; exit 3; }
	@sh harness/install_system.sh $(PYTHON)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); exit 3; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[intent]" || echo "no Rego engine for this machine: the gate intent will not run"
	$(BIN)/python -m harness.setup_tools
	@touch $@

clean:
	rm -rf $(VENV) $(SECURITY) .tools reports build *.egg-info
