#!/bin/sh
# Runs one browser, waits for it and writes down how it went. It outlives the keeper, so that an exit
# that nobody watched is still on record.
#
# Usage: shim.sh <run directory> <program> [argument...]
# Fills in <run directory>/pid and, at the end, <run directory>/exit, which the keeper has made: bytes are written over
# bytes (`1<>` cuts nothing off), since a full disk has no room for a new file.
dir=$1
shift
# Handlers that do nothing, not `trap ''`: a signal that is ignored here would be ignored by the browser too.
trap : HUP INT TERM
# This one is to be: the keeper limits the size of files to end downloads, and the browser is to see a write that fails.
trap '' XFSZ
"$@" </dev/null >>"$dir/log" 2>&1 &
browser=$!
printf '%010d\n' "$browser" 1<>"$dir/pid"
# A trapped signal ends `wait` early; the browser is then still there to be waited for.
while wait "$browser"; status=$?; kill -0 "$browser" 2>/dev/null; do :; done
printf '%03d\n' "$status" 1<>"$dir/exit"
