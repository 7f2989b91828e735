// SPDX-License-Identifier: Apache-2.0
// pgjdbc: LargeObjectAPI, which calls functions by the fast path.
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.Arrays;
import java.util.Properties;
import org.postgresql.PGConnection;
import org.postgresql.largeobject.LargeObject;
import org.postgresql.largeobject.LargeObjectManager;

public class LargeObjects {
	public static void main(String[] arguments) throws Exception {
		String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT")
			+ "/" + System.getenv("PGDATABASE");
		Properties properties = new Properties();
		properties.setProperty("user", System.getenv("PGUSER"));
		properties.setProperty("password", System.getenv("PGPASSWORD"));
		try (Connection connection = DriverManager.getConnection(url, properties)) {
			connection.setAutoCommit(false);
			LargeObjectManager manager = connection.unwrap(PGConnection.class).getLargeObjectAPI();
			long oid = manager.createLO(LargeObjectManager.READ | LargeObjectManager.WRITE);
			LargeObject large = manager.open(oid, LargeObjectManager.WRITE);
			byte[] bytes = new byte[100000];
			Arrays.fill(bytes, (byte) 7);
			large.write(bytes);
			large.write("the end".getBytes());
			large.close();
			large = manager.open(oid, LargeObjectManager.READ);
			System.out.println(large.size() + " " + large.read(5).length + " " + large.tell());
			large.seek(100000);
			System.out.println(new String(large.read(20)) + " " + large.tell64());
			large.seek64(99999, LargeObject.SEEK_SET);
			int sum = 0;
			for (byte b : large.getInputStream().readAllBytes())
				sum += b;
			System.out.println(sum);
			large.close();
			connection.commit();
			manager.delete(oid);
			connection.commit();
			try {
				manager.open(oid, LargeObjectManager.READ);
			} catch (Exception error) {
				System.out.println(error.getClass().getSimpleName());
			}
		}
	}
}
