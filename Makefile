# `make` alone lists the targets. Nothing needs to be installed by hand: scripts/prereqs sees to Java, Maven and the
# Postgres client, `go run` to the tools below, and internal/devstack to the servers.

GO       ?= go
PACKAGES ?= ./...
TIMEOUT  ?= 15m
BENCH    ?= .

GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOFUMPT       := mvdan.cc/gofumpt@v0.12.0

.DEFAULT_GOAL := help
.PHONY: help demo test lint fmt build man model bench gobench chaos prereqs devstack

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: prereqs ## kill the relay three times under load and count; STAY=1 keeps everything running
	@$(GO) run ./internal/demo $(if $(STAY),-stay)

test: EXAMPLES = 1
test: prereqs devstack ## all tests on real servers; RACE=1 adds the race detector, PACKAGES=./outbox/... selects
	@bin/devstack -- $(GO) test -p 2 -timeout $(TIMEOUT) $(if $(RACE),-race) $(PACKAGES)

bench: prereqs build ## from end to end beside pg_recvlogical, 10 minutes; ARGS="-only drain -rounds 5 -json" selects
	@$(GO) build -o bin/bench ./internal/bench/cmd && bin/bench -program bin/relay $(ARGS)

gobench: prereqs devstack ## Go benchmarks with allocations; BENCH=Decode and PACKAGES=./replication select
	@bin/devstack -- $(GO) test -p 1 -run '^$$' -bench '$(BENCH)' -benchmem $(PACKAGES)

chaos: prereqs build ## faults on real servers, then an oracle; ARGS="-for 1h -seed 42 -pg 13 -kafka 3 -faults broker-kill,restored" selects
	@$(GO) build -o bin/chaos ./internal/chaos/cmd && bin/chaos -relay bin/relay $(ARGS)

lint: ## golangci-lint, gofumpt included
	@$(GO) run $(GOLANGCI_LINT) run --allow-parallel-runners $(PACKAGES)
	@$(GO) vet -tags man ./cmd/relay

fmt: ## format with gofumpt
	@$(GO) run $(GOFUMPT) -l -w .

# The toolchain writes version and commit into the binary, from git.
build: ## bin/relay
	@$(GO) build -trimpath -buildvcs=auto -o bin/relay ./cmd/relay

model: ## all states of the protocol's model, up to two hours; make test looks at a part of them
	@$(GO) test ./internal/model -run TestHolds -deep -timeout 3h -v $(ARGS)

man: ## manual pages in bin/man
	@$(GO) run -tags man ./cmd/relay man bin/man/man1

prereqs:
	@RACE=$(RACE) EXAMPLES=$(EXAMPLES) scripts/prereqs

# Built, not run with `go run`: that would add a line of its own after the tests' last one.
devstack:
	@$(GO) build -o bin/devstack ./internal/devstack/cmd
