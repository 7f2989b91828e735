#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# psql: \lo_import and \lo_export.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
seq 1 20000 >"$folder/in"
psql -X <<END | sed 's/^lo_import [0-9]*/lo_import OID/'
\lo_import $folder/in
\lo_export :LASTOID $folder/out
\lo_unlink :LASTOID
\lo_unlink 1
END
cmp "$folder/in" "$folder/out" && echo same
