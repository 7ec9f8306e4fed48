#!/bin/sh
# Replaces a browser where only its process matters: no memory, no CPU, no DevTools, alive until killed.
#
# Usage: null-browser.sh <run directory> <guid>
dir=$1
mkfifo "$dir/tmp/hold" || exit 1
printf '0\n/devtools/browser/%s' "$2" >"$dir/profile/DevToolsActivePort"
# Blocks for ever, since no process opens the other end. The keeper finds leftover processes by this argument.
exec dd if="$dir/tmp/hold" of=/dev/null
