#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Perl's DBD::Pg: statements of the server from the second use, catalogue queries, arrays,
# savepoints. common.py says what units, POOL and SEED are; called as `perl_dbd_program.pl POOL
# SEED`. The units take the connections in turn.
use strict;
use warnings;
use DBI qw(:sql_types);
use DBD::Pg qw(:pg_types);
use Data::Dumper;

$Data::Dumper::Indent = 0;
$Data::Dumper::Terse = 1;
$Data::Dumper::Sortkeys = 1;
$Data::Dumper::Useqq = 1;

my %units;

for my $id (1 .. 10) {
	$units{"read.$id"} = sub {
		my ($c, $say) = @_;
		my $statement = $c->prepare('SELECT * FROM items WHERE id = ?');
		$statement->execute($id);
		$say->($statement->{NAME}, $statement->{pg_type});
		$say->($statement->fetchall_arrayref);
	};
}
$units{again} = sub {
	my ($c, $say) = @_;
	my $statement = $c->prepare('select name, price, tags from items where id = ? and price > ?');
	$say->($statement->{NUM_OF_PARAMS});
	for my $id (41 .. 45) {
		$statement->execute($id, '1.5');
		$say->($statement->fetchrow_arrayref);
	}
};
$units{now} = sub { # prepared at once
	my ($c, $say) = @_;
	my $statement = $c->prepare('select name from items where id = $1', { pg_prepare_now => 1 });
	for my $id (51 .. 52) {
		$statement->bind_param(1, $id, SQL_INTEGER);
		$statement->execute;
		$say->($statement->fetchall_arrayref);
	}
};
$units{typed} = sub {
	my ($c, $say) = @_;
	my $statement = $c->prepare('select ?, ?, ?, ?');
	$statement->bind_param(1, "\x00\xff", { pg_type => PG_BYTEA });
	$statement->bind_param(2, 5, { pg_type => PG_INT8 });
	$statement->bind_param(3, [1, 2], { pg_type => PG_INT4ARRAY });
	$statement->bind_param(4, undef);
	$statement->execute;
	$say->($statement->fetchall_arrayref);
};
$units{any} = sub {
	my ($c, $say) = @_;
	$say->($c->selectall_arrayref('select id, name from items where id = any(?)', undef, [3, 1]));
	$say->($c->selectall_arrayref('select id, data from items where data @> ?', undef, '{"n": 4}'));
	$say->($c->selectcol_arrayref(q{select jsonb '{"a":1}' \? 'a'}));
};
$units{emulated} = sub {
	my ($c, $say) = @_;
	local $c->{pg_server_prepare} = 0;
	$say->($c->selectall_arrayref('select name from items where id = ? and name <> ?',
		undef, 61, "it's"));
};
for my $id (1 .. 4) {
	$units{"transfer.$id"} = sub {
		my ($c, $say) = @_;
		$c->begin_work;
		for my $amount (5, 7) {
			$say->($c->selectrow_arrayref('select balance from accounts where id = ?', undef, $id));
			$say->($c->do('update accounts set balance = balance - ? where id = ?',
				undef, $amount, $id));
		}
		$say->($c->selectrow_arrayref('select balance from accounts where id = ?',
			undef, $id));
		$c->commit;
	};
}
$units{insert} = sub {
	my ($c, $say) = @_;
	my $statement = $c->prepare('insert into written (worker, n) values (?, ?) returning id, at');
	for my $n (1 .. 3) {
		$statement->execute('perl', $n);
		$say->($statement->fetchrow_arrayref);
	}
	$say->($c->do(q{delete from written where worker = 'perl'}));
};
$units{savepoints} = sub {
	my ($c, $say) = @_;
	$c->begin_work;
	$c->do(q{insert into written (worker, n) values ('perlsave', 1)});
	$c->pg_savepoint('mine');
	eval { $c->do(q{insert into written (worker, n) values ('perlsave', 1)}) };
	$say->($c->state, $c->errstr);
	$c->pg_rollback_to('mine');
	$say->($c->selectall_arrayref(q{select n from written where worker = 'perlsave'}));
	$c->rollback;
};
$units{errors} = sub {
	my ($c, $say) = @_;
	for my $sql ('selec 1', 'select 1/0', 'select * from missing', q{select 'x'::int}) {
		eval { $c->selectall_arrayref($sql) };
		$say->($c->state, $c->errstr);
	}
	eval { $c->selectall_arrayref('select 1/?::int', undef, 0) };
	$say->($c->state, $c->errstr);
};
$units{catalogue} = sub {
	my ($c, $say) = @_;
	$say->($c->tables(undef, 'public', undef, 'TABLE'));
	my $columns = $c->column_info(undef, 'public', 'items', undef)->fetchall_arrayref;
	$say->([map { [@{$_}[3 .. 6]] } @$columns]);
	$say->($c->primary_key(undef, 'public', 'written'));
	$say->($c->ping, $c->{pg_server_version}, $c->{pg_lib_version} > 0);
};
$units{several} = sub {
	my ($c, $say) = @_;
	$say->($c->do('create temp table scratch (a int); insert into scratch values (1), (2)'));
	$say->($c->selectall_arrayref('table scratch'));
	$c->do('drop table scratch');
};
$units{array} = sub { # execute_array
	my ($c, $say) = @_;
	my $statement = $c->prepare('insert into written (worker, n) values (?, ?)');
	$say->($statement->execute_array({}, 'perlarray', [1, 2, 3]));
	$say->($c->do(q{delete from written where worker = 'perlarray'}));
};

my ($pool, $seed) = @ARGV;
my @names = sort keys %units;
if ($seed) {
	srand $seed;
	@names = map { $_->[1] } sort { $a->[0] <=> $b->[0] } map { [rand, $_] } @names;
}
my @connections = map {
	DBI->connect('dbi:Pg:', '', undef, { RaiseError => 1, PrintError => 0, AutoCommit => 1 })
} 1 .. $pool;
my (%report, $failed);
for my $i (0 .. $#names) {
	my $name = $names[$i];
	my $c = $connections[$i % $pool];
	my $say = sub { push @{ $report{$name} }, join ' ', map { Dumper($_) } @_ };
	eval { $units{$name}->($c, $say); 1 } or do {
		$failed = 1;
		$say->("UNEXPECTED $@");
		$c->rollback unless $c->{AutoCommit};
	};
}
$_->disconnect for @connections;
for my $name (sort keys %report) {
	print "$name: $_\n" for @{ $report{$name} };
}
exit($failed ? 1 : 0);
