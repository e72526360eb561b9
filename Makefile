# Two commands for everybody, demo and test, and three more for those who change the code. All set-up is done here: on a
# fresh machine there need only be Rust, Go and make.

BUILD_CONTROL_PLANE = tests/envtest/build.sh

# How many pairs of kills of each kind are tried: a number that PLANS_SEED picks, or all.
PAIRS = all

.PHONY: help demo test torture generate lint rust

help:
	@echo "make demo        see accounts deleted on a real API server, at simulated providers (KEEP=1: leave it running)"
	@echo "make test        run every test that CI runs"
	@echo "make torture     kill the operator at every pair of calls: hours (PAIRS=100 PLANS_SEED=1: so many of each kind)"
	@echo "make lint        check format, lints and documentation"
	@echo "make generate    write crds/ and the generated parts of README.md again"

demo: rust
	@$(BUILD_CONTROL_PLANE) kube-apiserver etcd kubectl >/dev/null
	cargo build --locked --package sender-operator --package demo --bins
	@cargo run --locked --quiet --package demo

test: rust
	@$(BUILD_CONTROL_PLANE) kube-apiserver kube-controller-manager etcd kubectl >/dev/null
	@$(BUILD_CONTROL_PLANE) helm >/dev/null
	cargo build --locked --workspace --bins
	cargo test --locked --workspace --no-fail-fast

torture: rust
	@$(BUILD_CONTROL_PLANE) kube-apiserver kube-controller-manager etcd kubectl >/dev/null
	TORTURE=$(PAIRS) cargo test --locked --package sender-operator --test plans -- --nocapture

lint: rust
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps

generate: rust
	GENERATE=1 cargo test --locked --quiet --test generated -- --test-threads=1

# Cargo would name neither a missing nor an old Rust in one line.
rust:
	@hack/rust.sh
