# make help lists the targets. The commands also work without make: see docs/setup.md.

GO   ?= go
DATA ?= mnist
ARGS ?=
BUNDLE ?= dist/depthwise-linux-$$($(GO) env GOARCH).tar.gz
# Further flags for go test: make test TESTFLAGS=-v
TESTFLAGS ?=

# libgomp's threads spin at barriers: unbounded, tests take many times as long beside other processes (docs/library.md).
export GOMP_SPINCOUNT ?= 10000

# Packages without libtorch. They build without cgo on other systems.
CROSS := ./data/... ./checkpoints/... ./formats/... ./hub/... ./metrics/... ./models/... ./report/... ./train/control ./distributed/launch ./internal/... ./bundle/... ./serving/httpserver ./cmd/setup/...

# Tested with the race detector, which does not work with libtorch's own threads. internal/lint only reads the repository, and takes ten times as long with it.
RACE = $$($(GO) list $(CROSS) | grep -vx depthwise.dev/internal/lint)

# All others but the program, tested with the tag invariants, which counts live tensors. The slowest is first, so that it does not run alone at the end.
REST = ./train $$($(GO) list ./... | grep -vxF "$(RACE)" | grep -vx depthwise.dev/cmd/train)

# Tested without the tag too: the packages whose code or tests depend on it, and the program as it is released.
RELEASE := ./cmd/train ./backend ./autograd ./autograd/oracle/suite

# The files of clang-format (autograd/native/.clang-format).
CXX_FILES = $$(git ls-files 'autograd/native/*.cc' 'autograd/native/*.h')

# The longest time of make interop. Measured on two cores shared with other work: 2 minutes to download and install, 20 to compare.
INTEROP_LIMIT ?= 60m

.PHONY: help setup train test vet test-race test-invariants test-release test-stress interop cross build bundle bench lint format clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(MAKEFILE_LIST)

setup: ## find or download libtorch, adapt gotch to it, build the C++ parts (instant when up to date)
	@echo "== setup"
	@$(GO) run ./cmd/setup

train: setup ## train a network: make train DATA=photos ARGS="--epochs 30"; without DATA on MNIST
	@echo "== train --data $(DATA) $(ARGS)"
	@$(GO) run ./cmd/train --data "$(DATA)" $(ARGS)

# go vet has run before: go test does not repeat it.
TEST = $(GO) test -vet=off $(TESTFLAGS)

test: vet test-race test-invariants test-release test-stress ## go vet and all tests, with the race detector or with live tensors counted

vet: setup ## go vet, also with the tags of tests
	@echo "== go vet"
	@$(GO) vet ./...
	@$(GO) vet -tags invariants ./autograd/... ./backend
	@$(GO) vet -tags interop ./interop

test-race: setup ## the tests of packages without libtorch, with the race detector
	@echo "== go test -race, packages without libtorch"
	@$(TEST) -race $(RACE)

test-invariants: setup ## the tests of all other packages but cmd/train
	@echo "== go test -tags invariants, all other packages"
	@$(TEST) -tags invariants $(REST)

test-release: setup ## the tests of cmd/train, and those that depend on the tag
	@echo "== go test, the program and packages that depend on the tag"
	@$(TEST) $(RELEASE)

test-stress: setup ## stress tests of autograd, with the race detector
	@echo "== go test -race -tags invariants, stress tests of autograd"
	@$(TEST) -race -tags invariants -run Stress ./autograd

interop: setup ## open exports with the tools that they are for; downloads 3.5 GB of Python packages once
	@echo "== go test -tags interop ./interop"
	@$(GO) test -tags interop -count 1 -v -timeout $(INTEROP_LIMIT) $(TESTFLAGS) ./interop

cross: ## vet and build the packages without libtorch for arm64 Linux and macOS
	@for system in linux darwin; do echo "== $$system/arm64"; \
		GOOS=$$system GOARCH=arm64 CGO_ENABLED=0 $(GO) vet $(CROSS) && \
		GOOS=$$system GOARCH=arm64 CGO_ENABLED=0 $(GO) build $(CROSS) ./weights || exit 1; done

build: setup ## build the program bin/train
	@echo "== build bin/train"
	@$(GO) build -o bin/train ./cmd/train

bundle: setup ## pack the program with its libraries for other machines: dist/depthwise-linux-amd64.tar.gz, or BUNDLE=folder
	@echo "== bundle $(BUNDLE)"
	@$(GO) build -ldflags '-s -w' -o bin/train ./cmd/train
	@mkdir -p "$$(dirname "$(BUNDLE)")"
	@bin/train bundle --output "$(BUNDLE)" $(ARGS)

bench: build ## benchmark a training step, inference and the loader
	@echo "== bench"
	@for what in step infer; do echo "-- train bench $$what"; bin/train bench $$what $(ARGS) || exit 1; done
	@echo "-- train bench loader --data $(DATA)"
	@bin/train bench loader --data "$(DATA)"

lint: setup ## check gofmt and go vet, and clang-format and staticcheck if they are installed
	@echo "== gofmt"
	@files=$$(gofmt -l .); if [ -n "$$files" ]; then echo "not formatted (run: gofmt -w .):"; echo "$$files"; exit 1; fi
	@echo "== go vet"
	@$(GO) vet ./...
	@if command -v clang-format >/dev/null; then echo "== clang-format"; clang-format --dry-run -Werror $(CXX_FILES) || { echo "not formatted; run: make format"; exit 1; }; \
	else echo "== clang-format is not installed (pip install clang-format==19.1.7): skipped"; fi
	@if command -v staticcheck >/dev/null; then echo "== staticcheck"; staticcheck ./...; else echo "== staticcheck is not installed: skipped"; fi

format: ## run gofmt, and clang-format 19.1.7 on the C++ in autograd/native
	@gofmt -w $$(git ls-files '*.go')
	@clang-format -i $(CXX_FILES)

clean: ## remove bin/ and dist/ (go run ./cmd/setup --clean removes the libraries)
	@echo "== clean"
	@rm -rf bin dist
