/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places; see endpoints.h. Everything is read once, when a replay begins; what is there is what was
 * recorded, so its size is bounded by the file's.
 */
#include "store/endpoints.h"

#include "parsers/item.h"
#include "parsers/protocol.h"
#include "store/database.h"
#include "store/decode.h"
#include "store/encode.h"
#include "store/mask.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES_MAX ((size_t)16 * 1024 * 1024)

struct endpoint {
	int64_t id;
	uint32_t place;
	uint16_t port;
	struct slice host; /* in the same memory as the struct's own `bytes` */
	struct slice address;
	struct slice protocol;
	const struct protocol *speaks; /* NULL: not known here */
	bool refuses;		       /* nobody was reached there, at any time */
	uint8_t *bytes;
};

static bool is_loopback(struct slice address)
{
	return slice_starts_with(address, SLICE("127.")) || slice_equal(address, SLICE("::1")) ||
	       slice_equal(address, SLICE("0.0.0.0")) || slice_equal(address, SLICE("::")) ||
	       slice_starts_with(address, SLICE("::ffff:127.")) ||
	       slice_equal_nocase(address, SLICE("localhost"));
}

static bool same_address(struct slice a, struct slice b)
{
	return slice_equal_nocase(a, b) || (is_loopback(a) && is_loopback(b));
}

static bool is_there(const struct endpoint *endpoint, struct slice address, uint16_t port)
{
	return endpoint->port == port &&
	       (same_address(endpoint->address, address) ||
		(endpoint->host.size && same_address(endpoint->host, address)));
}

static bool is_at(const struct endpoint *endpoint, struct slice protocol, struct slice address,
		  uint16_t port)
{
	return slice_equal(endpoint->protocol, protocol) && is_there(endpoint, address, port);
}

static void read_endpoint(sqlite3_stmt *sql, struct endpoint *endpoint)
{
	struct slice parts[3];
	size_t size = 0;

	for (int i = 0; i < 3; i++) {
		parts[i] = database_column(sql, 2 + i);
		size += parts[i].size;
	}
	*endpoint = (struct endpoint){ .id = sqlite3_column_int64(sql, 0),
				       .port = (uint16_t)sqlite3_column_int(sql, 1),
				       .bytes = malloc(size + 1) };
	if (!endpoint->bytes)
		abort();
	size = 0;
	for (int i = 0; i < 3; i++) {
		if (parts[i].size)
			memcpy(endpoint->bytes + size, parts[i].data, parts[i].size);
		parts[i].data = endpoint->bytes + size;
		size += parts[i].size;
	}
	endpoint->host = parts[0];
	endpoint->address = parts[1];
	endpoint->protocol = parts[2];
	endpoint->speaks = protocol_by_name(endpoint->protocol);
	endpoint->refuses = sqlite3_column_int(sql, 5) != 0;
}

static int load_endpoints(struct endpoints *endpoints, sqlite3 *database)
{
	sqlite3_stmt *sql = NULL;
	size_t capacity = 0;
	int rc = sqlite3_prepare_v2(
		database,
		"SELECT id, port, host, address, protocol, "
		"(SELECT min(outcome IS NOT NULL AND outcome LIKE 'upstream: %') "
		"FROM connection c WHERE c.endpoint = e.id) "
		"FROM endpoint e ORDER BY id",
		-1, &sql, NULL);

	if (rc != SQLITE_OK)
		return rc;
	while (sqlite3_step(sql) == SQLITE_ROW) {
		struct endpoint *endpoint;

		if (endpoints->n == capacity) {
			capacity = capacity ? 2 * capacity : 16;
			endpoints->list =
				realloc(endpoints->list, capacity * sizeof(*endpoints->list));
			if (!endpoints->list)
				abort();
		}
		endpoint = &endpoints->list[endpoints->n];
		read_endpoint(sql, endpoint);
		for (size_t i = 0; i < endpoints->n && !endpoint->place; i++)
			if (is_at(&endpoints->list[i], endpoint->protocol, endpoint->address,
				  endpoint->port))
				endpoint->place = endpoints->list[i].place;
		if (!endpoint->place)
			endpoint->place = ++endpoints->places;
		endpoints->n++;
	}
	return sqlite3_finalize(sql);
}

static const struct endpoint *by_id(const struct endpoints *endpoints, int64_t id)
{
	for (size_t i = 0; i < endpoints->n; i++)
		if (endpoints->list[i].id == id)
			return &endpoints->list[i];
	return NULL;
}

uint32_t endpoints_place(const struct endpoints *endpoints, int64_t endpoint)
{
	const struct endpoint *found = by_id(endpoints, endpoint);

	return found ? found->place : 0;
}

/* Any session of the place. */
static void place_key(struct buffer *key, uint32_t place)
{
	buffer_clear(key);
	buffer_append_u32be(key, place);
}

static void session_key(struct buffer *key, uint32_t place, struct slice database,
			struct slice user)
{
	place_key(key, place);
	buffer_append_u64be(key, database.size);
	buffer_append_slice(key, database);
	buffer_append_slice(key, user);
}

static void protocol_key(struct buffer *key, struct slice protocol)
{
	buffer_clear(key);
	buffer_append_slice(key, protocol);
}

static void database_key(struct buffer *key, struct slice protocol, struct slice database)
{
	protocol_key(key, protocol);
	buffer_append_u8(key, 0);
	buffer_append_slice(key, database);
}

/* The logins of a place, database and user that were refused. */
struct refusals {
	int64_t connection;	/* the first */
	uint32_t first;		/* how many came before one was accepted */
	_Atomic uint32_t given; /* of these, in this replay */
};

static void remember_session(struct intern *sessions, struct buffer *key, int64_t connection)
{
	int64_t *known = intern_find(sessions, buffer_slice(key));

	if (!known)
		*(int64_t *)intern_add(sessions, buffer_slice(key), sizeof(*known)) = connection;
}

/* Where the `number`th login that was refused is remembered, by what session_key() made. */
static void refusal_key(struct buffer *key, uint32_t number)
{
	buffer_append_u8(key, 0);
	buffer_append_u32be(key, number);
}

/* Connections are read in the order in which they were opened. */
static void remember_refusal(struct endpoints *endpoints, struct buffer *key, int64_t connection)
{
	struct refusals *known = intern_find(&endpoints->refused, buffer_slice(key));

	if (!known) {
		known = intern_add(&endpoints->refused, buffer_slice(key), sizeof(*known));
		known->connection = connection;
	}
	if (known->first == UINT32_MAX || intern_find(&endpoints->sessions, buffer_slice(key)))
		return;
	refusal_key(key, known->first++);
	remember_session(&endpoints->refused, key, connection);
}

static void remember_database(struct endpoints *endpoints, struct buffer *key, uint32_t place)
{
	uint32_t *known = intern_find(&endpoints->databases, buffer_slice(key));

	if (!known) {
		known = intern_add(&endpoints->databases, buffer_slice(key), sizeof(*known));
		*known = place;
	}
	if (*known != place)
		*known = ENDPOINTS_SEVERAL;
}

static int compare_slices(struct slice a, struct slice b)
{
	size_t size = a.size < b.size ? a.size : b.size;
	int order = size ? memcmp(a.data, b.data, size) : 0;

	return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_parameters(const void *a, const void *b)
{
	const struct name_value *left = a, *right = b;
	int order = compare_slices(left->name, right->name);

	return order ? order : compare_slices(left->value, right->value);
}

/* In the order of its names: a driver that keeps them in a hash table (pgx) asks in another order each time. */
static void login_key(struct buffer *key, struct slice parameters)
{
	const struct answer_field *fields;
	struct name_value *sorted;
	struct arena arena;
	size_t n;

	arena_init(&arena);
	buffer_clear(key);
	if (decode_fields(parameters, &arena, &fields, &n) < 0) { /* edited; it means itself */
		buffer_append_slice(key, parameters);
	} else {
		sorted = arena_alloc(&arena, (n + 1) * sizeof(*sorted));
		for (size_t i = 0; i < n; i++)
			sorted[i] = (struct name_value){ fields[i].name, fields[i].value };
		qsort(sorted, n, sizeof(*sorted), compare_parameters);
		encode_object(key, sorted, n);
	}
	arena_release(&arena);
}

static uint32_t login_number(struct endpoints *endpoints, struct slice parameters,
			     struct buffer *key)
{
	uint32_t *known = intern_find(&endpoints->logins, parameters);
	uint32_t *sorted;

	if (known)
		return *known;
	login_key(key, parameters);
	sorted = intern_find(&endpoints->logins, buffer_slice(key));
	if (!sorted) {
		sorted = intern_add(&endpoints->logins, buffer_slice(key), sizeof(*sorted));
		*sorted = ++endpoints->n_logins;
	}
	if (!slice_equal(buffer_slice(key), parameters)) {
		known = intern_add(&endpoints->logins, parameters, sizeof(*known));
		*known = *sorted;
	}
	return *sorted;
}

static uint32_t user_number(struct endpoints *endpoints, struct slice user, struct buffer *key)
{
	const struct name_value name = { SLICE("user"), user };
	struct buffer json;
	uint32_t number;

	buffer_init(&json, KEY_BYTES_MAX);
	mask_parameters_json(&json, &name, 1);
	number = json.overflowed ? 0 : login_number(endpoints, buffer_slice(&json), key);
	buffer_release(&json);
	return number;
}

uint32_t endpoints_add_user(struct endpoints *endpoints, struct slice user)
{
	struct buffer key;
	uint32_t number;

	buffer_init(&key, KEY_BYTES_MAX);
	number = user_number(endpoints, user, &key);
	buffer_release(&key);
	return number;
}

/* The number of a recorded connection's login, as its replayer tells of it; 0: it tells of none. */
static uint32_t login_of(struct endpoints *endpoints, const struct protocol *protocol,
			 struct slice parameters, struct slice user, struct buffer *key)
{
	if (!protocol || protocol->tells_login == LOGIN_NOT_TOLD)
		return 0;
	return protocol->tells_login == LOGIN_PARAMETERS ?
		       login_number(endpoints, parameters, key) :
		       user_number(endpoints, user, key);
}

/* Connections whose numbers are given one after the other, by their own in the list, from 1; 0: none. */
struct alike {
	_Atomic uint32_t next; /* to be given */
	uint32_t last;
};

static void alike_key(struct buffer *key, uint32_t place, uint32_t login)
{
	place_key(key, place);
	buffer_append_u32be(key, login);
}

/* The newest connection is one of those of its place and this login. */
static void remember_alike(struct endpoints *endpoints, uint32_t login, struct buffer *key)
{
	struct endpoint_connection *connection =
		&endpoints->connections[endpoints->n_connections - 1];
	struct alike *alike;

	alike_key(key, connection->place, login);
	alike = intern_find(&endpoints->alike, buffer_slice(key));
	if (!alike) {
		alike = intern_add(&endpoints->alike, buffer_slice(key), sizeof(*alike));
		alike->next = (uint32_t)endpoints->n_connections;
	} else {
		endpoints->connections[alike->last - 1].next_alike =
			(uint32_t)endpoints->n_connections;
	}
	alike->last = (uint32_t)endpoints->n_connections;
}

uint32_t endpoints_backend(const struct endpoints *endpoints, uint32_t place, uint32_t login)
{
	struct alike *alike;
	struct buffer key;
	uint32_t next;

	buffer_init(&key, 64);
	alike_key(&key, place, login);
	alike = intern_find(&endpoints->alike, buffer_slice(&key));
	buffer_release(&key);
	next = alike ? atomic_load(&alike->next) : 0;
	while (next && !atomic_compare_exchange_weak(&alike->next, &next,
						     endpoints->connections[next - 1].next_alike))
		;
	return next ? endpoints->connections[next - 1].backend : 0;
}

/* The newest connection's number is to be given again, when it has one that was told. */
static void remember_number(struct endpoints *endpoints, bool accepted, struct buffer *key)
{
	const struct endpoint_connection *connection =
		&endpoints->connections[endpoints->n_connections - 1];
	bool greeted = connection->speaks && connection->speaks->recognise_server;

	if (connection->backend && endpoints->n_connections < UINT32_MAX &&
	    (greeted || (accepted && connection->login)))
		remember_alike(endpoints, greeted ? 0 : connection->login, key);
}

/* Reads the connection that `sql` stands on. */
static void read_connection(struct endpoints *endpoints, sqlite3_stmt *sql, struct buffer *key)
{
	struct endpoint_connection *connection = &endpoints->connections[endpoints->n_connections];
	const struct endpoint *endpoint = by_id(endpoints, sqlite3_column_int64(sql, 1));
	struct slice database = database_column(sql, 2);
	struct slice user = database_column(sql, 3);

	connection->id = sqlite3_column_int64(sql, 0);
	connection->place = endpoint ? endpoint->place : 0;
	connection->backend = (uint32_t)sqlite3_column_int64(sql, 7);
	connection->next_alike = 0;
	connection->speaks = endpoint ? endpoint->speaks : NULL;
	connection->login =
		login_of(endpoints, connection->speaks, database_column(sql, 5), user, key);
	endpoints->n_connections++;
	if (!endpoint || sqlite3_column_type(sql, 4) == SQLITE_NULL)
		return; /* it has no session */
	remember_number(endpoints, sqlite3_column_type(sql, 6) != SQLITE_NULL, key);
	session_key(key, endpoint->place, database, user);
	if (sqlite3_column_type(sql, 6) == SQLITE_NULL) { /* the login was refused */
		remember_refusal(endpoints, key, connection->id);
		return;
	}
	remember_session(&endpoints->sessions, key, connection->id);
	session_key(key, endpoint->place, database, slice_of(NULL, 0));
	remember_session(&endpoints->sessions, key, connection->id);
	place_key(key, endpoint->place);
	remember_session(&endpoints->sessions, key, connection->id);
	database_key(key, endpoint->protocol, database);
	remember_database(endpoints, key, endpoint->place);
	protocol_key(key, endpoint->protocol);
	remember_database(endpoints, key, endpoint->place);
}

static int load_connections(struct endpoints *endpoints, sqlite3 *database)
{
	sqlite3_stmt *sql = NULL;
	size_t capacity = 0;
	struct buffer key;
	int rc = sqlite3_prepare_v2(database,
				    "SELECT id, endpoint, database, user, protocol, "
				    "client_parameters, server_parameters, backend FROM connection "
				    "ORDER BY id",
				    -1, &sql, NULL);

	if (rc != SQLITE_OK)
		return rc;
	buffer_init(&key, KEY_BYTES_MAX);
	while (sqlite3_step(sql) == SQLITE_ROW) {
		if (endpoints->n_connections == capacity) {
			capacity = capacity ? 2 * capacity : 64;
			endpoints->connections = realloc(
				endpoints->connections, capacity * sizeof(*endpoints->connections));
			if (!endpoints->connections)
				abort();
		}
		read_connection(endpoints, sql, &key);
	}
	buffer_release(&key);
	return sqlite3_finalize(sql);
}

int endpoints_load(struct endpoints *endpoints, sqlite3 *database)
{
	int rc;

	*endpoints = (struct endpoints){ 0 };
	intern_init(&endpoints->sessions, SIZE_MAX);
	intern_init(&endpoints->refused, SIZE_MAX);
	intern_init(&endpoints->databases, SIZE_MAX);
	intern_init(&endpoints->logins, SIZE_MAX);
	intern_init(&endpoints->alike, SIZE_MAX);
	rc = load_endpoints(endpoints, database);
	return rc == SQLITE_OK ? load_connections(endpoints, database) : rc;
}

void endpoints_release(struct endpoints *endpoints)
{
	for (size_t i = 0; i < endpoints->n; i++)
		free(endpoints->list[i].bytes);
	free(endpoints->list);
	free(endpoints->connections);
	intern_release(&endpoints->sessions);
	intern_release(&endpoints->refused);
	intern_release(&endpoints->databases);
	intern_release(&endpoints->logins);
	intern_release(&endpoints->alike);
	*endpoints = (struct endpoints){ 0 };
}

uint32_t endpoints_login(const struct endpoints *endpoints, struct slice parameters)
{
	const uint32_t *known;
	struct buffer key;

	buffer_init(&key, KEY_BYTES_MAX);
	login_key(&key, parameters);
	known = intern_find(&endpoints->logins, buffer_slice(&key));
	buffer_release(&key);
	return known ? *known : 0;
}

/* Is what the map was made for asked? */
static bool map_is(const struct matcher_map *map, struct slice address, uint16_t port)
{
	return map->new_port == port && same_address(slice_from_string(map->new_host), address);
}

static uint32_t place_at(const struct endpoints *endpoints, struct slice protocol,
			 struct slice address, uint16_t port)
{
	for (size_t i = 0; i < endpoints->n; i++)
		if (is_at(&endpoints->list[i], protocol, address, port))
			return endpoints->list[i].place;
	return 0;
}

uint32_t endpoints_find(const struct endpoints *endpoints, const struct matcher_options *options,
			struct slice protocol, struct slice address, uint16_t port)
{
	uint32_t place = place_at(endpoints, protocol, address, port);

	for (size_t i = 0; i < options->n_maps && !place; i++) {
		const struct matcher_map *map = &options->maps[i];

		if (map_is(map, address, port))
			place = place_at(endpoints, protocol, slice_from_string(map->old_host),
					 map->old_port);
	}
	return place;
}

/* What is known of who speaks first in some places. */
struct greeting {
	bool recorded;
	bool client_first;
	const struct protocol *greets;
};

static void greeting_at(const struct endpoints *endpoints, struct slice address, uint16_t port,
			struct greeting *greeting)
{
	for (size_t i = 0; i < endpoints->n; i++) {
		const struct protocol *speaks = endpoints->list[i].speaks;

		if (!is_there(&endpoints->list[i], address, port))
			continue;
		greeting->recorded = true;
		if (speaks && speaks->recognise_server)
			greeting->greets = speaks;
		else if (speaks)
			greeting->client_first = true;
	}
}

bool endpoints_refuse(const struct endpoints *endpoints, struct slice address, uint16_t port)
{
	bool refuse = false;

	for (size_t i = 0; i < endpoints->n; i++) {
		if (!is_there(&endpoints->list[i], address, port))
			continue;
		refuse = endpoints->list[i].refuses;
		if (!refuse)
			break;
	}
	return refuse;
}

/* The protocol of the only place in the recording whose server speaks first. */
static const struct protocol *only_greeting(const struct endpoints *endpoints)
{
	const struct endpoint *only = NULL;

	for (size_t i = 0; i < endpoints->n; i++) {
		const struct endpoint *endpoint = &endpoints->list[i];

		if (!endpoint->speaks || !endpoint->speaks->recognise_server)
			continue;
		if (only && only->place != endpoint->place)
			return NULL;
		only = endpoint;
	}
	return only ? only->speaks : NULL;
}

const struct protocol *endpoints_greeting(const struct endpoints *endpoints,
					  const struct matcher_options *options,
					  struct slice address, uint16_t port, bool *ret_at_once)
{
	struct greeting greeting = { 0 };

	greeting_at(endpoints, address, port, &greeting);
	for (size_t i = 0; i < options->n_maps && !greeting.recorded; i++) {
		const struct matcher_map *map = &options->maps[i];

		if (map_is(map, address, port))
			greeting_at(endpoints, slice_from_string(map->old_host), map->old_port,
				    &greeting);
	}
	*ret_at_once = greeting.recorded && !greeting.client_first;
	return greeting.recorded ? greeting.greets : only_greeting(endpoints);
}

uint32_t endpoints_only(const struct endpoints *endpoints, struct slice protocol,
			struct slice database)
{
	struct buffer key;
	uint32_t *place;

	buffer_init(&key, (size_t)1024 * 1024);
	database_key(&key, protocol, database);
	place = key.overflowed ? NULL : intern_find(&endpoints->databases, buffer_slice(&key));
	if (!place) {
		protocol_key(&key, protocol);
		place = intern_find(&endpoints->databases, buffer_slice(&key));
	}
	buffer_release(&key);
	return place && *place != ENDPOINTS_SEVERAL ? *place : 0;
}

const struct endpoint_connection *endpoints_connection(const struct endpoints *endpoints,
						       int64_t connection)
{
	size_t low = 0;
	size_t high = endpoints->n_connections;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (endpoints->connections[middle].id == connection)
			return &endpoints->connections[middle];
		if (endpoints->connections[middle].id < connection)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

int64_t endpoints_session(const struct endpoints *endpoints, uint32_t place, struct slice database,
			  struct slice user)
{
	struct buffer key;
	int64_t *connection;

	buffer_init(&key, (size_t)1024 * 1024);
	if (database.size || user.size)
		session_key(&key, place, database, user);
	else
		place_key(&key, place);
	connection = key.overflowed ? NULL : intern_find(&endpoints->sessions, buffer_slice(&key));
	if (!connection) {
		session_key(&key, place, database, slice_of(NULL, 0));
		connection = intern_find(&endpoints->sessions, buffer_slice(&key));
	}
	buffer_release(&key);
	return connection ? *connection : 0;
}

/* The next of the refusals that came before this login was accepted; 0: all were given. */
static int64_t next_refusal(const struct endpoints *endpoints, struct refusals *known,
			    struct buffer *key)
{
	uint32_t number = atomic_load(&known->given);
	int64_t *connection;

	do {
		if (number >= known->first)
			return 0;
	} while (!atomic_compare_exchange_weak(&known->given, &number, number + 1));
	refusal_key(key, number);
	connection = intern_find(&endpoints->refused, buffer_slice(key));
	return connection ? *connection : 0;
}

int64_t endpoints_refused(const struct endpoints *endpoints, uint32_t place, struct slice database,
			  struct slice user)
{
	struct refusals *known = NULL;
	bool accepted = false;
	int64_t connection = 0;
	struct buffer key;

	buffer_init(&key, (size_t)1024 * 1024);
	/* Who is refused before it is asked who it is, is anybody. */
	if (!database.size && !user.size) {
		place_key(&key, place);
		accepted = intern_find(&endpoints->sessions, buffer_slice(&key)) != NULL;
	}
	session_key(&key, place, database, user);
	if (!key.overflowed && !accepted) {
		known = intern_find(&endpoints->refused, buffer_slice(&key));
		accepted = intern_find(&endpoints->sessions, buffer_slice(&key)) != NULL;
	}
	if (known) {
		connection = next_refusal(endpoints, known, &key);
		if (!connection && !accepted)
			connection = known->connection;
	}
	buffer_release(&key);
	return connection;
}
