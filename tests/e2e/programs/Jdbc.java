// SPDX-License-Identifier: Apache-2.0
// pgjdbc: extended queries throughout, named and binary from the fifth use, batches, savepoints and
// IPv4 through AF_INET6 sockets. common.py says what units, POOL and SEED are; called as
// `Jdbc POOL SEED`.

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;

public class Jdbc {
	// Text and binary results print the same.
	static String show(Object value) throws SQLException {
		if (value instanceof byte[] bytes)
			return Arrays.toString(bytes);
		if (value instanceof java.sql.Array array)
			return Arrays.deepToString((Object[]) array.getArray());
		return String.valueOf(value);
	}

	static String rows(ResultSet set) throws SQLException {
		StringBuilder text = new StringBuilder();
		int n = set.getMetaData().getColumnCount();
		while (set.next()) {
			text.append('(');
			for (int i = 1; i <= n; i++) {
				text.append(i > 1 ? ", " : "").append(show(set.getObject(i)));
			}
			text.append(')');
		}
		return text.toString();
	}

	static String ask(Connection connection, String sql, Object... values) throws SQLException {
		try (PreparedStatement statement = connection.prepareStatement(sql)) {
			for (int i = 0; i < values.length; i++)
				statement.setObject(i + 1, values[i]);
			if (statement.execute())
				return rows(statement.getResultSet());
			return "count " + statement.getUpdateCount();
		}
	}

	static void failure(List<String> lines, Connection connection, String sql, Object... values) {
		try {
			lines.add(ask(connection, sql, values));
		} catch (SQLException error) {
			lines.add(error.getSQLState() + " " + error.getMessage().replace('\n', '|'));
		}
	}

	static void reads() {
		for (int key = 1; key <= 20; key++) {
			final int id = key;
			Units.unit("read." + id, (c, lines) -> lines.add(ask(c,
				"SELECT id, name, price, weight, tags, data, made, feeling, raw FROM items WHERE id = ?", id)));
		}
		Units.unit("threshold", (c, lines) -> {
			try (PreparedStatement statement = c.prepareStatement(
					"select id, name, price, weight, made from items where id = ?")) {
				for (int id = 40; id < 50; id++) {
					statement.setInt(1, id);
					try (ResultSet set = statement.executeQuery()) {
						lines.add(rows(set));
					}
				}
			}
		});
		Units.unit("fetch_size", (c, lines) -> {
			c.setAutoCommit(false);
			try (PreparedStatement statement = c.prepareStatement(
					"select id, name from items where id < ? order by id")) {
				statement.setFetchSize(7);
				statement.setInt(1, 30);
				lines.add(rows(statement.executeQuery()));
				statement.setInt(1, 20);
				ResultSet given_up = statement.executeQuery();
				given_up.next();
				lines.add(given_up.getString(2));
			}
			c.commit();
			c.setAutoCommit(true);
		});
		Units.unit("max_rows", (c, lines) -> {
			try (Statement statement = c.createStatement()) {
				statement.setMaxRows(5);
				lines.add(rows(statement.executeQuery("select id from items order by id desc")));
			}
		});
		Units.unit("metadata", (c, lines) -> {
			java.sql.DatabaseMetaData data = c.getMetaData();
			lines.add(rows(data.getTables(null, "public", "%", new String[] {"TABLE", "VIEW"})));
			lines.add(rows(data.getPrimaryKeys(null, "public", "written")));
			lines.add(rows(data.getIndexInfo(null, "public", "written", true, true)));
			try (PreparedStatement statement = c.prepareStatement(
					"select id, price from items where id = ? and name <> ?")) {
				lines.add(statement.getParameterMetaData().getParameterTypeName(1) + " "
					+ statement.getMetaData().getColumnTypeName(2));
			}
		});
		Units.unit("plain", (c, lines) -> {
			try (Statement statement = c.createStatement()) {
				lines.add(rows(statement.executeQuery("select id, name from items where id < 4 order by id")));
				boolean more = statement.execute("select 1 as a; select 'x;y' as b, 2 as c");
				while (more) {
					lines.add(rows(statement.getResultSet()));
					more = statement.getMoreResults();
				}
			}
		});
		Units.unit("values", (c, lines) -> {
			lines.add(ask(c, "select ?::int2, ?::int8, ?::float8, ?::numeric, ?::text, ?::bool",
				7, 1L << 40, 1.5, new java.math.BigDecimal("1234567890123.4560"), "it's \\ \"quoted\"", true));
			lines.add(ask(c, "select ?::bytea, ?::date, ?::uuid", new byte[] {0, -1, 1},
				java.time.LocalDate.of(1999, 12, 31),
				java.util.UUID.fromString("00112233-4455-6677-8899-aabbccddeeff")));
			lines.add(ask(c, "select ?::timestamptz at time zone 'UTC', ?::text, ?::int[]",
				java.time.OffsetDateTime.parse("2020-01-02T03:04:05.678901Z"), null,
				c.createArrayOf("int4", new Object[] {1, null, 3})));
		});
		Units.unit("valid", (c, lines) -> lines.add("valid " + c.isValid(5)));
		Units.unit("only_recorded", (c, lines) -> lines.add(ask(c,
			"select clock_timestamp()::text, gen_random_uuid(), random()")));
		Units.unit("large", (c, lines) -> lines.add(ask(c,
			"select length(?), md5(repeat('wide ', ?))", "y".repeat(300000), 80000)));
	}

	static void writes() {
		for (int key = 1; key <= 8; key++) {
			final int id = key;
			Units.unit("transfer." + id, (c, lines) -> {
				c.setAutoCommit(false);
				for (int amount : new int[] {5, 7}) {
					lines.add(ask(c, "select balance from accounts where id = ?", id));
					lines.add(ask(c, "update accounts set balance = balance - ? where id = ?", amount, id));
				}
				lines.add(ask(c, "select balance from accounts where id = ?", id));
				c.commit();
				c.setAutoCommit(true);
			});
		}
		Units.unit("generated", (c, lines) -> {
			try (PreparedStatement statement = c.prepareStatement(
					"insert into written (worker, n) values (?, ?)",
					new String[] {"id", "at"})) {
				for (int n = 0; n < 3; n++) {
					statement.setString(1, "generated");
					statement.setInt(2, n);
					statement.executeUpdate();
					try (ResultSet keys = statement.getGeneratedKeys()) {
						keys.next();
						lines.add(keys.getLong(1) + " " + keys.getString(2));
					}
				}
			}
		});
		Units.unit("batch", (c, lines) -> {
			c.setAutoCommit(false);
			try (PreparedStatement statement = c.prepareStatement(
					"insert into written (worker, n, note) values ('batch', ?, ?)")) {
				for (int n = 0; n < 12; n++) {
					statement.setInt(1, n);
					statement.setString(2, "note " + n);
					statement.addBatch();
				}
				lines.add(Arrays.toString(statement.executeBatch()));
			}
			lines.add(ask(c, "select count(*), max(note) from written where worker = 'batch'"));
			c.rollback();
			c.setAutoCommit(true);
			lines.add(ask(c, "select n from written where worker = 'batch'"));
		});
		Units.unit("savepoints", (c, lines) -> {
			c.setAutoCommit(false);
			lines.add(ask(c, "insert into written (worker, n) values ('save', 1)"));
			Savepoint point = c.setSavepoint();
			failure(lines, c, "insert into written (worker, n) values ('save', ?)", 1);
			failure(lines, c, "select 'in a failed transaction'");
			c.rollback(point);
			lines.add(ask(c, "select n from written where worker = 'save'"));
			c.rollback();
			c.setAutoCommit(true);
		});
		Units.unit("errors", (c, lines) -> {
			failure(lines, c, "select 1/?::int", 0);
			failure(lines, c, "selec 1");
			failure(lines, c, "select * from missing where a = ?", 1);
			failure(lines, c, "insert into accounts values (?, 5)", 1);
			lines.add(ask(c, "select 'usable'"));
		});
		Units.unit("warnings", (c, lines) -> {
			try (Statement statement = c.createStatement()) {
				lines.add(rows(statement.executeQuery("select noisy(41)")));
				for (SQLWarning warning = statement.getWarnings(); warning != null;
						warning = warning.getNextWarning())
					lines.add(warning.getSQLState() + " " + warning.getMessage());
			}
		});
	}

	static Connection connect() throws SQLException {
		Map<String, String> environment = System.getenv();
		Properties properties = new Properties();
		properties.setProperty("user", environment.get("PGUSER"));
		properties.setProperty("password", environment.getOrDefault("PGPASSWORD", ""));
		return DriverManager.getConnection("jdbc:postgresql://" + environment.get("PGHOST") + ":"
			+ environment.get("PGPORT") + "/" + environment.get("PGDATABASE"), properties);
	}

	public static void main(String[] arguments) throws Exception {
		reads();
		writes();
		Units.run(Jdbc::connect, arguments[0], arguments[1]);
	}
}
