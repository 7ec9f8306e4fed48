#!/bin/sh
# Runs one browser, waits for it and records its exit status. It outlives the keeper, so that an exit while
# no keeper runs is still recorded.
#
# Usage: shim.sh <run directory> <program> [argument...]
# Runs as the keeper's user; the program takes on the browser's. Fills in <run directory>/pid and, at the end,
# <run directory>/exit. The keeper has created both, and their bytes are overwritten (`1<>` does not truncate), since a
# full disk has no room for a new file. Of its files the browser gets the log alone, and can only append to it.
dir=$1
shift
# Handlers that do nothing, not `trap ''`: a signal that is ignored here would be ignored by the browser too.
trap : HUP INT TERM
# XFSZ is ignored on purpose: the keeper limits file sizes to end downloads, and the browser must see a failed write.
trap '' XFSZ
if [ -e "$dir/cage" ]; then
  # bubblewrap reports the pid there, and closes it before the browser begins.
  "$@" </dev/null >>"$dir/log" 2>&1 3<>"$dir/cage" &
else
  "$@" </dev/null >>"$dir/log" 2>&1 &
fi
browser=$!
printf '%010d\n' "$browser" 1<>"$dir/pid"
# A trapped signal ends `wait` early, while the browser is still running: wait again.
while wait "$browser"; status=$?; kill -0 "$browser" 2>/dev/null; do :; done
printf '%03d\n' "$status" 1<>"$dir/exit"
