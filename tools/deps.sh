#!/bin/sh
# Install from Debian what building ("build") and testing ("test") need. Silent when everything is there.
set -eu

build="gcc make pkg-config meson ninja-build libcurl4-openssl-dev libdeflate-dev libsqlite3-dev libjansson-dev libmariadb-dev libpq-dev libhiredis-dev libssl-dev libmicrohttpd-dev sqlite3 ca-certificates"
test="clang-14 libclang-rt-14-dev valgrind python3 openssl universal-ctags binutils git locales mariadb-server-core mariadb-client-core postgresql-15 redis-server prometheus systemd"

missing=""
for group in "$@"; do
    case $group in
    build) packages=$build ;;
    test) packages=$test ;;
    *) echo "deps.sh: no group \"$group\": use build or test" >&2; exit 2 ;;
    esac
    for package in $packages; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
done
[ -n "$missing" ] || exit 0

sudo=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "deps.sh: install these as root:$missing" >&2; exit 1; }
    sudo=sudo
fi
echo "installing:$missing"

said=$(mktemp)
no_cluster=""
no_services=""
clean() {
    rm -f "$said"
    [ -z "$no_cluster" ] || $sudo rm -f "$no_cluster"
    [ -z "$no_services" ] || $sudo rm -f "$no_services"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM

# Run apt-get; while another process holds the lists or the packages, wait for it: two minutes.
apt_get() {
    tries=24
    until $sudo env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -qq "$@" >/dev/null 2>"$said"; do
        tries=$((tries - 1))
        if [ $tries -eq 0 ] || ! grep -q -e 'Could not get lock' -e 'Unable to lock' -e 'Unable to acquire' "$said"; then
            cat "$said" >&2
            return 1
        fi
        [ $tries -ne 23 ] || echo "waiting for another apt or dpkg to end"
        sleep "${CCDATA_DEPS_WAIT_S:-5}"
    done
}

apt_get update
# The tests start servers of their own: while installing, no cluster is made and no service is started on this machine.
case "$missing " in
*" postgresql-15 "*)
    no_cluster=/etc/postgresql-common/createcluster.d/ccdata-deps.conf
    $sudo mkdir -p "${no_cluster%/*}"
    echo "create_main_cluster = false" | $sudo tee "$no_cluster" >/dev/null
    ;;
esac
case "$missing " in
*" redis-server "* | *" prometheus "*)
    if [ ! -e /usr/sbin/policy-rc.d ]; then # a policy of the machine's own stays as it is
        no_services=/usr/sbin/policy-rc.d
        printf '#!/bin/sh\nexit 101\n' | $sudo tee "$no_services" >/dev/null
        $sudo chmod 755 "$no_services"
    fi
    ;;
esac
# shellcheck disable=SC2086
apt_get install -y --no-install-recommends $missing
