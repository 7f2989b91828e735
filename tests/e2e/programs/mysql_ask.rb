#!/usr/bin/ruby
# SPDX-License-Identifier: Apache-2.0
# mysql_ask.py in Ruby: `mysql_ask.rb text|prepared` with mysql2, which escapes nothing by itself.
require 'bigdecimal'
require 'json'
require 'mysql2'

client = Mysql2::Client.new(host: ENV['MYSQL_HOST'], port: ENV['MYSQL_TCP_PORT'].to_i, username: ENV['MYSQL_USER'],
                            password: ENV['MYSQL_PWD'], database: ENV['MYSQL_DATABASE'], encoding: 'utf8mb4')

def show(value)
  case value
  when nil then 'NULL'
  when BigDecimal then format('%.2f', value)
  when Time then value.strftime('%Y-%m-%d %H:%M:%S.%6N').sub(/0+$/, '')
  when String then value.encoding == Encoding::BINARY ? value.unpack1('H*') : value
  else value.to_s
  end
end

JSON.parse(File.read("#{__dir__}/mysql_ask.json", encoding: 'UTF-8')).each do |text, values|
  if ARGV[0] == 'prepared'
    statement = client.prepare(text.gsub('{}', '?'))
    result = statement.execute(*values, as: :array)
    changed = statement.affected_rows
  else
    left = values.dup
    sql = text.gsub('{}') { (value = left.shift).is_a?(String) ? "'#{client.escape(value)}'" : value.to_s }
    result = client.query(sql, as: :array)
    changed = client.affected_rows
  end
  lines = result ? result.map { |row| row.map { |value| show(value) }.join('|') } : ["changed #{changed}"]
  puts [text.split.join(' '), *lines].join('; ')
end
client.close
