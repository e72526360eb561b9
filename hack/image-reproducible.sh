#!/bin/sh
# Builds the image of this commit twice, in two folders with nothing in common, and compares every byte.
set -eu
unset CDPATH # it makes cd print

root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/image.XXXXXX")
trap 'rm -rf "$work"' EXIT
SENDER_OPERATOR_REVISION=$(git -C "$root" rev-parse --short=12 HEAD)
SOURCE_DATE_EPOCH=$(git -C "$root" log -1 --format=%ct)
export SENDER_OPERATOR_REVISION SOURCE_DATE_EPOCH
unset CARGO_TARGET_DIR

build() { # FOLDER
    mkdir -p "$work/$1"
    git -C "$root" archive HEAD | tar -x -C "$work/$1"
    "$work/$1/hack/image.sh" "$work/$1-image"
}
build first
umask 077
TZ=Asia/Kathmandu LC_ALL=C build another/with/a/longer/path
for file in sender-operator.tar sender-operator.cdx.json; do
    cmp "$work/first-image/$file" "$work/another/with/a/longer/path-image/$file"
done
echo "image: two builds of $SENDER_OPERATOR_REVISION have the same bytes" >&2
