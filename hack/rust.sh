#!/bin/sh
# Says in one line which Rust is needed where it is missing or too old. make builds nothing before this has passed.
set -eu

needed=$(sed -n 's/^channel = "\(.*\)"$/\1/p' "$(dirname "$0")/../rust-toolchain.toml")
fail() { echo "rust: $*" >&2; exit 1; }

command -v cargo >/dev/null 2>&1 ||
    fail "Rust is missing: install Rust $needed or newer (with rustup, which takes the right one by itself) and put cargo on PATH"
# Under rustup this is where the toolchain is downloaded; rustup says so itself.
found=$(cargo --version) ||
    fail "cargo does not run here, its reason stands above: install Rust $needed (rustup toolchain install $needed)"
number=$(echo "$found" | sed 's/^[^0-9]*\([0-9.]*\).*/\1/')
[ "$(printf '%s\n' "$needed" "$number" | sort -V | head -n 1)" = "$needed" ] ||
    fail "Rust is too old: $(command -v cargo) is $found, install Rust $needed or newer (rustup takes the right one by itself)"
command -v "${CC:-cc}" >/dev/null 2>&1 ||
    fail "Rust finds no C compiler to link with (${CC:-cc}): install gcc or clang"
