#!/bin/sh
# Changes the code one place at a time and says which changes no fast test notices. Arguments go to cargo-mutants:
# --file src/backoff.rs for one file, --list for what would be changed, --jobs 2 for two at once.
set -eu
cd "$(dirname "$0")/.."

version=27.1.0
tools=${XDG_CACHE_HOME:-$HOME/.cache}/sender-operator/tools/cargo-mutants-$version

# Built once, in a cache of its own; an interrupted build goes on from where it was.
if [ ! -x "$tools/bin/cargo-mutants" ]; then
    echo "building cargo-mutants $version (usually 4 min on 2 cores the first time) ..." >&2
    CARGO_TARGET_DIR=$tools/build cargo install cargo-mutants --version "$version" --locked --root "$tools"
    rm -rf "$tools/build"
fi

# One change is much like the next: what is built anew is little. Nobody debugs what is built here.
export CARGO_INCREMENTAL=1 CARGO_PROFILE_DEV_DEBUG=false
# A change is noticed by a test that was written for it or in a few hundred cases; the least of them is nobody's interest,
# and no later change is to be judged by a case that an earlier one left.
export PROPTEST_CASES="${PROPTEST_CASES:-200}" PROPTEST_MAX_SHRINK_ITERS=0 PROPTEST_DISABLE_FAILURE_PERSISTENCE=1
exec "$tools/bin/cargo-mutants" mutants --output "${CARGO_TARGET_DIR:-target}" "$@"
