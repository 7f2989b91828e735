#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# mysql_ask.py in Perl: `mysql_ask.pl text|prepared` with DBD::mysql.
use strict;
use warnings;
use utf8;
use DBI qw(:sql_types);
use FindBin;
use JSON::PP;

binmode STDOUT, ':encoding(UTF-8)';
my $prepared = $ARGV[0] eq 'prepared' ? 1 : 0;
my $where = "host=$ENV{MYSQL_HOST};port=$ENV{MYSQL_TCP_PORT};database=$ENV{MYSQL_DATABASE}";
my $connection = DBI->connect("DBI:mysql:$where;mysql_server_prepare=$prepared", $ENV{MYSQL_USER}, $ENV{MYSQL_PWD},
	{ RaiseError => 1, PrintError => 0, mysql_enable_utf8mb4 => 1 });
open my $file, '<:raw', "$FindBin::Bin/mysql_ask.json" or die $!;
my $questions = decode_json(do { local $/; <$file> });

# What is not a number in the file has quotes there, and so must have none here.
sub is_number { return $_[0] =~ /^-?\d+$/ }

sub show {
	my ($value) = @_;
	return 'NULL' if !defined $value;
	return $value =~ /\0/ ? unpack('H*', $value) : $value;
}

for my $question (@$questions) {
	my ($text, $values) = @$question;
	(my $sql = $text) =~ s/\{\}/?/g;
	my $statement = $connection->prepare($sql);
	for my $i (0 .. $#$values) {
		$statement->bind_param($i + 1, $values->[$i], is_number($values->[$i]) ? SQL_INTEGER : SQL_VARCHAR);
	}
	my $changed = $statement->execute;
	$text =~ s/\s+/ /g;
	my @lines = $statement->{NUM_OF_FIELDS}
		? map { join '|', map { show($_) } @$_ } @{ $statement->fetchall_arrayref } : ('changed ' . ($changed + 0));
	print join('; ', $text, @lines), "\n";
}
$connection->disconnect;
