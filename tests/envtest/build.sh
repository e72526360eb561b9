#!/bin/sh
# Builds the programs that the tests need from the Go modules pinned beside this script: those of a Kubernetes control
# plane, Helm, and for config/gitops judge, which says what Argo CD, Flux and kstatus say of an object, and jq, which is
# gojq under the name that scripts use.
#
#   build.sh kube-apiserver|kube-controller-manager|kubectl|etcd ...
#   build.sh helm
#   build.sh judge|jq ...
#
# Prints on stdout the folder that holds every program asked for; progress goes to stderr. A folder named by
# KUBEBUILDER_ASSETS wins over a build; what that convention lacks, such as kube-controller-manager and Helm, is then built.
# What was built stays in ${XDG_CACHE_HOME:-~/.cache}/sender-operator/envtest and may be deleted at any time.
set -eu
unset CDPATH # it makes cd print

here=$(cd "$(dirname "$0")" && pwd)

say() { echo "envtest: $*" >&2; }
fail() { say "$*"; exit 1; }

# One row per program: its module's folder, its package, and the minutes a first build takes on 2 cores.
describe() {
    case $1 in
    kube-apiserver) module=kubernetes package=k8s.io/kubernetes/cmd/kube-apiserver minutes=5 ;;
    kube-controller-manager) module=kubernetes package=k8s.io/kubernetes/cmd/kube-controller-manager minutes=2 ;;
    kubectl) module=kubernetes package=k8s.io/kubernetes/cmd/kubectl minutes=1 ;;
    etcd) module=etcd package=go.etcd.io/etcd/server/v3 minutes=1 ;;
    helm) module=helm package=helm.sh/helm/v4/cmd/helm minutes=2 ;;
    judge) module=../gitops/judge package=. minutes=5 ;;
    jq) module=../gitops/jq package=github.com/itchyny/gojq/cmd/gojq minutes=1 ;;
    *) fail "there is no program '$1' to build: name kube-apiserver, kube-controller-manager, kubectl or etcd, or helm, or judge or jq" ;;
    esac
}

# What is asked for at once lies in one folder: the control plane's programs, Helm, or those for config/gitops.
set_of() { # PROGRAM
    describe "$1"
    case $module in
    kubernetes | etcd) echo kubernetes etcd ;;
    ../gitops/*) echo ../gitops/judge ../gitops/jq ;;
    *) echo "$module" ;;
    esac
}

require_go() {
    needed=$(sed -n 's/^go //p' "$here"/*/go.mod | sort -V | tail -n 1)
    command -v go >/dev/null 2>&1 ||
        fail "Go is missing: install Go $needed or newer and put it on PATH (or set KUBEBUILDER_ASSETS)"
    found=$(go env GOVERSION)
    number=$(echo "$found" | sed 's/^[^0-9]*\([0-9.]*\).*/\1/')
    [ "$(printf '%s\n' "$needed" "$number" | sort -V | head -n 1)" = "$needed" ] ||
        fail "Go is too old: $(command -v go) is $found, install Go $needed or newer (or set KUBEBUILDER_ASSETS)"
}

sha256() { if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi; }
digest() { sha256 | cut -c 1-12; }

# Builds one program in a work folder and renames it into place: a program in the cache is always a whole one.
build() { # PROGRAM POSITION
    describe "$1"
    began=$(date +%s)
    mkdir -p "$work"
    say "building $1 ($2, usually $minutes min on 2 cores the first time) ..."
    cd "$here/$module"
    # Downloads the modules that are missing too; what goes wrong here goes wrong below and is reported there.
    packages=$(go list -trimpath -deps -f '{{if .Stale}}stale{{end}}' "$package" 2>/dev/null | grep -c stale) || true
    GOTMPDIR=$work go build -v -trimpath -ldflags "$ldflags" -o "$work/$1" "$package" >"$work/log" 2>&1 &
    go=$!
    next=15
    while kill -0 "$go" 2>/dev/null; do
        sleep 0.3
        elapsed=$(($(date +%s) - began))
        if [ "$elapsed" -ge "$next" ]; then
            next=$((next + 15))
            say "building $1: $(wc -l <"$work/log" | tr -d ' ') of $packages packages compiled, $elapsed s"
        fi
    done
    if ! wait "$go"; then
        tail -n 20 "$work/log" >&2
        rm -rf "$work"
        fail "building $1 failed, the reason stands above"
    fi
    mv "$work/$1" "$cache/$1"
    rm -rf "$work"
    say "built $1 in $(($(date +%s) - began)) s"
}

# The go tool runs in the background, where a shell has Ctrl-C ignored for it: end it by another signal.
abandon() {
    [ -z "$go" ] || kill "$go" 2>/dev/null || true
    rm -rf "$work" || true # a compiler may still write; the next build removes what stays
    say "interrupted; the next build goes on from here"
    exit 130
}

[ $# -gt 0 ] || fail "usage: build.sh kube-apiserver|kube-controller-manager|kubectl|etcd ..., build.sh helm, or build.sh judge|jq ..."
for program; do describe "$program"; done
modules=$(set_of "$1")
for program; do
    [ "$(set_of "$program")" = "$modules" ] || fail "$1 and $program lie in folders of their own: ask for each alone"
done

given=${KUBEBUILDER_ASSETS:-}
[ "$modules" = "kubernetes etcd" ] || given=
if [ -n "$given" ]; then
    given=$(cd "$given" 2>/dev/null && pwd) ||
        fail "KUBEBUILDER_ASSETS names no folder ($KUBEBUILDER_ASSETS): correct it, or unset it to build the programs"
fi
wanted=
for program; do
    if [ -z "$given" ]; then
        wanted="$wanted $program"
    elif [ ! -x "$given/$program" ]; then
        [ "$program" = kube-controller-manager ] ||
            fail "there is no $program in KUBEBUILDER_ASSETS ($given): put it there, or unset KUBEBUILDER_ASSETS to build it"
        wanted=$program
    fi
done
if [ -z "$wanted" ]; then
    echo "$given"
    exit 0
fi

require_go
version_of() { sed -n "s|.*$2 \(v[0-9][^ ]*\).*|\1|p" "$here/$1/go.mod"; } # MODULE PATH
toolchain=local
case $modules in
../gitops/*)
    label=gitops
    ldflags="-s -w"
    # Argo CD and Flux need a newer Go than everything else here: an older one fetches, as a module, what go.mod names.
    toolchain=auto
    ;;
helm)
    version=$(version_of helm helm.sh/helm/v4)
    label=helm-$version
    ldflags="-s -w -X helm.sh/helm/v4/internal/version.version=$version"
    ;;
*)
    version=$(version_of kubernetes k8s.io/kubernetes)
    label=$version
    minor=$(echo "$version" | cut -d . -f 2)
    stamp=k8s.io/component-base/version
    # Without the stamp the API server calls itself v0.0.0, and clients that compare versions refuse it.
    ldflags="-s -w -X $stamp.gitVersion=$version -X $stamp.gitMajor=1 -X $stamp.gitMinor=$minor"
    ;;
esac
# The pinned modules decide what is built, not the caller's settings.
export CGO_ENABLED=0 GOTOOLCHAIN=$toolchain GOFLAGS=-mod=readonly GOWORK=off

root=${XDG_CACHE_HOME:-$HOME/.cache}/sender-operator/envtest
key=$({
    for module in $modules; do cat "$here/$module/go.mod" "$here/$module/go.sum"; done
    # The one program of our own.
    case $modules in */judge*) cat "$here/../gitops/judge"/*.go ;; esac
    echo "$ldflags -trimpath" "$(go env GOVERSION GOOS GOARCH)"
} | digest)
cache=$root/$label-$key
work=$cache/.work.$$
mkdir -p "$cache"

missing() {
    left=
    for program in $wanted; do [ -x "$cache/$program" ] || left="$left $program"; done
    [ -n "$left" ]
}

if missing; then
    go=''
    trap abandon HUP INT TERM
    # Where flock is not there, two builds at once do the work twice; the rename keeps that safe.
    if command -v flock >/dev/null 2>&1; then
        exec 9>"$cache/.lock"
        if ! flock -n 9; then
            say "waiting for another build of the same programs ..."
            flock 9
        fi
        rm -rf "$cache"/.work.* # what a killed build left
    fi
    if missing; then
        count=$(echo "$left" | wc -w | tr -d ' ')
        position=0
        for program in $left; do
            position=$((position + 1))
            build "$program" "$position of $count"
        done
    fi
fi

if [ -n "$given" ]; then
    mixed=$cache/with-$(echo "$given" | digest)
    mkdir -p "$mixed"
    for program; do
        if [ "$program" = "$wanted" ]; then target=$cache/$program; else target=$given/$program; fi
        ln -s "$target" "$mixed/.$program.$$"
        mv -f "$mixed/.$program.$$" "$mixed/$program"
    done
    cache=$mixed
fi
echo "$cache"
