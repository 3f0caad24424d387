# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

PYTHON ?= python3
ARGS ?=

export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.build
export ANSIBLE_HOME := $(CURDIR)/.build/ansible
export ANSIBLE_REMOTE_TEMP := $(CURDIR)/.build/ansible/tmp
export XDG_CACHE_HOME := $(CURDIR)/.build/cache

RUN = @PATH="$(CURDIR)/.venv/bin:$$PATH" .venv/bin/python

PARTS = units sanity lint docs molecule build test-awx-kit
.PHONY: help demo test test-peers test-real docsite cores sanity-cores bench chaos tree venv format clean $(PARTS)

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 21

demo: tree ## The collection at work on made-up registries; make demo KEEP=1 leaves them running to play with
	$(RUN) tests/demo/run.py $(if $(KEEP),--keep) $(ARGS)

test: venv ## All checks below, up to test-awx-kit, and a summary
	@.venv/bin/python .ci/check.py $(ARGS)

units: ## Unit tests; make units ARGS="-k policy -x"
sanity: ## ansible-test sanity; make sanity ARGS="--test validate-modules"
lint: ## ruff, yamllint, antsibull-changelog, reuse, antsibull-nox, ansible-lint
docs: ## Documentation: markup, references, what ansible-doc finds
molecule: ## Roles against a fake registry; make molecule ARGS="-s quay_hygiene"
build: ## The artefact in .build/dist, imported as Galaxy does it
test-awx-kit: ## The AWX kit: an AWX that is made up, jobs on fakes; ARGS=--whole: what takes minutes more
test-peers: ## Our modules and the vendors' own clients on the same fake registries; not part of make test
test-real: ## Against a registry of your own, or fakes if the environment names none; not part of make test
docsite: ## The documentation as a site, in .build/docsite; not part of make test
cores: ## Unit tests on ansible-core 2.18 to 2.21, as far as Pythons for them are here; not part of make test
sanity-cores: ## ansible-test sanity on them; not part of make test
$(PARTS) test-peers test-real docsite cores sanity-cores: venv
	@.venv/bin/nox -s $@ $(if $(ARGS),-- $(ARGS))

bench: tree ## How long the modules take
	$(RUN) tests/bench/run.py $(ARGS)

chaos: tree ## Faults and kills by chance, about 10 minutes; make chaos ARGS="--seed 123 --rounds 1" replays one
	@PYTHONPATH="$(CURDIR)/tests:$(CURDIR)/.build" .venv/bin/python -m chaos.run $(ARGS)

format: venv ## Let ruff format the Python files
	@.venv/bin/ruff check --fix-only
	@.venv/bin/ruff format

tree: venv ## A copy where Ansible finds it: .build/ansible_collections/registry/hygiene
	@.venv/bin/python .ci/tree.py

venv: ## What the checks need, in .venv
	@$(PYTHON) .ci/venv.py

clean: ## Remove all that was made
	rm -rf .ansible .build .hypothesis .nox .pytest_cache .ruff_cache .venv
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
