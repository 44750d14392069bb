# `make` alone lists the targets.

GO ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
PACKAGES ?= ./...
TIMEOUT ?= 15m

.DEFAULT_GOAL := help
.PHONY: help demo test build

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## relay killed three times under load, counted out; STAY=1 keeps it running
	@$(GO) run ./internal/demo $(if $(STAY),-stay)

test: ## all tests on real servers; RACE=1 adds the race detector, PACKAGES=./outbox/... takes some
	@$(GO) build -o bin/devstack ./internal/devstack/cmd
	@bin/devstack -- $(GO) test -p 2 -timeout $(TIMEOUT) $(if $(RACE),-race) $(PACKAGES)

build: ## bin/relay
	@$(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/relay ./cmd/relay
