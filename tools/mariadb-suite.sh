#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Makes FOLDER: MariaDB's own test suite, of the version that is installed here: tools/mariadb-suite.sh FOLDER
#   FOLDER/usr/share/mysql/mysql-test   the tests, what they include, and what they should print
#   FOLDER/usr/bin/mariadb-test         the program that runs one of them
#   FOLDER/usr/lib                      plugins for tests, and a library that mariadb-test needs
# The packages are unpacked and not installed: they would install MariaDB's server as a service. About 20 MB are fetched, 330 MB
# unpacked; nothing is done where the folder is there already.
set -eu

. "$(dirname "$0")/private-apt.sh"

make_suite() {
	local version
	version=$(dpkg-query -W -f='${Version}' mariadb-server-core 2>/dev/null) || die "mariadb-server-core is not installed"
	private_apt bookworm bookworm bookworm-updates bookworm-security
	apt bookworm update
	apt bookworm download "mariadb-test=$version" "mariadb-test-data=$version" libpcre2-posix3
	unpack "$work/bookworm" "$work/suite"
}

[ $# = 1 ] || die "which folder?"
folder=$1
[ -d "$folder" ] && exit 0
work_in "$(dirname "$folder")"
make_suite
appear "$work/suite" "$folder"
