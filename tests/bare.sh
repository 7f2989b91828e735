#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Shows that a checkout works on a bare Debian 12: tests/bare.sh [-k] [-b TREE] [COMMAND]
#
# Makes a minimal tree (debootstrap's minbase, and make), copies the working tree into it, and runs COMMAND there
# (default: `make demo && make test`) with chroot, in a mount namespace of its own: nothing that is installed or mounted
# there is seen outside, and the mounts are gone with the last process. Root only; kernel and network are the host's.
#   -k       keeps the tree and says where it is
#   -b TREE  copies TREE, a base made before, in place of calling debootstrap
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
keep=no
base=
while getopts kb: option; do
	case $option in
	k) keep=yes ;;
	b) base=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
command=${*:-make demo && make test}

die() {
	printf 'tests/bare.sh: %s\n' "$*" >&2
	exit 1
}

[ "$(id -u)" = 0 ] || die "needs root (chroot and mounts)"
"$top/tools/deps.sh" bare

tree=$(mktemp -d /var/tmp/mockproxy-bare.XXXXXX)

# A server that a failed test left behind in the tree would keep its files: those processes are ours to end.
end_stragglers() {
	local root
	for root in /proc/[0-9]*/root; do
		case $(readlink "$root" 2>/dev/null) in
		"$tree" | "$tree"/*) kill -KILL "$(basename "$(dirname "$root")")" 2>/dev/null || true ;;
		esac
	done
}

finish() {
	end_stragglers
	if [ "$keep" = yes ]; then
		echo "kept: $tree"
	else
		rm -rf --one-file-system "$tree"
	fi
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mirror() {
	{
		sed -n 's/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list.d/debian.sources
		sed -n 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\).*/\2/p' /etc/apt/sources.list
	} 2>/dev/null | head -n 1
}

if [ -n "$base" ]; then
	cp -a "$base/." "$tree/"
else
	from=$(mirror)
	echo "making a bare Debian 12 in $tree"
	debootstrap --variant=minbase --include=make bookworm "$tree" "${from:-http://deb.debian.org/debian}" \
		>"$tree.log" 2>&1 || {
		tail -n 20 "$tree.log" >&2
		die "debootstrap failed; its words are in $tree.log"
	}
	rm -f "$tree.log"
fi
chmod 755 "$tree"

# A network may have a CA of its own, between here and the package registries.
if ls /usr/local/share/ca-certificates/*.crt >/dev/null 2>&1; then
	mkdir -p "$tree/usr/local/share/ca-certificates"
	cp /usr/local/share/ca-certificates/*.crt "$tree/usr/local/share/ca-certificates/"
fi
# ... and a mirror that stands still, whose dates this machine's apt was told not to look at.
apt-config dump | grep -E '^Acquire::Check-(Valid-Until|Date) ' >"$tree/etc/apt/apt.conf.d/99host" || true
# Nobody needs this tree after a power failure: dpkg need not wait for the disk.
echo force-unsafe-io >"$tree/etc/dpkg/dpkg.cfg.d/throwaway"
cp -L /etc/resolv.conf "$tree/etc/resolv.conf"
cp -L /etc/hosts "$tree/etc/hosts"

mkdir -p "$tree/src"
(cd "$top" && git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- \
	--ignore-failed-read -cf - 2>/dev/null) | tar -xf - -C "$tree/src"

echo "in it: $command"
status=0
# shellcheck disable=SC2016 # $1 and $2 are the inner shell's
unshare -m --propagation private sh -c '
	set -e
	mount --rbind /proc "$1/proc"
	mount --rbind /sys "$1/sys"
	mount --rbind /dev "$1/dev"
	exec env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		${NODE_EXTRA_CA_CERTS:+"NODE_EXTRA_CA_CERTS=$NODE_EXTRA_CA_CERTS"} \
		chroot "$1" /bin/sh -c "cd /src && $2"
' sh "$tree" "$command" </dev/null || status=$?

if [ "$status" = 0 ]; then
	echo "bare Debian 12: passed"
else
	echo "bare Debian 12: failed with status $status"
fi
exit "$status"
