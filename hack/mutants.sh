#!/bin/sh
# Changes the code one place at a time and says which changes no fast test notices. Arguments go to cargo-mutants:
# --file src/backoff.rs for one file, --list for what would be changed.
set -eu
cd "$(dirname "$0")/.."

version=27.1.0
tools=${XDG_CACHE_HOME:-$HOME/.cache}/sender-operator/tools/cargo-mutants-$version

# Built once, in a cache of its own; an interrupted build goes on from where it was.
if [ ! -x "$tools/bin/cargo-mutants" ]; then
    echo "building cargo-mutants $version (usually 4 min on 2 cores the first time) ..."
    CARGO_TARGET_DIR=$tools/build cargo install cargo-mutants --version "$version" --locked --root "$tools"
    rm -rf "$tools/build"
fi
exec "$tools/bin/cargo-mutants" mutants --output "${CARGO_TARGET_DIR:-target}" "$@"
