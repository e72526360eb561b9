# Runs the servers of one control plane, and ends them when the program that asked for it is gone.
#
# stdin:  "start NAME" starts the program whose words are the lines of the file NAME.args in the folder.
# stdout: the folder, then a process id for each start.
# At the end of stdin (the other end was closed, or its process died however it died) every server is stopped and
# the folder deleted.
set -u

# Caught, not ignored: a signal ends the read below and so leads to the same clean-up, and the servers start with
# the default for each signal.
trap : HUP INT TERM PIPE

dir=$(mktemp -d "${TMPDIR:-/tmp}/envtest.XXXXXX") || exit 1
echo "$dir"

# The subshell reaps the server at once, so that kill -0 never sees a zombie; NAME.exit holds the exit code.
start() { # NAME
    name=$1
    rm -f "$dir/$name.pid" "$dir/$name.exit"
    : >"$dir/$name.log"
    set --
    while IFS= read -r word; do set -- "$@" "$word"; done <"$dir/$name.args"
    (
        "$@" >>"$dir/$name.log" 2>&1 </dev/null &
        echo $! >"$dir/$name.pid.new"
        mv "$dir/$name.pid.new" "$dir/$name.pid"
        wait $!
        echo $? >"$dir/$name.exit"
    ) >/dev/null &
    until [ -e "$dir/$name.pid" ]; do sleep 0.01; done
    cat "$dir/$name.pid"
}

running() { # NAME
    [ -e "$dir/$1.pid" ] && [ ! -e "$dir/$1.exit" ] && kill -0 "$(cat "$dir/$1.pid")" 2>/dev/null
}

signal() { # SIGNAL NAME
    if running "$2"; then kill "-$1" "$(cat "$dir/$2.pid")" 2>/dev/null; fi
}

# A test may have paused a server with SIGSTOP: it answers to SIGTERM only once it goes on.
stop() { # NAME...
    for name; do
        signal TERM "$name"
        signal CONT "$name"
    done
    waited=0
    for name; do
        while running "$name"; do
            waited=$((waited + 1))
            if [ "$waited" -gt 150 ]; then signal KILL "$name"; fi
            sleep 0.1
        done
    done
}

while read -r verb name; do
    if [ "$verb" = start ]; then start "$name"; fi
done

# The API server drains for half a minute when etcd goes first, or is paused.
signal CONT etcd
stop kube-controller-manager kube-apiserver
stop etcd
rm -rf "$dir"
