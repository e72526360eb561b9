# Two commands for everybody, demo and test, and some more for those who change the code. All set-up is done here: on a
# fresh machine there need only be Rust with a C compiler, Go, make and curl.

BUILD = tests/envtest/build.sh

# How many pairs of kills of each kind are tried: a number that PLANS_SEED picks, or all.
PAIRS = all

.PHONY: help demo test torture torture-model torture-fuzz generate image image-reproducible lint rust sharpness mutants

help:
	@echo "make demo        see accounts deleted on a real API server, at simulated providers (KEEP=1: leave it running)"
	@echo "make test        run every test that CI runs"
	@echo "make torture     larger worlds of the model, made-up inputs for minutes (FUZZ_SECONDS=300), then kills at every pair of calls: hours (PAIRS=100: so many)"
	@echo "make lint        check format, lints and documentation"
	@echo "make image       build the container image into target/image, without a container engine"
	@echo "make generate    write crds/ and the generated parts of README.md again"
	@echo "make sharpness   break the operator in every seeded way, and see the named test fail (BUG=name: one of them)"
	@echo "make mutants     change the code one place at a time, and see which changes no test notices (hours)"

demo: rust
	@$(BUILD) kube-apiserver etcd kubectl >/dev/null
	cargo build --locked --package sender-operator --package demo --bins
	@cargo run --locked --quiet --package demo

test: rust
	@$(BUILD) kube-apiserver kube-controller-manager etcd kubectl >/dev/null
	@$(BUILD) helm >/dev/null
	@$(BUILD) judge jq >/dev/null
	cargo build --locked --workspace --bins
	cargo test --locked --workspace --no-fail-fast

torture: rust torture-model torture-fuzz
	@$(BUILD) kube-apiserver kube-controller-manager etcd kubectl >/dev/null
	TORTURE=$(PAIRS) cargo test --locked --package sender-operator --test plans -- --nocapture

lint: rust
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps

generate: rust
	GENERATE=1 cargo test --locked --quiet --test generated -- --test-threads=1

sharpness: rust
	@$(BUILD) kube-apiserver kube-controller-manager etcd kubectl >/dev/null
	cargo run --locked --quiet --package sharpness -- $(BUG)

mutants: rust
	hack/mutants.sh $(MUTANTS)

# Worlds of up to 60 million states: some GB of memory.
torture-model: rust
	TORTURE=1 cargo test --locked --package model -- --nocapture --test-threads=1

torture-fuzz: rust
	FUZZ_SECONDS=$${FUZZ_SECONDS:-300} cargo test --locked --test fuzz -- --nocapture

image:
	@hack/image.sh

# Twice, from the commit alone, with every byte compared: some minutes.
image-reproducible:
	@hack/image-reproducible.sh

# Cargo would name neither a missing nor an old Rust in one line.
rust:
	@hack/rust.sh
