// SPDX-License-Identifier: Apache-2.0
// http_ask.py in Java's own HttpClient: `HttpAsk POOL SEED NAME=URL...`. It offers an upgrade to HTTP/2 with each first request
// (Upgrade: h2c), and has no content codings of its own.

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.zip.GZIPInputStream;

public class HttpAsk {
	static final List<String> SHOWN = List.of("allow", "content-range", "content-type", "etag", "last-modified",
		"location", "set-cookie", "vary", "www-authenticate", "x-shop");
	static final HttpClient PLAIN = HttpClient.newHttpClient();
	static final HttpClient FOLLOWING =
		HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL).build();

	record Asked(String name, HttpRequest request, boolean follow) {}

	static Asked parse(String line, String server) {
		String[] parts = line.split("\t");
		int cut = server.indexOf('=');
		HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(server.substring(cut + 1) + parts[2]));
		String[] body = parts[4].split("\\*");
		builder.header("Accept-Encoding", "gzip");
		if (!parts[3].equals("-"))
			for (String header : parts[3].split("\\|"))
				builder.setHeader(header.split(": ")[0], header.split(": ")[1]);
		builder.method(parts[1], parts[4].equals("-") ? BodyPublishers.noBody()
			: BodyPublishers.ofString(body[0].repeat(body.length > 1 ? Integer.parseInt(body[1]) : 1)));
		builder.expectContinue(parts[5].contains("expect"));
		return new Asked(server.substring(0, cut) + " " + parts[0], builder.build(), parts[5].contains("follow"));
	}

	static byte[] decoded(HttpResponse<byte[]> response) throws IOException {
		byte[] body = response.body();
		if (body.length == 0 || !response.headers().firstValue("content-encoding").orElse("").equals("gzip"))
			return body;
		return new GZIPInputStream(new ByteArrayInputStream(body)).readAllBytes();
	}

	static String ask(Asked asked) throws Exception {
		HttpResponse<byte[]> response =
			(asked.follow() ? FOLLOWING : PLAIN).send(asked.request(), BodyHandlers.ofByteArray());
		byte[] body = decoded(response);
		List<String> names = new ArrayList<>(SHOWN);
		StringBuilder line = new StringBuilder(asked.name() + ": " + response.statusCode());
		if (asked.request().method().equals("HEAD"))
			names.add("content-length");
		for (String name : names) {
			List<String> values = response.headers().allValues(name);
			if (!values.isEmpty())
				line.append(" ").append(name).append("=").append(String.join(" & ", values));
		}
		byte[] digest = MessageDigest.getInstance("SHA-1").digest(body);
		return line.append(" ").append(body.length).append(" ").append(HexFormat.of().formatHex(digest)).toString();
	}

	public static void main(String[] arguments) throws Exception {
		List<String> lines = Files.readAllLines(Path.of(System.getenv("HTTP_REQUESTS")), StandardCharsets.UTF_8);
		List<Asked> asked = new ArrayList<>();
		for (String line : lines)
			for (int i = 2; i < arguments.length && !line.startsWith("#"); i++)
				asked.add(parse(line, arguments[i]));
		if (!arguments[1].equals("0"))
			Collections.shuffle(asked, new Random(Long.parseLong(arguments[1])));
		ConcurrentLinkedQueue<Asked> queue = new ConcurrentLinkedQueue<>(asked);
		List<String> report = Collections.synchronizedList(new ArrayList<>());
		List<Thread> threads = new ArrayList<>();
		for (int i = 0; i < Integer.parseInt(arguments[0]); i++)
			threads.add(new Thread(() -> {
				for (Asked next = queue.poll(); next != null; next = queue.poll())
					try {
						report.add(ask(next));
					} catch (Exception error) {
						report.add(next.name() + ": " + error);
					}
			}));
		for (Thread thread : threads)
			thread.start();
		for (Thread thread : threads)
			thread.join();
		Collections.sort(report);
		report.forEach(System.out::println);
	}
}
