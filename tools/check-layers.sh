#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Who includes whom: parsers <- store <- proxy, tools, and bpf/ only itself. Each layer's list is below; parsers/ has a
# list of the system headers that it may use too, since it knows no sockets, threads, clocks or streams.
set -eu
cd "$(dirname "$0")/.."

# The folders whose headers a file may include, by its own.
may_include() {
	case $1 in
	parsers/*) echo "parsers/" ;;
	store/*) echo "parsers/ store/" ;;
	proxy/main.c | proxy/cli*) echo "parsers/ store/ proxy/ bpf/ tools/" ;; # the command line knows every command
	proxy/*) echo "parsers/ store/ proxy/ bpf/" ;;
	tools/*) echo "parsers/ store/ tools/" ;;
	bpf/*) echo "bpf/" ;;
	esac
}

# Allowed to the pure layer: nothing here reads, writes, waits, or depends on the locale.
PURE=" assert.h errno.h float.h inttypes.h limits.h math.h stdalign.h stdarg.h stdbool.h stddef.h stdint.h stdlib.h \
string.h xxhash.h zlib.h zstd.h "

status=0
complain() {
	printf '%s\n' "$*" >&2
	status=1
}

check_own() { # FILE LINE HEADER
	local folder
	for folder in $(may_include "$1"); do
		case $3 in "$folder"*) return 0 ;; esac
	done
	case $3 in
	*/*) complain "$1:$2: $3 is not in a layer below: this file may include $(may_include "$1")" ;;
	*) complain "$1:$2: $3: write the folder too" ;;
	esac
}

check_system() { # FILE LINE HEADER
	case $1 in
	parsers/*)
		case $PURE in *" $3 "*) ;; *) complain "$1:$2: <$3> is not for the pure layer" ;; esac
		;;
	store/*)
		case $3 in sys/socket.h | sys/epoll.h | netinet/* | arpa/* | netdb.h)
			complain "$1:$2: <$3>: only proxy/ knows sockets"
			;;
		esac
		;;
	esac
}

includes() {
	find parsers store proxy tools bpf -name '*.[ch]' -exec grep -nHE '^[[:space:]]*#[[:space:]]*include' {} + |
		sed -nE 's/^([^:]+):([0-9]+):[^<"]*([<"])([^>"]+).*/\1 \2 \3 \4/p'
}

while read -r file line quote header; do
	case $quote in
	'"') check_own "$file" "$line" "$header" ;;
	'<') check_system "$file" "$line" "$header" ;;
	esac
done < <(includes)
exit "$status"
