#!/bin/sh
# Other containers reach a keeper's gateway under the host name of its container, which only the container knows.
set -eu
if [ -n "${HOLDFAST_KEEPER_LISTEN:-}" ] && [ -z "${HOLDFAST_KEEPER_ADVERTISE:-}" ]; then
  export HOLDFAST_KEEPER_ADVERTISE="$(hostname):${HOLDFAST_KEEPER_LISTEN##*:}"
fi
exec node /app/bin/holdfast "$@"
