// SPDX-License-Identifier: Apache-2.0
// What the recorded Java programs share; common.py says what units, POOL and SEED are.

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

public class Units {
	interface Work {
		void run(Connection connection, List<String> lines) throws SQLException;
	}

	record Unit(String name, Work work) {}

	static final List<Unit> UNITS = new ArrayList<>();

	static void unit(String name, Work work) {
		UNITS.add(new Unit(name, work));
	}

	interface Connect {
		Connection connect() throws SQLException;
	}

	static boolean work(Connection connection, Deque<Unit> queue, Map<String, List<String>> report) {
		boolean good = true;
		while (true) {
			Unit unit;
			synchronized (queue) {
				unit = queue.poll();
			}
			if (unit == null)
				return good;
			List<String> lines = new ArrayList<>();
			try {
				unit.work().run(connection, lines);
			} catch (SQLException error) {
				lines.add("UNEXPECTED " + error);
				good = false;
			}
			synchronized (report) {
				report.put(unit.name(), lines);
			}
		}
	}

	static void run(Connect connect, String poolSize, String seedText) throws Exception {
		int pool = Integer.parseInt(poolSize);
		long seed = Long.parseLong(seedText);
		if (seed != 0)
			Collections.shuffle(UNITS, new Random(seed));
		Deque<Unit> queue = new ArrayDeque<>(UNITS);
		Map<String, List<String>> report = new TreeMap<>();
		List<Thread> threads = new ArrayList<>();
		boolean[] good = new boolean[pool];
		for (int i = 0; i < pool; i++) {
			final int index = i;
			final Connection connection = connect.connect();
			threads.add(new Thread(() -> {
				try (connection) {
					good[index] = work(connection, queue, report);
				} catch (SQLException error) {
					System.err.println(error);
				}
			}));
		}
		for (Thread thread : threads)
			thread.start();
		for (Thread thread : threads)
			thread.join();
		report.forEach((name, lines) -> lines.forEach(line -> System.out.println(name + ": " + line)));
		for (boolean one : good)
			if (!one)
				System.exit(1);
	}
}
