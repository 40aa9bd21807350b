# Morula: `make demo` looks at real blood cells, `make test` passes the tests. Both set up all they need; `make` lists the rest.
.DEFAULT_GOAL := help
.PHONY: help setup demo build test check check-fresh bench oracles layout api clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install the Debian packages that demo, build and test need
	@scripts/setup core

build: setup ## build the program build/morula
	@scripts/build release -- morula

demo: build ## from counts to a report of real blood cells: demo/report.html
	@scripts/demo

test: setup ## build everything and run the tests (under 20 minutes on two cores from clean)
	@scripts/build release
	@scripts/test build

check: test ## the long part: sanitizers, fuzzers, the report in a browser (about 70 minutes on two cores)
	@scripts/setup check
	@scripts/check

check-fresh: ## prove demo and test on a bare Debian 12 in a temporary folder (root)
	@scripts/check_fresh

bench: build ## measure Morula beside its peers: build/bench/ (a quiet machine, three hours; parts: scripts/bench)
	@scripts/bench

oracles: ## rewrite the test fixtures with the reference programs
	@scripts/oracles

layout: ## check that the folders include each other one way only
	@scripts/check_layout

api: setup ## rewrite api/ and docs/cli.md from the commands
	@scripts/build release -- export_api
	@scripts/export_api

clean: ## remove what was built and the demo's report
	@rm -rf build demo
