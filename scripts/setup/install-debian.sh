#!/bin/sh
# Installs packages on Debian without questions. A service that a package brings is not left running: Holdfast starts
# its own Redis, and its tests start their own Prometheus. Root only.
#
# Usage: install-debian.sh <package>...
set -eu
export DEBIAN_FRONTEND=noninteractive

# Package scripts ask this program whether they may start services; 101 means no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

apt='apt-get -o DPkg::Lock::Timeout=120'
$apt update
$apt install -y --no-install-recommends "$@"

# The package has not started it, but has enabled it for the next boot.
for service in redis-server prometheus; do
  case " $* " in
  *" $service "*)
    if [ -d /run/systemd/system ]; then systemctl disable "$service"; fi
    ;;
  esac
done
