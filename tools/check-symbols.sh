#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The layers and the banned calls once more, in what was compiled: tools/check-symbols.sh BUILD. A macro or an extern
# declaration can hide a call from the preprocessor's list of includes, but not from nm. BUILD is one without sanitizers.
set -eu
build=${1:?the folder of the build}

# Unbounded, not thread-safe, or with a better form in this project (parsers/banned.h says which).
BANNED='^(__)?(gets|strcpy|stpcpy|strcat|strncpy|strncat|sprintf|vsprintf|strtok|atoi|atol|atoll|atof|system|popen|mktemp|tmpnam|tempnam|localtime|gmtime|ctime|asctime|alloca|rand|srand|sleep|usleep)(_chk)?$'
# All that the pure layer may ask of libc and libm, and the compiler's own helpers.
PURE='^(malloc|calloc|realloc|free|abort|qsort|bsearch|strto(l|ll|ul|ull|d|f)|mem(cpy|move|set|cmp|chr|rchr|mem)|str(len|nlen|cmp|ncmp|chr|rchr|str)|__errno_location|__assert_fail|__stack_chk_fail|__isoc.*_strto.*|_GLOBAL_OFFSET_TABLE_|XXH[0-9A-Z_].*|(inflate|deflate)[A-Za-z_]*|ZSTD_.*|(__)?(fabs|floor|ceil|trunc|round|isnan|isinf|ldexp|frexp|pow|fmod|signbit|fpclassify).*)$'

# FILE SYMBOL lines: what the objects of a folder ask for and what they bring.
symbols() { # KIND FOLDER...
	local kind=$1 folder
	shift
	for folder in "$@"; do
		[ -d "$build/$folder" ] || continue
		find "$build/$folder" -name '*.o' ! -name '*.bpf.o' -exec nm -A "--$kind-only" -P {} +
	done | sed -E 's/^([^:]+): ([^ ]+).*/\1 \2/'
}

status=0
complain() { # SENTENCE; reads FILE SYMBOL lines
	local file symbol
	while read -r file symbol; do
		printf '%s: %s: %s\n' "${file#"$build"/}" "$symbol" "$1" >&2
		status=1
	done
}

complain "banned call" < <(symbols undefined parsers store proxy tools | awk -v banned="$BANNED" '$2 ~ banned')

complain "the pure layer may not call this" < <(
	awk -v pure="$PURE" 'NR == FNR { own[$2] = 1; next } !($2 in own) && $2 !~ pure' \
		<(symbols defined parsers) <(symbols undefined parsers)
)
complain "defined in proxy/ or tools/, above this layer" < <(
	awk 'NR == FNR { above[$2] = 1; next } $2 in above' <(symbols defined proxy tools) <(symbols undefined parsers store)
)
# No writable data: what changes has an owner. Constant tables of pointers are in .data.rel.ro.
complain "mutable global" < <(
	for folder in parsers store proxy tools; do
		[ ! -d "$build/$folder" ] || find "$build/$folder" -name '*.o' ! -name '*.bpf.o' -exec nm -A -f sysv {} +
	done | awk -F'|' '
		$3 ~ /[BbDdC]/ && $7 !~ /^\.data\.rel\.ro/ {
			file = name = $1
			sub(/:[^:]*$/, "", file)
			sub(/^.*:/, "", name)
			print file, name
		}'
)
exit "$status"
