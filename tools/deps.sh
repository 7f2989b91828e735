#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs the Debian packages that are missing, and only those: tools/deps.sh [-n] SET...
#   build  to compile the program         demo   what `make demo` needs besides
#   test   what `make test` needs besides bench  the proxies that `make bench` compares with
#   lint   clang-tidy                     fuzz   libFuzzer's runtime
#   bare   debootstrap
# -n only lists what is missing, and fails when something is. Nothing is done, and apt is not asked, when all is there.
set -eu

# One line for each: SET PACKAGE [WHAT IS ENOUGH]. What is enough is a command, or a file pattern, for those who have
# it from elsewhere (node from nodesource, a compiler of their own); without it the package itself must be there.
packages() {
	cat <<-'LIST'
		build gcc            gcc
		build libc6-dev      /usr/include/stdio.h
		build linux-libc-dev /usr/include/linux/bpf.h
		build clang          clang
		build bpftool        bpftool
		build pkg-config     pkg-config
		build libbpf-dev
		build libelf-dev
		build zlib1g-dev
		build libzstd-dev
		build libsqlite3-dev
		build libxxhash-dev
		build libbrotli-dev
		demo  postgresql-15
		demo  sqlite3        sqlite3
		demo  diffutils      diff
		demo  procps         ps
		demo  util-linux     runuser
		test  bzip2          bzip2
		test  libcmocka-dev
		test  clang-format   clang-format
		test  sudo           sudo
		test  iproute2       ip
		test  python3
		test  python3-psycopg2
		test  python3-psycopg
		test  python3-asyncpg
		test  curl           curl
		test  wget           wget
		test  python3-requests
		test  python3-httpx
		test  python3-websockets
		test  tinyproxy-bin  tinyproxy
		test  haproxy
		test  nginx-light    nginx
		test  apache2-bin
		test  python3-sqlalchemy
		test  ruby-pg
		test  php-cli        php
		test  php-pgsql
		test  libdbd-pg-perl
		test  ca-certificates /etc/ssl/certs/ca-certificates.crt
		test  nodejs         node
		test  npm            npm
		test  default-jdk-headless javac
		test  libpostgresql-jdbc-java
		test  mariadb-server-core
		test  mariadb-client mariadb
		test  python3-pymysql
		test  python3-cryptography
		test  python3-mysqldb
		test  php-mysql
		test  libmariadb-java
		test  libdbd-mysql-perl
		test  ruby-mysql2
		test  sysbench       sysbench
		lint  clang-tidy     clang-tidy
		bench haproxy
		bench mariadb-server-core
		bench mariadb-client mariadb
		bench sysbench       sysbench
		bench pgbouncer
		bench wrk            wrk
		bench nginx-light    nginx
		bench mitmproxy      mitmdump
		bench nodejs         node
		bench npm            npm
		fuzz  libclang-rt-14-dev
		bare  debootstrap    debootstrap
	LIST
}

die() {
	printf 'tools/deps.sh: %s\n' "$*" >&2
	exit 1
}

# The sets asked for, with those that they stand on.
wanted_sets() {
	local set
	for set in "$@"; do
		case $set in
		build | demo | lint | fuzz | bare) echo "$set" ;;
		test | bench) echo demo "$set" ;;
		*) die "there is no set '$set'" ;;
		esac
	done
}

is_enough() {
	case $1 in
	'') return 1 ;;
	/*) [ -e "$1" ] ;;
	*) command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ] ;;
	esac
}

# Reads "SET PACKAGE ENOUGH" lines; says each package of the sets that is neither installed nor made up for.
missing_packages() {
	local sets=" $* " set package enough installed
	installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
	while read -r set package enough; do
		case $sets in *" $set "*) ;; *) continue ;; esac
		is_enough "$enough" && continue
		grep -qxF "$package" <<<"$installed" || echo "$package"
	done < <(packages)
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		env DEBIAN_FRONTEND=noninteractive "$@"
	else
		sudo env DEBIAN_FRONTEND=noninteractive "$@"
	fi
}

# Quiet, unless it fails: then everything that apt said.
apt() {
	local log status=0
	log=$(mktemp)
	as_root apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1 </dev/null || status=$?
	[ "$status" = 0 ] || cat "$log" >&2
	rm -f "$log"
	return "$status"
}

# Debian's postgresql package makes a cluster and starts it. The tests make their own in temporary folders, so while it
# is installed here, for the first time, a drop-in says not to; it goes away again. An existing cluster is never touched.
DROP_IN=/etc/postgresql-common/createcluster.d/mockproxy-tests.conf
without_cluster() {
	as_root sh -c "mkdir -p '${DROP_IN%/*}' && echo 'create_main_cluster = false' >'$DROP_IN'"
	trap 'as_root rm -f "$DROP_IN"' EXIT
}

# (Of Apache only the program is installed, apache2-bin: the package around it would start a service. Of MariaDB only the server
# itself, mariadb-server-core: its package would make /var/lib/mysql too. What the tests need of it besides, and MySQL 9.7, are
# unpacked by tools/mysql-tree.sh.)

# The packages that are servers start themselves: those that came only for tests and the benchmark are stopped again.
stop_services() {
	local package
	[ -d /run/systemd/system ] || return 0
	for package in haproxy pgbouncer nginx; do
		case " $* " in
		*" $package "* | *" $package-light "*) as_root systemctl disable --now --quiet "$package" || true ;;
		esac
	done
}

list_only=no
if [ "${1-}" = -n ]; then
	list_only=yes
	shift
fi
[ $# -gt 0 ] || die "which set? build, demo, test, lint, bench, fuzz, bare"
sets=$(wanted_sets "$@") || exit 1
# shellcheck disable=SC2086 # one word for each set
missing=$(missing_packages $sets | sort -u | tr '\n' ' ')
[ -n "$missing" ] || exit 0
if [ "$list_only" = yes ]; then
	echo "$missing"
	exit 1
fi

command -v apt-get >/dev/null ||
	die "this is not Debian (no apt-get): install what these packages of Debian 12 have, by hand: $missing"
[ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
	die "these packages are missing and you are neither root nor is there sudo; as root: apt-get install $missing"

echo "installing Debian packages: $missing"
apt update || die "'apt-get update' failed: is there a network, and is /etc/apt right?"
case " $missing " in
*" postgresql-15 "*) without_cluster ;;
esac
# shellcheck disable=SC2086 # one word for each package
apt install --yes --no-install-recommends $missing || die "installing failed, apt says why above (is there a network, is this Debian 12?): $missing"
# shellcheck disable=SC2086
stop_services $missing
