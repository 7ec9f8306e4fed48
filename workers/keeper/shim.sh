#!/bin/sh
# Runs one browser, waits for it and writes down how it went. It outlives the keeper, so that an exit
# that nobody watched is still on record.
#
# Usage: shim.sh <run directory> <program> [argument...]
# Writes <run directory>/pid and, at the end, <run directory>/exit: each by rename, so never half a file.
dir=$1
shift
# Handlers that do nothing, not `trap ''`: a signal that is ignored here would be ignored by the browser too.
trap : HUP INT TERM
"$@" </dev/null >>"$dir/log" 2>&1 &
browser=$!
printf '%s\n' "$browser" >"$dir/pid.new" && mv "$dir/pid.new" "$dir/pid"
# A trapped signal ends `wait` early; the browser is then still there to be waited for.
while wait "$browser"; status=$?; kill -0 "$browser" 2>/dev/null; do :; done
printf '%s\n' "$status" >"$dir/exit.new" && mv "$dir/exit.new" "$dir/exit"
