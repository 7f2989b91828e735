#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Which lines the tests reached, by file and in all: tools/check-coverage.sh BUILD, a build with COV=1 whose tests ran.
set -eu
build=${1:?the folder of the build}
cd "$(dirname "$0")/.."

# gcov says "File 'x.c'" and then "Lines executed:93.10% of 58"; headers come once for each file that includes them.
for folder in parsers store proxy tools; do
	[ ! -d "$build/$folder" ] || find "$build/$folder" -name '*.gcno'
done | while read -r notes; do
	gcov --no-output --object-file "$notes" "$notes" 2>/dev/null
done | awk '
	/^File / { file = $2; gsub(/\047/, "", file) }
	/^Lines executed:/ && file ~ /^(parsers|store|proxy|tools)\/.*\.c$/ {
		split($2, part, /[:%]/)
		lines = $NF
		hit = part[2] * lines / 100
		printf "%6.1f %%  %5d  %s\n", part[2], lines, file | "sort -k 4"
		total += lines
		reached += hit
		file = ""
	}
	END {
		close("sort -k 4")
		if (!total) {
			print "no file was run"
			exit 1
		}
		printf "%6.1f %%  %5d  in all\n", 100 * reached / total, total
	}'
