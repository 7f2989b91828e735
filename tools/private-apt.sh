# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by scripts that take packages apart without installing them: an apt of one's own, with Debian's keyring and the
# host's mirror, of which the host's apt knows nothing. Root is not needed. work_in() comes first.

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

die() {
	printf '%s: %s\n' "$0" "$*" >&2
	exit 1
}

# work_in FOLDER: $work, a folder in it, for as long as the script runs. What is made there becomes whole with one rename: appear().
work_in() {
	mkdir -p "$1"
	work=$(mktemp -d "$(realpath "$1")/making.XXXXXX")
	trap 'rm -rf "$work"' EXIT
}

# appear MADE FOLDER: another that made the same at the same time may have been first.
appear() {
	mv -T "$1" "$2" 2>/dev/null || [ -d "$2" ] || die "$2 cannot be made"
}

# The mirror that this machine uses for Debian itself; Debian's own where none can be seen. mirror debian-security: that of it.
mirror() {
	local name=${1-debian}
	grep -rhoE --include='*.list' --include='*.sources' "^[^#]*https?://[^] ]+/$name/?([[:space:]]|\$)" /etc/apt 2>/dev/null |
		grep -oE 'https?://[^] ]+' | head -n 1 | grep . || echo "http://deb.debian.org/$name"
}

# private_apt NAME SUITE...: an apt below $work/NAME with these suites and no package installed, so that everything down to libc
# comes. A suite that ends in -security is on the mirror of those.
private_apt() {
	local state="$work/$1" suite where
	command -v apt-get >/dev/null || die "this is not Debian (no apt-get)"
	[ -r "$KEYRING" ] || die "$KEYRING is not there: apt-get install debian-archive-keyring"
	shift
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
	: >"$state/status"
	for suite in "$@"; do
		where=$(mirror "$(case $suite in *-security) echo debian-security ;; *) echo debian ;; esac)")
		printf '%s [signed-by=%s] %s %s main\n' deb "$KEYRING" "$where" "$suite" deb-src "$KEYRING" "$where" "$suite"
	done >"$state/sources.list"
	cat >"$state/apt.conf" <<-CONF
		Dir::State "$state";
		Dir::State::status "$state/status";
		Dir::Cache "$state/cache";
		Dir::Etc::sourcelist "$state/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		APT::Architecture "$(dpkg --print-architecture)";
		APT::Install-Recommends "false";
		APT::Sandbox::User "";
		Acquire::Languages "none";
		Debug::NoLocking "true";
	CONF
}

# apt NAME ARGUMENTS: quiet, unless it fails.
apt() {
	local name=$1
	shift
	(cd "$work/$name" && APT_CONFIG="$work/$name/apt.conf" apt-get -qq "$@") >"$work/log" 2>&1 </dev/null || {
		cat "$work/log" >&2
		die "apt-get $1 failed: is there a network?"
	}
}

# unpack FOLDER INTO: the packages that lie in a folder.
unpack() {
	local package
	for package in "$1"/*.deb; do
		dpkg-deb -x "$package" "$2"
	done
}
