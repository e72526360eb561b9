#!/bin/sh
# Builds the operator statically linked and packs it into a container image, without a container engine.
#
#   hack/image.sh [FOLDER]     (target/image when left out)
#
# Writes FOLDER/sender-operator.tar, as `docker load`, `podman load`, `kind load image-archive` and `crane push` take it, and
# FOLDER/sender-operator.cdx.json, which lists what is in it (CycloneDX). The same commit gives the same bytes wherever it
# lies. PROFILE names another profile of Cargo's than release; CARGO_TARGET_DIR is kept to.
set -eu
unset CDPATH # it makes cd print

root=$(cd "$(dirname "$0")/.." && pwd)
profile=${PROFILE:-release}
# What the image's archive may have at most, in bytes.
limit=15000000

fail() { echo "image: $*" >&2; exit 1; }

"$root/hack/rust.sh"
needed=$(sed -n 's/^go //p' "$root/hack/image/go.mod")
command -v go >/dev/null 2>&1 || fail "Go is missing: install Go $needed or newer and put it on PATH"

out=${1:-$root/target/image}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$root"

target=$(rustc -vV | sed -n 's/^host: //p')
case $target in
x86_64-unknown-linux-gnu) arch=amd64 ;;
aarch64-unknown-linux-gnu) arch=arm64 ;;
*) fail "an image is built on Linux with glibc, on x86_64 or aarch64, and not on $target" ;;
esac
revision=${SENDER_OPERATOR_REVISION:-$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)}
created=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
field() { sed -n "s/^$1 = \"\(.*\)\"\$/\1/p" Cargo.toml | head -n 1; }
version=$(field version)
source=$(field repository)

# No folder of this machine may show in the program: neither the checkout nor Cargo's, nor the toolchain's.
cargo_home=${CARGO_HOME:-$HOME/.cargo}
sysroot=$(rustc --print sysroot)
rustflags="-C target-feature=+crt-static -C strip=symbols"
rustflags="$rustflags --remap-path-prefix=$root=/src --remap-path-prefix=$cargo_home=/cargo"
rustflags="$rustflags --remap-path-prefix=$sysroot/lib/rustlib/src/rust=/rustc"
# Nor may a C file's path; ring is partly C.
cflags="-ffile-prefix-map=$cargo_home=/cargo -ffile-prefix-map=$root=/src"

echo "image: building sender-operator ($profile, $target, statically linked) ..." >&2
# With --target the flags are for the program alone, and not for what runs at build time, which cannot be static.
RUSTFLAGS=$rustflags CFLAGS=$cflags CARGO_INCREMENTAL=0 SENDER_OPERATOR_REVISION=$revision SOURCE_DATE_EPOCH=$created \
    cargo build --locked --package sender-operator --bin sender-operator --profile "$profile" --target "$target"
case $profile in dev) folder=debug ;; *) folder=$profile ;; esac
binary=${CARGO_TARGET_DIR:-$root/target}/$target/$folder/sender-operator

work=$(mktemp -d "${TMPDIR:-/tmp}/image.XXXXXX")
trap 'rm -rf "$work"' EXIT
cargo metadata --locked --format-version 1 --filter-platform "$target" >"$work/metadata.json"
(
    cd hack/image
    # The pinned modules decide what packs it, not the caller's settings.
    CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=readonly GOWORK=off go run -trimpath . \
        -binary "$binary" -licence "$root/LICENSE" -metadata "$work/metadata.json" \
        -version "$version" -revision "$revision" -source "$source" -arch "$arch" -created "$created" \
        -out "$out/sender-operator.tar" -sbom "$out/sender-operator.cdx.json"
)
size=$(wc -c <"$out/sender-operator.tar")
[ "$profile" != release ] || [ "$size" -lt "$limit" ] || fail "the archive has $size bytes, and not less than $limit"
