#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# mysql_labels.pl text|prepared STATEMENT...: how the columns of each are called, and its rows, with DBD::mysql, which calls columns of a
# prepared statement as it was told when that was prepared.
use strict;
use warnings;
use DBI;

my ($form, @statements) = @ARGV;
my $prepared = $form eq 'prepared' ? 1 : 0;
my $where = "host=$ENV{MYSQL_HOST};port=$ENV{MYSQL_TCP_PORT};database=$ENV{MYSQL_DATABASE}";
my $connection = DBI->connect("DBI:mysql:$where;mysql_server_prepare=$prepared", $ENV{MYSQL_USER}, $ENV{MYSQL_PWD},
	{ RaiseError => 1, PrintError => 0 });
for my $text (@statements) {
	my $statement = $connection->prepare($text);
	$statement->execute;
	next if !$statement->{NUM_OF_FIELDS};
	print join("\t", @{ $statement->{NAME} }), "\n";
	print join("\t", @$_), "\n" for @{ $statement->fetchall_arrayref };
}
