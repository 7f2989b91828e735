#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Makes what the MySQL tests need and Debian 12 does not install: tools/mysql-tree.sh FOLDER
#   FOLDER/mysql    MySQL 9.7, server and client, of Debian sid with every library below it
#   FOLDER/mariadb  the plugin auth_ed25519 of MariaDB's server, whose package would make and start a server
# Packages are fetched with apt's own checks against the Debian keyring and unpacked, not installed: the host's apt knows
# nothing of it, and root is not needed. About 75 MB and 20 seconds; nothing is done where it is there already.
# A program of the tree runs through the tree's own loader:
#   T/usr/lib64/ld-linux-x86-64.so.2 --library-path T/usr/lib/x86_64-linux-gnu --argv0 T/usr/sbin/mysqld T/usr/sbin/mysqld
set -eu

. "$(dirname "$0")/private-apt.sh"

make_mysql() {
	private_apt sid sid
	apt sid update
	apt sid install --yes --download-only mysql-server-core mysql-client-core
	# Where /lib and /lib64 are not links yet, what belongs there would be unpacked beside /usr.
	mkdir -p "$work/mysql/usr/lib" "$work/mysql/usr/lib64" "$work/mysql/usr/bin" "$work/mysql/usr/sbin"
	ln -s usr/lib usr/lib64 usr/bin usr/sbin "$work/mysql"
	unpack "$work/sid/cache/archives" "$work/mysql"
	[ -x "$work/mysql/usr/sbin/mysqld" ] && [ -x "$work/mysql/usr/bin/mysql" ] || die "there is no mysqld in Debian's packages"
	rm -rf "$work/mysql/usr/share/doc" "$work/mysql/usr/share/man" "$work/mysql/usr/share/locale" "$work/mysql/usr/share/perl"
}

make_mariadb() {
	private_apt bookworm bookworm
	apt bookworm update
	apt bookworm download mariadb-server
	mkdir -p "$work/unpacked" "$work/mariadb"
	unpack "$work/bookworm" "$work/unpacked"
	cp "$work/unpacked/usr/lib/mysql/plugin/auth_ed25519.so" "$work/mariadb/"
}

[ $# = 1 ] || die "which folder?"
folder=$1
[ -d "$folder/mysql" ] && [ -d "$folder/mariadb" ] && exit 0
work_in "$folder"
for part in mysql mariadb; do
	[ -d "$folder/$part" ] && continue
	"make_$part"
	appear "$work/$part" "$folder/$part"
done
