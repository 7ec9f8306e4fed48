#!/bin/sh
# Stands in for a browser where only its life matters: no memory, no CPU, no DevTools, alive until killed.
#
# Usage: null-browser.sh <run directory> <guid>
dir=$1
mkfifo "$dir/hold" || exit 1
printf '0\n/devtools/browser/%s' "$2" >"$dir/profile/DevToolsActivePort"
# Blocks for ever: nobody opens the other end. The argument is what the sweep of leftovers looks for.
exec dd if="$dir/hold" of=/dev/null
