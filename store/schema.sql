-- SPDX-License-Identifier: Apache-2.0
-- A recording of mockproxy. The tables hold facts; the views at the end are made for people and scripts and stay as
-- they are. Replay answers from the tables: edit a row, and the edit is what is served.
-- Times are nanoseconds since 1970 (UTC); *_bytes and *_ns say their unit.

CREATE TABLE recording (             -- one row
	id                INTEGER PRIMARY KEY CHECK (id = 1),
	started_at        TEXT NOT NULL,
	ended_at          TEXT,
	command           TEXT NOT NULL,  -- JSON array, secrets masked
	cwd               TEXT,
	program_version   TEXT NOT NULL,  -- of mockproxy
	canonical_version INTEGER NOT NULL, -- of the rules that make statement.canonical and the hashes
	pid               INTEGER,        -- of the recorder, while it runs
	complete          INTEGER NOT NULL DEFAULT 0, -- 1: it ended well
	incomplete_reason TEXT            -- why it is not, when that is known
) STRICT;

CREATE TABLE endpoint (              -- where the app wanted to go
	id                INTEGER PRIMARY KEY,
	host              TEXT,           -- name, when it is known
	address           TEXT NOT NULL,
	port              INTEGER NOT NULL,
	protocol          TEXT            -- NULL: it was not recognised
) STRICT;

CREATE TABLE connection (
	id                INTEGER PRIMARY KEY,
	endpoint          INTEGER NOT NULL REFERENCES endpoint (id),
	protocol          TEXT,
	through           INTEGER REFERENCES connection (id), -- the one whose CONNECT made this, a tunnel in it; else NULL
	tls               INTEGER NOT NULL DEFAULT 0,
	server_version    TEXT,
	user              ANY,
	database          ANY,
	client_parameters TEXT,           -- JSON object, as the client asked at login, in order
	server_parameters TEXT,           -- JSON object, as the server reported, in order; NULL: the login was refused
	backend           INTEGER,        -- the server's number of the session
	pid               INTEGER,        -- of the app's process
	program           TEXT,           -- its name
	started_ns        INTEGER NOT NULL,
	ended_ns          INTEGER,
	outcome           TEXT,           -- how it ended
	opaque            TEXT,           -- why decoding stopped; NULL: it did not
	opaque_at         INTEGER,        -- byte offset at which it stopped
	client_bytes      INTEGER,
	server_bytes      INTEGER
) STRICT;

CREATE TABLE context (               -- where a statement means what it means: part of identity
	id                INTEGER PRIMARY KEY,
	database          ANY NOT NULL,
	search_path       ANY,            -- as the app set it, NULL: it did not
	role              ANY,
	-- MySQL, no part of identity: of equal requests the answers of an equal session come first.
	user              ANY,            -- who the session became by COM_CHANGE_USER; NULL: who logged in
	time_zone         ANY             -- as the app set it; NULL: it did not
) STRICT;

CREATE TABLE type (                  -- types that are not built in, as far as the app asked the server about them: by them
	                                  -- replay gives a value as text that was recorded in binary, and the other way
	endpoint          INTEGER NOT NULL REFERENCES endpoint (id),
	database          ANY NOT NULL,
	type_id           INTEGER NOT NULL, -- as in columns.description and statement.slot_types
	since             INTEGER NOT NULL, -- the exchange that told it; what contradicts it later has a row of its own
	name              ANY,            -- NULL, as in the next three: not known
	kind              TEXT,           -- base, enum, domain, composite, range, multirange, array
	element           INTEGER,        -- type id: of an array's elements, of what a domain, range or multirange is over
	attributes        TEXT,           -- JSON array, type ids of a composite's
	PRIMARY KEY (endpoint, database, type_id, since)
) STRICT, WITHOUT ROWID;

CREATE TABLE described (             -- a statement that was prepared when it had other parameters or columns than its row says,
	                                  -- or with warnings
	id                INTEGER PRIMARY KEY,
	statement         INTEGER NOT NULL REFERENCES statement (id),
	connection        INTEGER NOT NULL REFERENCES connection (id),
	behind            INTEGER NOT NULL, -- ordinal of the exchange that had begun last; 0: none had
	slot_types        TEXT,           -- as in statement; NULL, as in the next one: as it is there
	columns           INTEGER REFERENCES columns (id),
	warnings          INTEGER         -- MySQL: as the answer to PREPARE counts them; NULL is 0
) STRICT;

CREATE TABLE columns (               -- a row description
	id                INTEGER PRIMARY KEY,
	description       TEXT NOT NULL   -- JSON array of objects: name, type, type_id, form and what else parsers/column.h
	                                  -- names; numbers that are 0 are left out
) STRICT;

CREATE TABLE statement (             -- a template: texts that differ only in their values share it
	id                INTEGER PRIMARY KEY,
	context           INTEGER NOT NULL REFERENCES context (id),
	dialect           INTEGER NOT NULL, -- 1 PostgreSQL, 2 MySQL
	text              ANY NOT NULL,   -- as it was first seen, secrets masked; an edited text is read as by a session
	                                  -- with the server's default settings (MySQL: sql_mode without ANSI_QUOTES ...)
	canonical         ANY,            -- the template; NULL: text was edited, it is made anew from it
	verb              TEXT NOT NULL,
	reads             TEXT,           -- tables, JSON array; NULL: not known
	writes            TEXT,
	slot_types        TEXT,           -- JSON array, type id of each value, 0: not known; NULL: none is known
	columns           INTEGER REFERENCES columns (id), -- what it gives; NULL: no rows, or not known
	described         INTEGER NOT NULL DEFAULT 0 -- 1: columns is known, NULL means no rows
) STRICT;

CREATE TABLE exchange (              -- one statement execution: a request and everything that the server said to it
	id                INTEGER PRIMARY KEY, -- in the order in which they were written, about that in which they ended
	connection        INTEGER NOT NULL REFERENCES connection (id),
	ordinal           INTEGER NOT NULL, -- within the connection, from 1
	batch             INTEGER NOT NULL, -- statements sent together: a query string, or up to Sync
	batch_index       INTEGER NOT NULL,
	started_ns        INTEGER NOT NULL, -- equal requests are answered in this order, then in that of their ids
	first_byte_ns     INTEGER,        -- of the answer
	duration_ns       INTEGER,        -- NULL: unfinished
	kind              INTEGER NOT NULL, -- 1 simple query, 2 prepared or portal, 3 a Parse that failed, 4 function call,
	                                  -- 5 another command, 6 HTTP
	transaction_state TEXT,           -- before it: I idle, T in a transaction, E failed
	exact_hash        INTEGER,        -- of the identity; NULL: the row was edited, replay makes it anew
	loose_hash        INTEGER,
	statement         INTEGER REFERENCES statement (id),
	method            TEXT,           -- this and the next five are HTTP's: see the views http_request and http_response
	authority         ANY,
	query             ANY,
	status            INTEGER,
	request_headers   TEXT,
	response_headers  TEXT,
	text              ANY,            -- where it is spelled otherwise than statement.text. HTTP: the path
	parameters        ANY,            -- JSON array, one value for each place of the template; NULL: it has none.
	                                  -- HTTP: the request's body
	outcome           INTEGER NOT NULL DEFAULT 0, -- 0 unfinished, 1 ok, 2 error, 3 suspended
	flags             INTEGER NOT NULL DEFAULT 0, -- bits, see view flagged
	edited            INTEGER NOT NULL DEFAULT 0, -- 1: the text was edited, so values written in it count
	-- What the server said: nearly always one small result, which is in this row, and the rest is about it.
	inline            INTEGER NOT NULL DEFAULT 0, -- 1: so it is; 0: results, if there are any, are in result_apart
	columns           INTEGER REFERENCES columns (id), -- NULL: no rows
	rows              ANY,            -- JSON array of arrays: "text", null, {"hex": "00ff"} for what is not text,
	                                  -- {"part": n, "bytes": size} for what is in value_part; NULL: no rows.
	                                  -- HTTP: the response's body
	tag               ANY,            -- what the server says of success (MySQL: its info, mostly empty; HTTP: the reason);
	                                  -- NULL: it did not
	row_count         INTEGER,        -- rows given, or affected
	error             TEXT,           -- JSON object of the error's fields
	events            TEXT,           -- JSON array: {"status": {name: value}} and {"notice": {...}, "after": n}, n is how
	                                  -- many rows came before it, "data": COPY data ended before it, "tag": all; without
	                                  -- it: the row description came later
	empty             INTEGER NOT NULL DEFAULT 0, -- 1: the server said that there was nothing to do
	insert_id         INTEGER,        -- MySQL, in these three NULL is 0
	warnings          INTEGER,
	server_status     INTEGER         -- MySQL's status flags
) STRICT;

-- The results of an exchange that is not `inline`: of several results, or of one whose rows fill more than one chunk.
CREATE TABLE result_apart (
	exchange          INTEGER NOT NULL REFERENCES exchange (id),
	number            INTEGER NOT NULL, -- from 0
	columns           INTEGER REFERENCES columns (id), -- this and the following as in exchange
	tag               ANY,
	row_count         INTEGER,
	error             TEXT,
	events            TEXT,
	empty             INTEGER NOT NULL DEFAULT 0,
	insert_id         INTEGER,
	warnings          INTEGER,
	server_status     INTEGER,
	PRIMARY KEY (exchange, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE rows_apart (            -- their rows, in chunks
	exchange          INTEGER NOT NULL,
	result            INTEGER NOT NULL,
	chunk             INTEGER NOT NULL, -- from 0
	first_row         INTEGER NOT NULL, -- number of the first row, from 1
	rows              ANY NOT NULL,   -- as exchange.rows
	PRIMARY KEY (exchange, result, chunk),
	FOREIGN KEY (exchange, result) REFERENCES result_apart (exchange, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE value_part (            -- a value above 256 KiB, in pieces
	exchange          INTEGER NOT NULL REFERENCES exchange (id),
	part              INTEGER NOT NULL,
	sequence          INTEGER NOT NULL, -- from 0
	bytes             BLOB NOT NULL,
	UNIQUE (exchange, part, sequence)
) STRICT;

CREATE TABLE aside (                 -- what the server said by itself: notifications, and what came between requests
	id                INTEGER PRIMARY KEY,
	connection        INTEGER NOT NULL REFERENCES connection (id),
	at_ns             INTEGER NOT NULL,
	ordinal           INTEGER NOT NULL, -- the connection's exchange that was the last one then; 0: there was none
	within            INTEGER NOT NULL, -- 1: it came before the end of that exchange's batch
	event             TEXT NOT NULL   -- JSON: {"notification": {"channel", "payload", "backend": who notified}}, {"error": {...}}
	                                  -- with which the session ended or was refused, {"notice": ...}, {"status": ...}, and
                                  -- {"end": {"how": "closed" or "reset"}}: the server ended the connection without a word
) STRICT;

CREATE TABLE copy (                  -- PostgreSQL's COPY data of an exchange, which is the rows of its result: a row of one
	                                  -- value is a line with its line end (or a piece of one above 64 KiB), in binary a row
	                                  -- has a value for each field. MySQL: the file of LOAD DATA LOCAL INFILE, whose digest
	                                  -- alone is kept (in, binary)
	exchange          INTEGER PRIMARY KEY REFERENCES exchange (id),
	direction         TEXT NOT NULL,  -- in: the client's, of COPY FROM STDIN; out: the server's, of COPY TO STDOUT
	format            TEXT NOT NULL,  -- text (CSV too) or binary
	columns           INTEGER NOT NULL,
	ended             TEXT,           -- done; failed: the client gave up; refused: the server gave up before the client
	                                  -- was done, the rows are how its data began; NULL: by an error of the server
	failure           ANY,            -- what the client said when it gave up
	digest            BLOB            -- of the client's data: part of identity; NULL: edited, replay makes it anew
) STRICT;

CREATE TABLE http_apart (            -- what few HTTP exchanges have; of the others NULL means what is said here
	exchange          INTEGER PRIMARY KEY REFERENCES exchange (id),
	scheme            TEXT,           -- http
	target            TEXT,           -- origin: path?query
	request_version   TEXT,           -- 1.1
	response_version  TEXT,           -- 1.1
	interim           TEXT,
	request_trailers  TEXT,
	request_coding    TEXT,
	request_wire_body BLOB,
	request_body_part INTEGER,
	request_body_bytes INTEGER,       -- of the body
	response_trailers TEXT,
	response_coding   TEXT,
	response_wire_body BLOB,
	response_body_part INTEGER,
	response_body_bytes INTEGER,
	request_readable_part INTEGER,
	response_readable_part INTEGER
) STRICT;

-- The request of an exchange of kind 6. Edit it here: the edit goes to where it is stored.
CREATE VIEW http_request AS
SELECT e.id AS exchange,
       e.method AS method,
       coalesce(a.scheme, 'http') AS scheme,
       e.authority AS authority,          -- host, and port where it was said: of the target, else of the header Host
       e.text AS path,                    -- as it was sent, percent signs and all
       e.query AS query,                  -- behind the "?"; NULL: there was none
       a.target AS target,                -- how the target was written where not as path?query: absolute, authority, asterisk
       coalesce(a.request_version, '1.1') AS version,
       e.request_headers AS headers,      -- JSON array of [name, value], in order; credentials masked
       a.request_trailers AS trailers,    -- the same, behind the body
       e.parameters AS body,              -- readable: without its content coding; NULL: none, or in value_part
       a.request_coding AS coding,        -- the content coding that body had on the wire and was taken off; else NULL
       a.request_wire_body AS wire_body,  -- the bytes as they passed, where coding is not NULL. An edit of body clears it
       a.request_body_part AS body_part,  -- the body's part in value_part, as it passed; NULL: it is here
       a.request_readable_part AS readable_part, -- then: the same without its content coding; NULL: it has none, or more
                                          -- than one, or it is too large to be made readable
       CAST(coalesce(a.request_body_bytes, length(CAST(e.parameters AS BLOB)), 0) AS INTEGER)
	AS body_bytes                     -- as they passed, without the framing
FROM exchange e LEFT JOIN http_apart a ON a.exchange = e.id WHERE e.kind = 6;

-- Its final response; not there: none came.
CREATE VIEW http_response AS
SELECT e.id AS exchange,
       e.status AS status,
       e.tag AS reason,
       coalesce(a.response_version, '1.1') AS version,
       e.response_headers AS headers,     -- as above
       a.response_trailers AS trailers,
       a.interim AS interim,              -- JSON array: the responses before it, such as 100 and 103
       e.rows AS body,                    -- as above, all five
       a.response_coding AS coding,
       a.response_wire_body AS wire_body,
       a.response_body_part AS body_part,
       a.response_readable_part AS readable_part,
       CAST(coalesce(a.response_body_bytes, length(CAST(e.rows AS BLOB)), 0) AS INTEGER) AS body_bytes
FROM exchange e LEFT JOIN http_apart a ON a.exchange = e.id WHERE e.kind = 6 AND e.status IS NOT NULL;

CREATE TABLE http_message (          -- a WebSocket's messages, behind the exchange whose status was 101
	exchange          INTEGER NOT NULL REFERENCES exchange (id),
	number            INTEGER NOT NULL, -- from 1, of both sides, in the order in which they were complete
	side              TEXT NOT NULL,  -- who said it: client or server
	kind              TEXT NOT NULL,  -- text, binary, close, ping, pong
	at_ns             INTEGER NOT NULL, -- when it was complete
	body              ANY,            -- readable: without compression; of a close its reason; NULL: in value_part
	body_part         INTEGER,        -- the body's part in value_part; NULL: it is here
	body_bytes        INTEGER NOT NULL, -- of body
	close_code        INTEGER,        -- of a close that says one
	coding            TEXT,           -- permessage-deflate: it came compressed, body is without that; else NULL
	wire_body         BLOB,           -- then: as it passed, unmasked, of all fragments. Nothing depends on it
	wire_part         INTEGER,        -- or its part in value_part
	undecoded         INTEGER NOT NULL, -- 1: it came compressed, and body still is: replay cannot say it
	complete          INTEGER NOT NULL, -- 0: the connection ended within it
	PRIMARY KEY (exchange, number)
) STRICT;

CREATE TABLE http_stream (           -- when a response came whose length was not told before: of server-sent events each,
	                                  -- of anything else what lies between two pauses of a millisecond or more
	exchange          INTEGER NOT NULL REFERENCES exchange (id),
	number            INTEGER NOT NULL, -- from 1
	body_bytes        INTEGER NOT NULL, -- of the body, as it passed, this much had come
	at_ns             INTEGER NOT NULL,
	PRIMARY KEY (exchange, number)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER http_request_edited INSTEAD OF UPDATE ON http_request BEGIN
	UPDATE exchange SET method = NEW.method, authority = NEW.authority, text = NEW.path, query = NEW.query,
		request_headers = NEW.headers, parameters = NEW.body, exact_hash = NULL
	WHERE id = OLD.exchange;
	INSERT INTO http_apart (exchange) VALUES (OLD.exchange) ON CONFLICT DO NOTHING;
	UPDATE http_apart SET scheme = NEW.scheme, target = NEW.target, request_version = NEW.version,
		request_trailers = NEW.trailers, request_coding = NEW.coding,
		request_wire_body = CASE WHEN NEW.body IS OLD.body OR NEW.wire_body IS NOT OLD.wire_body
					 THEN NEW.wire_body END,
		request_body_part = NEW.body_part,
		request_body_bytes = CASE WHEN coalesce(NEW.coding, NEW.body_part) IS NOT NULL THEN NEW.body_bytes END
	WHERE exchange = OLD.exchange;
END;
CREATE TRIGGER http_response_edited INSTEAD OF UPDATE ON http_response BEGIN
	UPDATE exchange SET status = NEW.status, tag = NEW.reason, response_headers = NEW.headers, rows = NEW.body
	WHERE id = OLD.exchange;
	INSERT INTO http_apart (exchange) VALUES (OLD.exchange) ON CONFLICT DO NOTHING;
	UPDATE http_apart SET response_version = NEW.version, response_trailers = NEW.trailers, interim = NEW.interim,
		response_coding = NEW.coding,
		response_wire_body = CASE WHEN NEW.body IS OLD.body OR NEW.wire_body IS NOT OLD.wire_body
					  THEN NEW.wire_body END,
		response_body_part = NEW.body_part,
		response_body_bytes = CASE WHEN coalesce(NEW.coding, NEW.body_part) IS NOT NULL THEN NEW.body_bytes END
	WHERE exchange = OLD.exchange;
END;
CREATE TRIGGER http_apart_edited AFTER UPDATE ON http_apart BEGIN
	UPDATE exchange SET exact_hash = NULL WHERE id = NEW.exchange;
END;
CREATE TRIGGER value_part_edited AFTER UPDATE ON value_part BEGIN
	UPDATE exchange SET exact_hash = NULL, loose_hash = NULL WHERE id = NEW.exchange;
END;

-- An edited row has another identity: replay makes the hashes anew where they are NULL.
CREATE TRIGGER exchange_text_edited AFTER UPDATE OF text ON exchange BEGIN
	UPDATE exchange SET exact_hash = NULL, loose_hash = NULL, edited = 1 WHERE id = NEW.id;
END;
CREATE TRIGGER exchange_edited
AFTER UPDATE OF parameters, statement, method, authority, query, request_headers ON exchange BEGIN
	UPDATE exchange SET exact_hash = NULL, loose_hash = NULL WHERE id = NEW.id;
END;
CREATE TRIGGER copy_inline_edited AFTER UPDATE OF rows ON exchange BEGIN
	UPDATE copy SET digest = NULL WHERE exchange = NEW.id AND direction = 'in' AND ended <> 'failed';
END;
CREATE TRIGGER copy_apart_edited AFTER UPDATE OF rows ON rows_apart BEGIN
	UPDATE copy SET digest = NULL WHERE exchange = NEW.exchange AND direction = 'in' AND ended <> 'failed';
END;
CREATE TRIGGER copy_part_edited AFTER UPDATE OF bytes ON value_part BEGIN
	UPDATE copy SET digest = NULL WHERE exchange = NEW.exchange AND direction = 'in' AND ended <> 'failed';
END;
CREATE TRIGGER copy_apart_removed AFTER DELETE ON rows_apart BEGIN
	UPDATE copy SET digest = NULL WHERE exchange = OLD.exchange AND direction = 'in' AND ended <> 'failed';
END;
CREATE TRIGGER statement_text_edited AFTER UPDATE OF text ON statement BEGIN
	UPDATE exchange SET exact_hash = NULL, loose_hash = NULL WHERE statement = NEW.id;
	UPDATE exchange SET edited = 1 WHERE statement = NEW.id AND text IS NULL;
	UPDATE statement SET canonical = NULL WHERE id = NEW.id;
END;
CREATE TRIGGER statement_edited AFTER UPDATE OF canonical, context ON statement BEGIN
	UPDATE exchange SET exact_hash = NULL, loose_hash = NULL WHERE statement = NEW.id;
END;
CREATE TRIGGER context_edited AFTER UPDATE ON context BEGIN
	UPDATE exchange SET exact_hash = NULL, loose_hash = NULL
	WHERE statement IN (SELECT id FROM statement WHERE context = NEW.id);
END;

-- All results, wherever they are stored. Edits of what is in them go to where it is.
CREATE VIEW result AS
SELECT id AS exchange, 0 AS number, columns, tag, row_count, error, events, empty, insert_id, warnings, server_status
FROM exchange WHERE inline
UNION ALL
SELECT exchange, number, columns, tag, row_count, error, events, empty, insert_id, warnings, server_status
FROM result_apart;

CREATE TRIGGER result_edited INSTEAD OF UPDATE ON result BEGIN
	UPDATE exchange SET columns = NEW.columns, tag = NEW.tag, row_count = NEW.row_count, error = NEW.error,
		events = NEW.events, empty = NEW.empty, insert_id = NEW.insert_id, warnings = NEW.warnings,
		server_status = NEW.server_status
	WHERE id = OLD.exchange AND inline;
	UPDATE result_apart SET columns = NEW.columns, tag = NEW.tag, row_count = NEW.row_count, error = NEW.error,
		events = NEW.events, empty = NEW.empty, insert_id = NEW.insert_id, warnings = NEW.warnings,
		server_status = NEW.server_status
	WHERE exchange = OLD.exchange AND number = OLD.number;
END;

-- All rows in their chunks: `rows` as in exchange.
CREATE VIEW result_rows AS
SELECT id AS exchange, 0 AS result, 0 AS chunk, 1 AS first_row, rows FROM exchange WHERE inline AND rows IS NOT NULL
UNION ALL
SELECT exchange, result, chunk, first_row, rows FROM rows_apart;

CREATE TRIGGER result_rows_edited INSTEAD OF UPDATE ON result_rows BEGIN
	UPDATE exchange SET rows = NEW.rows WHERE id = OLD.exchange AND inline;
	UPDATE rows_apart SET rows = NEW.rows
	WHERE exchange = OLD.exchange AND result = OLD.result AND chunk = OLD.chunk;
END;

-- Every HTTP exchange, as a person would ask for it.
CREATE VIEW http AS
SELECT e.id AS id,
       e.connection AS connection,
       strftime('%Y-%m-%dT%H:%M:%fZ', e.started_ns / 1000000000.0, 'unixepoch') AS started_at,
       round(e.duration_ns / 1000000.0, 3) AS duration_ms,
       e.method AS method,
       CASE WHEN a.target = 'authority' THEN e.authority
	    ELSE coalesce(a.scheme, 'http') || '://' || coalesce(e.authority, '') ||
		 CASE e.text WHEN '*' THEN '/*' ELSE e.text END || coalesce('?' || e.query, '') END AS url,
       e.status AS status,
       CASE WHEN a.request_body_part IS NULL THEN e.parameters
	    ELSE '(' || a.request_body_bytes || ' bytes in value_part)' END AS request_body,
       CASE WHEN a.response_body_part IS NULL THEN e.rows
	    ELSE '(' || a.response_body_bytes || ' bytes in value_part)' END AS response_body
FROM exchange e LEFT JOIN http_apart a ON a.exchange = e.id WHERE e.kind = 6;

-- Every message of every WebSocket.
CREATE VIEW messages AS
SELECT m.exchange AS exchange,
       m.number AS number,
       h.connection AS connection,
       strftime('%Y-%m-%dT%H:%M:%fZ', m.at_ns / 1000000000.0, 'unixepoch') AS at,
       h.url AS url,
       m.side AS side,
       m.kind AS kind,
       CASE WHEN m.kind = 'close' THEN trim(coalesce(m.close_code, '') || ' ' || m.body)
	    WHEN m.body_part IS NULL THEN m.body
	    ELSE '(' || m.body_bytes || ' bytes in value_part)' END AS body
FROM http_message m JOIN http h ON h.id = m.exchange;

-- Every SQL exchange, as a person would ask for it.
CREATE VIEW queries AS
SELECT e.id AS id,
       e.connection AS connection,
       strftime('%Y-%m-%dT%H:%M:%fZ', e.started_ns / 1000000000.0, 'unixepoch') AS started_at,
       round(e.duration_ns / 1000000.0, 3) AS duration_ms,
       c.protocol AS protocol,
       coalesce((SELECT x.database FROM context x WHERE x.id = s.context AND x.database <> ''), c.database) AS database,
       coalesce(e.text, s.text, '(not stored)') AS sql,
       e.parameters AS parameters,
       CASE WHEN e.inline THEN e.row_count
	    ELSE (SELECT sum(r.row_count) FROM result_apart r WHERE r.exchange = e.id) END AS row_count,
       CASE WHEN e.inline THEN e.tag
	    ELSE (SELECT group_concat(nullif(r.tag, ''), '; ') FROM result_apart r WHERE r.exchange = e.id) END AS tag,
       (SELECT CASE WHEN json_valid(r.error)
		    THEN coalesce(json_extract(r.error, '$.severity') || ' ' || json_extract(r.error, '$.code') ||
				  coalesce(' (' || json_extract(r.error, '$.sqlstate') || ')', '') || ': ' || json_extract(r.error, '$.message'), r.error)
		    ELSE r.error END
	FROM (SELECT CASE WHEN e.inline THEN e.error
			  ELSE (SELECT a.error FROM result_apart a
				WHERE a.exchange = e.id AND a.error IS NOT NULL LIMIT 1) END AS error) r) AS error
FROM exchange e
JOIN connection c ON c.id = e.connection
LEFT JOIN statement s ON s.id = e.statement
WHERE e.kind <> 6;

-- What is not stored, or is stored otherwise than it happened, in words.
CREATE VIEW flagged AS
SELECT e.id AS id,
       e.connection AS connection,
       trim(CASE WHEN e.outcome = 0 THEN 'unfinished ' ELSE '' END ||
	    CASE WHEN e.outcome = 3 THEN 'suspended ' ELSE '' END ||
	    CASE WHEN e.flags & 1 THEN 'copy-data-not-stored ' ELSE '' END ||
	    CASE WHEN e.flags & 2 THEN 'fetched-in-slices ' ELSE '' END ||
	    CASE WHEN e.flags & 4 THEN 'merged ' ELSE '' END ||
	    CASE WHEN e.flags & 8 THEN 'request-too-large ' ELSE '' END ||
	    CASE WHEN e.flags & 16 THEN 'not-decoded ' ELSE '' END ||
	    CASE WHEN e.flags & 32 THEN 'cut ' ELSE '' END ||
	    CASE WHEN e.flags & 64 THEN 'notices-cut ' ELSE '' END ||
	    CASE WHEN e.flags & 128 THEN 'transaction-aborted ' ELSE '' END ||
	    CASE WHEN e.flags & 256 THEN 'ambiguous-so-not-followed ' ELSE '' END ||
	    CASE WHEN e.flags & 512 THEN 'request-cut ' ELSE '' END ||
	    CASE WHEN e.flags & 4096 THEN 'by-the-server ' ELSE '' END ||
	    CASE WHEN e.flags & 8192 THEN 'reset-by-the-server ' ELSE '' END ||
	    CASE WHEN e.flags & 32768 THEN 'behind-the-end ' ELSE '' END) AS flags,
       coalesce(h.method || ' ' || h.url, e.text, s.text, '(not stored)') AS sql
FROM exchange e LEFT JOIN statement s ON s.id = e.statement LEFT JOIN http h ON h.id = e.id
WHERE e.flags & ~(1024 | 2048 | 16384) OR e.outcome IN (0, 3);

-- What happened when, over all connections.
CREATE VIEW timeline AS
SELECT round((e.started_ns - (SELECT min(started_ns) FROM connection)) / 1000000.0, 3) AS at_ms,
       round(e.duration_ns / 1000000.0, 3) AS duration_ms,
       e.connection AS connection,
       c.program AS program,
       CASE e.kind WHEN 1 THEN 'simple' WHEN 2 THEN 'prepared' WHEN 3 THEN 'parse' WHEN 4 THEN 'function' WHEN 5 THEN 'command'
	    WHEN 6 THEN 'http' END AS kind,
       CASE e.outcome WHEN 0 THEN 'unfinished' WHEN 1 THEN 'ok' WHEN 2 THEN 'error' WHEN 3 THEN 'suspended' END AS outcome,
       e.id AS id,
       coalesce(h.method || ' ' || h.url, e.text, s.text, '(not stored)') AS sql
FROM exchange e
JOIN connection c ON c.id = e.connection
LEFT JOIN statement s ON s.id = e.statement
LEFT JOIN http h ON h.id = e.id
ORDER BY e.started_ns, e.id;

CREATE VIEW errors AS
SELECT id, connection, started_at, database, sql, parameters, error FROM queries WHERE error IS NOT NULL
UNION ALL
SELECT h.id, h.connection, h.started_at, NULL, h.method || ' ' || h.url, NULL, trim(h.status || ' ' || coalesce(e.tag, ''))
FROM http h JOIN exchange e ON e.id = h.id WHERE h.status >= 400
UNION ALL
SELECT NULL, a.connection, strftime('%Y-%m-%dT%H:%M:%fZ', a.at_ns / 1000000000.0, 'unixepoch'), c.database,
       CASE WHEN c.server_parameters IS NULL THEN '(login)' ELSE '(between requests)' END, NULL,
       json_extract(a.event, '$.error.severity') || ' ' || json_extract(a.event, '$.error.code') || ': ' ||
       json_extract(a.event, '$.error.message')
FROM aside a JOIN connection c ON c.id = a.connection WHERE a.event LIKE '{"error"%' AND json_valid(a.event);

CREATE VIEW slow AS
SELECT duration_ms, id, connection, sql, parameters, row_count FROM queries
UNION ALL
SELECT duration_ms, id, connection, method || ' ' || url, NULL, NULL FROM http
ORDER BY duration_ms DESC;

-- Statements that were executed more than once: candidates for a cache, or for fewer round trips.
CREATE VIEW repeated AS
SELECT count(*) AS times,
       count(DISTINCT e.parameters) AS distinct_parameters,
       round(sum(e.duration_ns) / 1000000.0, 3) AS total_ms,
       s.id AS statement,
       s.text AS sql
FROM exchange e JOIN statement s ON s.id = e.statement
GROUP BY s.id HAVING count(*) > 1 ORDER BY times DESC;

-- One line for each row that a server gave; "values" is a JSON array.
CREATE VIEW rows AS
SELECT c.exchange AS exchange,
       c.result AS result,
       c.first_row + j.key AS row_number,
       j.value AS "values"
FROM result_rows c, json_each(c.rows) j;
