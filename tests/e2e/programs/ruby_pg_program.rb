# SPDX-License-Identifier: Apache-2.0
# ruby-pg: simple queries, exec_params in text and binary, named statements, single row mode,
# pipelines and transactions. common.py says what units, POOL and SEED are; called as
# `ruby_pg_program.rb POOL SEED`.

require 'pg'

UNITS = {}

def unit(name, &work)
	UNITS[name] = work
end

def failure(error)
	fields = [PG::PG_DIAG_SQLSTATE, PG::PG_DIAG_MESSAGE_PRIMARY, PG::PG_DIAG_MESSAGE_DETAIL,
		  PG::PG_DIAG_CONSTRAINT_NAME, PG::PG_DIAG_STATEMENT_POSITION]
	error.result ? fields.map { |field| error.result.error_field(field) } : error.message
end

(1..12).each do |id|
	unit("read.#{id}") do |c, say|
		result = c.exec_params('SELECT * FROM items WHERE id = $1', [id])
		say.call(result.fields, (0...result.nfields).map { |i| [result.ftype(i), result.fmod(i)] })
		say.call(result.values, result.cmd_status, result.cmd_tuples)
	end
end

unit('simple') do |c, say|
	say.call(c.exec("select id, name from items where id in (3, 1, 2) order by 1").values)
	say.call(c.exec("select 1; select 'two' as t").values)
	c.send_query("select 1 as a; select 'b;c' as b; update written set n = 0 where false")
	while (result = c.get_result)
		say.call(result.cmd_status, result.fields, result.values)
	end
end

unit('binary') do |c, say|
	result = c.exec_params(
		'select id, name, weight, made, seen, price, tags, raw, data from items where id = $1::int4',
		[{ value: [7].pack('N'), format: 1, type: 23 }], 1)
	say.call(result.values.map { |row| row.map { |value| value&.unpack1('H*') } })
	result = c.exec_params('select $1::bytea, $2::text',
			       [{ value: "\x00\xff".b, format: 1 }, 'x'], 0)
	say.call(result.values)
end

unit('type_map') do |c, say|
	c.type_map_for_queries = PG::BasicTypeMapForQueries.new(c)
	c.type_map_for_results = PG::BasicTypeMapForResults.new(c)
	say.call(c.exec_params('select $1, $2, $3, $4', [5, 2.5, true, [1, 2]]).values)
	say.call(c.exec('select id, price, weight, made, tags, data from items where id < 3').values)
	c.type_map_for_queries = PG::TypeMapAllStrings.new
	c.type_map_for_results = PG::TypeMapAllStrings.new
end

unit('named') do |c, say|
	c.prepare('find', 'select name, price from items where id = $1 and price > $2')
	description = c.describe_prepared('find')
	say.call((0...description.nparams).map { |i| description.paramtype(i) }, description.fields)
	(10..13).each { |id| say.call(c.exec_prepared('find', [id, '1.5']).values) }
	c.exec('deallocate find')
	begin
		c.exec_prepared('find', [1, 1])
	rescue PG::Error => error
		say.call(failure(error))
	end
end

unit('single_rows') do |c, say|
	c.send_query_params('select id from items where id < $1 order by id', [9])
	c.set_single_row_mode
	while (result = c.get_result)
		say.call(result.result_status, result.values)
	end
end

(1..6).each do |id|
	unit("transfer.#{id}") do |c, say|
		c.transaction do
			[5, 7].each do |amount|
				say.call(c.exec_params('select balance from accounts where id = $1', [id]).values)
				say.call(c.exec_params('update accounts set balance = balance - $1' \
						       ' where id = $2', [amount, id]).cmd_tuples)
			end
			say.call(c.exec_params('select balance from accounts where id = $1', [id]).values)
		end
	end
end

unit('insert') do |c, say|
	3.times do |n|
		say.call(c.exec_params('insert into written (worker, n, note) values ($1, $2, $3)' \
				       ' returning id, at', ['ruby', n, nil]).values)
	end
	say.call(c.exec_params('delete from written where worker = $1', ['ruby']).cmd_status)
end

unit('rollback') do |c, say|
	begin
		c.transaction do
			c.exec("insert into written (worker, n) values ('gone', 1)")
			raise 'back'
		end
	rescue RuntimeError => error
		say.call(error.message)
	end
	say.call(c.exec("select n from written where worker = 'gone'").values)
end

unit('errors') do |c, say|
	[['select 1/$1::int', [0]], ['selec 1', []], ['select * from missing where a = $1', [1]],
	 ['insert into accounts values ($1, 5)', [1]], ["select 'x'::int", []],
	 ['select $1::int', ['x']]].each do |text, values|
		c.exec_params(text, values)
		say.call('no error')
	rescue PG::Error => error
		say.call(error.class.name, failure(error))
	end
end

unit('notices') do |c, say|
	c.set_notice_processor { |text| say.call(text) }
	say.call(c.exec('select noisy(41)').values)
	c.set_notice_processor
end

unit('pipeline') do |c, say|
	c.enter_pipeline_mode
	[1, 0, 2].each { |n| c.send_query_params('select 10 / $1::int', [n]) }
	c.pipeline_sync
	c.send_query_params('select $1::text', ['after'])
	c.pipeline_sync
	syncs = 0
	while syncs < 2
		result = c.get_result
		next unless result

		syncs += 1 if result.result_status == PG::PGRES_PIPELINE_SYNC
		values = result.result_status == PG::PGRES_TUPLES_OK ? result.values : nil
		say.call(result.result_status, values, result.error_field(PG::PG_DIAG_SQLSTATE))
	end
	c.exit_pipeline_mode
end

unit('cursor') do |c, say|
	c.transaction do
		c.exec('declare walk cursor for select id, name from items order by id')
		say.call(c.exec('fetch 3 from walk').values)
		say.call(c.exec('fetch 2 from walk').values)
		c.exec('close walk')
	end
end

unit('settings') do |c, say|
	say.call(c.parameter_status('client_encoding'), c.parameter_status('TimeZone'),
		 c.parameter_status('DateStyle'), c.parameter_status('application_name'))
	say.call(c.internal_encoding, c.server_version, c.transaction_status)
	say.call(c.exec("select seen from items where id = 4").values)
end

unit('only_recorded') do |c, say|
	say.call(c.exec('select clock_timestamp(), random()').values)
end

pool = ARGV[0].to_i
seed = ARGV[1].to_i
names = UNITS.keys
names = names.shuffle(random: Random.new(seed)) if seed != 0
queue = Queue.new
names.each { |name| queue << name }
report = {}
failed = false
connections = (1..pool).map do
	PG.connect(application_name: 'ruby', options: '-c TimeZone=Asia/Tokyo -c DateStyle=ISO,DMY')
end
connections.map do |c|
	Thread.new do
		loop do
			name = queue.pop(true)
			lines = report[name] = []
			UNITS[name].call(c, ->(*values) { lines << values.map(&:inspect).join(' ') })
		rescue ThreadError
			break
		rescue StandardError => error
			failed = true
			report[name] << "UNEXPECTED #{error.class} #{error.message}"
			c.reset
		end
		c.close
	end
end.each(&:join)
report.keys.sort.each { |name| report[name].each { |line| puts "#{name}: #{line}" } }
exit(failed ? 1 : 0)
