// SPDX-License-Identifier: Apache-2.0
// pgjdbc: getNotifications(), with and without waiting.
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.Statement;
import java.util.Properties;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

public class Notify {
	static Connection connect() throws Exception {
		String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT")
			+ "/" + System.getenv("PGDATABASE");
		Properties properties = new Properties();
		properties.setProperty("user", System.getenv("PGUSER"));
		properties.setProperty("password", System.getenv("PGPASSWORD"));
		return DriverManager.getConnection(url, properties);
	}

	static void hear(PGConnection connection, int n) throws Exception {
		while (n > 0) {
			PGNotification[] heard = connection.getNotifications(30000);
			if (heard == null || heard.length == 0)
				throw new Exception("nothing heard");
			for (PGNotification note : heard)
				System.out.println(note.getName() + " " + note.getParameter());
			n -= heard.length;
		}
	}

	public static void main(String[] arguments) throws Exception {
		try (Connection listener = connect(); Connection sender = connect();
		     Statement ask = listener.createStatement(); Statement say = sender.createStatement()) {
			PGConnection listening = listener.unwrap(PGConnection.class);
			ask.execute("listen jobs");
			say.execute("notify jobs, 'plain'");
			hear(listening, 1);
			try (PreparedStatement prepared = sender.prepareStatement("select pg_notify(?, ?)")) {
				prepared.setString(1, "jobs");
				prepared.setString(2, "bound");
				prepared.execute();
			}
			hear(listening, 1);
			sender.setAutoCommit(false);
			say.execute("insert into work values (5)");
			sender.commit();
			hear(listening, 1);
			say.execute("notify jobs, 'never'");
			sender.rollback();
			ask.execute("notify jobs, 'own'");
			hear(listening, 1);
			PGNotification[] none = listening.getNotifications();
			System.out.println(none == null ? 0 : none.length);
			// What comes from outside follows this, also where replay is slower than recording was.
			ask.execute("listen late");
			System.out.println("outside?");
			hear(listening, 2);
		}
	}
}
