#!/bin/sh
# Builds the programs that the tests of config/gitops need, from the Go modules pinned beside this script.
#
#   build.sh judge|jq ...
#
# judge says what Argo CD, Flux and kstatus say of an object (judge/); jq is gojq, under the name that scripts use.
# Prints on stdout the folder that holds every program asked for; progress goes to stderr. What was built stays in
# ${XDG_CACHE_HOME:-~/.cache}/sender-operator/gitops and may be deleted at any time.
set -eu
unset CDPATH # it makes cd print

here=$(cd "$(dirname "$0")" && pwd)

say() { echo "gitops: $*" >&2; }
fail() { say "$*"; exit 1; }

# One row per program: its package, and the minutes a first build takes on 2 cores.
describe() {
    case $1 in
    judge) package=. minutes=3 ;;
    jq) package=github.com/itchyny/gojq/cmd/gojq minutes=1 ;;
    *) fail "there is no program '$1' to build: name judge or jq" ;;
    esac
}

sha256() { if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi; }

[ $# -gt 0 ] || fail "usage: build.sh judge|jq ..."
for program; do describe "$program"; done
command -v go >/dev/null 2>&1 || fail "Go is missing: install Go $(sed -n 's/^go //p' "$here/jq/go.mod") or newer and put it on PATH"

# The pinned modules decide what is built, not the caller's settings. Argo CD and Flux need a newer Go than everything
# else here: an older one fetches, as a module, the version that judge/go.mod names.
export CGO_ENABLED=0 GOTOOLCHAIN=auto GOFLAGS=-mod=readonly GOWORK=off
key=$({ cat "$here"/*/go.mod "$here"/*/go.sum "$here"/judge/*.go; go env GOVERSION GOOS GOARCH; } | sha256 | cut -c 1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sender-operator/gitops/$key
mkdir -p "$cache"

for program; do
    [ ! -x "$cache/$program" ] || continue
    # Where flock is not there, two builds at once do the work twice; the rename keeps that safe.
    if command -v flock >/dev/null 2>&1; then
        exec 9>"$cache/.lock"
        flock -n 9 || { say "waiting for another build of the same programs ..."; flock 9; }
        [ ! -x "$cache/$program" ] || continue
    fi
    describe "$program"
    began=$(date +%s)
    say "building $program (usually $minutes min on 2 cores the first time) ..."
    cd "$here/$program"
    go build -v -trimpath -ldflags '-s -w' -o "$cache/.$program.$$" "$package" >"$cache/.log" 2>&1 &
    go=$!
    # A shell has Ctrl-C ignored for what runs in its background: end it by another signal.
    trap 'kill "$go" 2>/dev/null; say "interrupted; the next build goes on from here"; exit 130' HUP INT TERM
    next=15
    while kill -0 "$go" 2>/dev/null; do
        sleep 0.3
        elapsed=$(($(date +%s) - began))
        if [ "$elapsed" -ge "$next" ]; then
            next=$((next + 15))
            say "building $program: $(wc -l <"$cache/.log" | tr -d ' ') packages compiled, $elapsed s"
        fi
    done
    if ! wait "$go"; then
        tail -n 20 "$cache/.log" >&2
        fail "building $program failed, the reason stands above"
    fi
    trap - HUP INT TERM
    mv "$cache/.$program.$$" "$cache/$program"
    say "built $program in $(($(date +%s) - began)) s"
done
echo "$cache"
