#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What no compiler sees: lengths of files and functions, the license line, marks that decide nothing, white space at
# the end of a line, and tests that sleep.
set -eu
cd "$(dirname "$0")/.."
FILE_LINES=700     # the aim is 600
FUNCTION_LINES=80  # the aim is 60

folders=()
for folder in bpf parsers store proxy tools tests .ci; do
	[ ! -d "$folder" ] || folders+=("$folder")
done
c_files() { find "${folders[@]}" -name '*.[ch]'; }
texts() { find "${folders[@]}" Makefile -type f \( -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name Makefile \); }

found() { # SENTENCE; reads the places
	if sed "s/\$/: $1/" | grep . >&2; then
		status=1
	fi
}
status=0

found "more than $FILE_LINES lines" < <(c_files | xargs wc -l | awk -v max=$FILE_LINES '$2 != "total" && $1 > max { print $2 }')
found "a function of more than $FUNCTION_LINES lines" < <(
	c_files | xargs awk -v max=$FUNCTION_LINES '
		FNR == 1 { start = 0 }
		/^\{/ { start = FNR }
		/^\}/ { if (start && FNR - start - 1 > max) print FILENAME ":" start; start = 0 }'
)
found "the first line is not the SPDX line" < <(
	c_files | while read -r file; do
		head -n 1 "$file" | grep -q 'SPDX-License-Identifier' || echo "$file"
	done
)
# shellcheck disable=SC2038 # no name here has a space
found "a mark that decides nothing: decide, or say NEEDSWORK: with the decision to take" < <(
	texts | grep -v '^tools/check-text.sh$' | xargs grep -nEo '\b(TODO|FIXME|XXX|HACK)\b'
)
found "white space at the end of the line" < <(texts | xargs grep -nEo '[[:space:]]+$' | sed 's/:[[:space:]]*$//')
# A poll for what nothing announces may pause for some milliseconds.
found "a test waits for an event, it does not sleep" < <(
	find tests .ci -type f ! -path '*/node_modules/*' \( -perm -u+x -o -name '*.sh' -o -name '*.py' \) \
		-exec grep -nHEo '(^|[^_[:alnum:]])sleep[ (]+(0?\.)?[1-9].*' {} +
	find tests -name '*.c' -exec grep -nHEo '\b(u|nano)?sleep *\(.*' {} +
)
exit "$status"
