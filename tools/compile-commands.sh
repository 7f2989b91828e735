#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Reads what `make -Bn V=1` would run, writes compile_commands.json: for those who do not have bear.
set -eu
awk -v folder="$(pwd)" '
	BEGIN { print "[" }
	/ -c -o [^ ]+\.o [^ ]+\.c$/ {
		command = $0
		gsub(/"/, "\\\"", command)
		sub(/^[ \t]+/, "", command)
		printf "%s{\"directory\": \"%s\", \"file\": \"%s\", \"command\": \"%s\"}", separator, folder, $NF, command
		separator = ",\n"
	}
	END { print "\n]" }'
