# Two commands for everybody, demo and test, and two more for those who change the code. All set-up is done here: on a
# fresh machine there need only be Rust, Go and make.

BUILD_CONTROL_PLANE = tests/envtest/build.sh

.PHONY: help demo test generate image image-reproducible lint rust

help:
	@echo "make demo        see accounts deleted on a real API server, at simulated providers (KEEP=1: leave it running)"
	@echo "make test        run every test that CI runs"
	@echo "make lint        check format, lints and documentation"
	@echo "make image       build the container image into target/image, without a container engine"
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

lint: rust
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps

generate: rust
	GENERATE=1 cargo test --locked --quiet --test generated -- --test-threads=1

image:
	@hack/image.sh

# Twice, from the commit alone, with every byte compared: some minutes.
image-reproducible:
	@hack/image-reproducible.sh

# Cargo would name neither a missing nor an old Rust in one line.
rust:
	@hack/rust.sh
