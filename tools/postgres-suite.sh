#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Makes FOLDER: PostgreSQL's own regression suite, of the version that is installed here, or where its mirror lacks that one's
# sources of another of the same major version: tools/postgres-suite.sh FOLDER
#   FOLDER/sql, expected, data, parallel_schedule, resultmap   what pg_regress reads
#   FOLDER/regress.so, refint.so, autoinc.so                   C functions that the suite loads into the server
# Sources come with `apt-get source`, the server's headers from its package, which is unpacked and not installed. About 25 MB
# are fetched; nothing is done where the folder is there already. (pg_regress itself is in the package postgresql-15.)
set -eu

. "$(dirname "$0")/private-apt.sh"

MAJOR=15

# The version of the suite is the server's, for its answers are. The C interface is that of the major version.
versions() {
	dpkg-query -W -f='${Version}\n' "postgresql-$MAJOR" 2>/dev/null | grep . || die "postgresql-$MAJOR is not installed"
	APT_CONFIG="$work/bookworm/apt.conf" apt-cache showsrc --only-source "postgresql-$MAJOR" | sed -n 's/^Version: //p'
}

fetch() {
	(
		apt bookworm source --download-only "postgresql-$MAJOR=$1"
		apt bookworm download "postgresql-server-dev-$MAJOR=$1"
	) 2>"$work/fetch.log"
}

# A mirror may list what it does not have yet.
fetch_some() {
	local version
	for version in $(versions); do
		fetch "$version" && return
	done
	cat "$work/fetch.log" >&2
	die "the sources of postgresql-$MAJOR cannot be fetched"
}

compile() {
	gcc -O2 -fPIC -shared -w -DREFINT_VERBOSE -I "$work/headers/usr/include/postgresql/$MAJOR/server" -o "$work/suite/$(basename "$1" .c).so" "$1"
}

make_suite() {
	local source
	private_apt bookworm bookworm bookworm-updates bookworm-security
	apt bookworm update
	fetch_some
	unpack "$work/bookworm" "$work/headers"
	mkdir "$work/source"
	tar -xf "$work/bookworm"/postgresql-$MAJOR*.orig.tar.* -C "$work/source" --strip-components=1 --wildcards \
		'*/src/test/regress' '*/contrib/spi'
	source="$work/source/src/test/regress"
	mkdir "$work/suite"
	cp -r "$source"/{sql,expected,data,parallel_schedule,resultmap} "$work/suite"
	for file in "$source/regress.c" "$work/source/contrib/spi/refint.c" "$work/source/contrib/spi/autoinc.c"; do
		compile "$file"
	done
}

[ $# = 1 ] || die "which folder?"
folder=$1
[ -d "$folder" ] && exit 0
work_in "$(dirname "$folder")"
make_suite
appear "$work/suite" "$folder"
