#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# `make demo`: an unchanged psql recorded on a real PostgreSQL, and answered from the file when the server is gone.
# Everything is in a temporary folder; the server and the folder are gone at the end, however it ends.
set -euo pipefail

MOCKPROXY=${MOCKPROXY:-$(cd "$(dirname "$0")/.." && pwd)/build/mockproxy}
PG=${PG_BINDIR:-/usr/lib/postgresql/15/bin}

bold='' green='' red='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then
	bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi

step() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
good() { printf '%s%s%s\n' "$green" "$*" "$plain"; }
command_line() { printf '%s$ %s%s\n' "$bold" "$*" "$plain"; }
die() {
	printf '%sdemo: %s%s\n' "$red" "$*" "$plain" >&2
	exit 1
}

# ---- a server of our own, and its end ----

# As root the server runs as postgres (it refuses root), and mockproxy is to run psql as root and not as the user
# behind sudo, who cannot read this folder.
as_owner=()
if [ "$(id -u)" = 0 ]; then
	as_owner=(runuser -u postgres --)
	unset SUDO_UID SUDO_GID SUDO_USER
fi
folder=$(mktemp -d "${TMPDIR:-/tmp}/mockproxy-demo.XXXXXX")
server=$folder/server
port=

stop_server() {
	[ -e "$server/data/postmaster.pid" ] || return 0
	"${as_owner[@]}" "$PG/pg_ctl" -D "$server/data" -m fast -w -s stop
}
finish() {
	cd /
	stop_server >/dev/null 2>&1 || true
	rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

start_server() { # tries other ports while one is taken by somebody else
	local try
	mkdir "$server"
	chmod 755 "$folder"
	printf 'demo\n' >"$folder/password"
	[ ${#as_owner[@]} = 0 ] || chown postgres "$server" "$folder/password"
	cd "$server"
	"${as_owner[@]}" "$PG/initdb" -D "$server/data" -U demo -A scram-sha-256 --pwfile="$folder/password" -E UTF8 \
		--locale=C.UTF-8 --no-sync >"$folder/log" 2>&1 || { cat "$folder/log" >&2; die "initdb failed"; }
	for try in 1 2 3 4 5 6 7 8; do
		port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
		if "${as_owner[@]}" "$PG/pg_ctl" -D "$server/data" -w -s -l "$server/log" start -o "-p $port -k $server \
			-c listen_addresses=127.0.0.1 -c fsync=off -c lc_messages=C -c TimeZone=UTC" >/dev/null 2>&1; then
			return 0
		fi
	done
	cat "$server/log" >&2
	die "PostgreSQL did not start (tried $try ports)"
}

# ---- what the demo says ----

# mockproxy needs rights for eBPF; without them it can listen on a port that psql is told by hand.
redirect=() asroot=() psql_port='' rights=''
choose_rights() {
	psql_port=$port
	if "$MOCKPROXY" doctor >/dev/null 2>&1; then
		rights="psql connects to the server's own port $port; an eBPF program on its connect() leads it through mockproxy"
	elif [ "$(id -u)" != 0 ] && sudo -n "$MOCKPROXY" doctor >/dev/null 2>&1; then
		asroot=(sudo -n)
		rights="with sudo for the eBPF program; psql itself runs as you"
	else
		psql_port=$((port + 12000))
		redirect=(--listen "$psql_port=127.0.0.1:$port")
		rights="no rights or no kernel for eBPF here ('mockproxy doctor' says why): falling back to --listen, psql is given port $psql_port"
	fi
}

# What a person would type is shown, what is run has full paths. psql's settings files are not ours to read.
psql_words=()
exec 3>&1 # what is shown, also where the output goes to a file
through() { # MODE FILE -- ARGUMENTS OF PSQL...
	local mode=$1 file=$2 shown=mockproxy
	shift 3
	local argument=$2
	case $argument in *' '*) argument="\"$argument\"" ;; esac
	[ "$mode" = record ] && file="-o $file"
	[ ${#asroot[@]} = 0 ] || shown="sudo mockproxy"
	command_line "$shown $mode ${redirect[*]:+${redirect[*]} }$file -- psql -h 127.0.0.1 -p $psql_port -U demo $1 $argument" >&3
	# shellcheck disable=SC2086 # -o and the file are two words
	"${asroot[@]}" "$MOCKPROXY" "$mode" "${redirect[@]}" $file -- "${psql_words[@]}" "$@"
}

direct() {
	PGPASSWORD=demo "$PG/psql" -X -q -h 127.0.0.1 -p "$port" -U demo -d postgres -v ON_ERROR_STOP=1 "$@"
}

[ -x "$MOCKPROXY" ] || die "$MOCKPROXY is not built: run make"
[ -x "$PG/initdb" ] || die "no PostgreSQL 15 in $PG: run tools/deps.sh demo"

start_server
choose_rights
psql_words=(env PGPASSWORD=demo PGSSLMODE=prefer PAGER=cat "$PG/psql" -X -h 127.0.0.1 -p "$psql_port" -U demo -d postgres)
mkdir "$folder/here"
cd "$folder/here"

step "A PostgreSQL 15 with a small shop in it, and a script that works with it"
direct >/dev/null <<-'SQL'
	create table product (id int primary key, name text not null, price numeric(8,2) not null);
	insert into product values (1, 'Darjeeling', 6.50), (2, 'Sencha', 7.20), (3, 'Mate', 4.90);
	create table sale (id serial primary key, product int references product, amount int, at timestamptz default now());
SQL
cat >shop.sql <<-'SQL'
	SELECT id, name, price FROM product ORDER BY id;
	INSERT INTO sale (product, amount) VALUES (2, 3), (3, 10) RETURNING id, at;
	SELECT name FROM product WHERE id = 2;
	PREPARE cheap AS SELECT name FROM product WHERE price < $1 ORDER BY name;
	EXECUTE cheap(7);
	SELECT name, sum(amount * price) AS earned FROM sale JOIN product p ON p.id = product GROUP BY 1;
	SELECT price FROM discount;
SQL
command_line cat shop.sql
cat shop.sql

step "1. Recorded: $rights"
through record demo.db -- -f shop.sql >recorded.txt 2>recorded.err || die "recording failed: $(cat recorded.err)"
cat recorded.txt recorded.err

step "2. The recording is one SQLite file that people can read"
show_rows() { # OPTION SQL
	command_line "sqlite3 $1 demo.db '$2'"
	sqlite3 "$1" demo.db "$2"
}
show_rows -line 'select * from queries limit 2'
show_rows -box 'select id, duration_ms as ms, substr(sql, 1, 60) as sql, parameters, row_count as rows, tag from queries'
[ "$(sqlite3 demo.db 'select count(*) from queries')" -ge 7 ] || die "exchanges are missing in the recording"

step "3. The server is stopped"
stop_server
if direct -c 'select 1' 2>&1; then die "the server still answers"; fi

step "4. Replayed: the same psql, no server, and the same output to the byte"
through replay demo.db -- -f shop.sql >replayed.txt 2>replayed.err || die "replay failed: $(cat replayed.err)"
cat replayed.err
command_line diff recorded.txt replayed.txt
diff recorded.txt replayed.txt || die "the output differs"
good "identical, generated ids and times too"

step "5. A question that was never asked: an error that says what was nearest"
if through replay demo.db -- -c "SELECT name FROM product WHERE id = 9" >miss.txt 2>&1; then
	die "a miss did not fail"
fi
cat miss.txt
grep -q ERROR miss.txt || die "the miss has no message"

step "6. A row edited with sqlite3 is what the next replay answers"
command_line "sqlite3 demo.db \"update result_rows set rows = replace(rows, 'Sencha', 'Gyokuro')\""
sqlite3 demo.db "update result_rows set rows = replace(rows, 'Sencha', 'Gyokuro')"
through replay demo.db -- -f shop.sql >edited.txt 2>edited.err || die "replay of the edit failed: $(cat edited.err)"
command_line diff recorded.txt edited.txt
if diff recorded.txt edited.txt; then die "the edit was not served"; fi
grep -q Gyokuro edited.txt || die "the edit was not served"

printf '\n'
good "demo: all of it held"
