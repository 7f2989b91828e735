// SPDX-License-Identifier: Apache-2.0
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.StringReader;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;
import org.postgresql.copy.CopyManager;

/** COPY with pgjdbc's CopyManager. With the argument "changed" a row differs. */
public class Copy {
	private static String lines(boolean changed) {
		StringBuilder text = new StringBuilder();
		for (int n = 0; n < 5000; n++)
			text.append(n).append('\t').append(changed && n == 3000 ? "another" : "row " + n).append('\n');
		return text.toString();
	}

	private static void out(CopyManager copy, String sql) throws Exception {
		ByteArrayOutputStream bytes = new ByteArrayOutputStream();
		long rows = copy.copyOut(sql, bytes);
		byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes.toByteArray());
		System.out.println(sql + " " + rows + " " + new BigInteger(1, digest).toString(16));
	}

	public static void main(String[] arguments) throws Exception {
		boolean changed = arguments.length > 0 && arguments[0].equals("changed");
		String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/"
				+ System.getenv("PGDATABASE");
		try (Connection connection = DriverManager.getConnection(url, System.getenv("PGUSER"),
				System.getenv("PGPASSWORD"))) {
			CopyManager copy = connection.unwrap(PGConnection.class).getCopyAPI();
			connection.createStatement().execute("create temp table t (a int, b text)");
			System.out.println(copy.copyIn("copy t from stdin", new StringReader(lines(changed))));
			System.out.println(copy.copyIn("copy t from stdin with (format csv)",
					new ByteArrayInputStream("1,\"a\nb\"\n".getBytes(StandardCharsets.UTF_8))));
			out(copy, "copy t to stdout");
			out(copy, "copy t to stdout with (format binary)");
			CopyIn given = copy.copyIn("copy t from stdin");
			given.writeToCopy("1\tx\n".getBytes(StandardCharsets.UTF_8), 0, 4);
			given.cancelCopy();
			try {
				copy.copyIn("copy t from stdin", new StringReader("none\tx\n" + lines(false)));
			} catch (SQLException error) {
				System.out.println(error.getSQLState() + " " + error.getMessage());
			}
			ResultSet result = connection.createStatement().executeQuery("select count(*), sum(a) from t");
			result.next();
			System.out.println(result.getInt(1) + " " + result.getInt(2));
		} catch (SQLException error) {
			System.out.println(error.getSQLState() + " " + error.getMessage());
			System.exit(1);
		}
	}
}
