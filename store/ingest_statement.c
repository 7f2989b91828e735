/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identity on its way into the recording (design §7): contexts, row descriptions, templates and
 * parameters, each stored once as long as ingest remembers it. Forgetting costs a second row of the
 * same content, which readers allow.
 */
#include "parsers/binding.h"
#include "parsers/sql/shape.h"
#include "store/ingest_state.h"
#include "store/parameters.h"

static void append_key(struct buffer *key, struct slice part)
{
	/* Absent (RESET, never set) differs from set to nothing. */
	buffer_append_u64be(key, part.data ? part.size : UINT64_MAX);
	buffer_append_slice(key, part);
}

/* The next part of a key that append_key() made is this one; it is taken off. */
static bool take_key(struct cursor *key, struct slice part)
{
	uint64_t size = cursor_u64be(key);

	if (size != (part.data ? part.size : UINT64_MAX))
		return false;
	return !part.data || slice_equal(cursor_bytes(key, part.size), part);
}

/* The session's own time zone, where replayers tell of theirs; see the table `context`. */
static struct slice time_zone_of(const struct connection_state *connection)
{
	return connection->protocol->dialect == SQL_MYSQL ?
		       sql_session_setting(connection->session, SLICE("time_zone")) :
		       slice_of(NULL, 0);
}

/* What is behind these in the key changes with a new session, which has no context yet. */
static bool same_context(const struct connection_state *connection,
			 const struct sql_context *context, struct slice zone)
{
	struct cursor key = cursor_of(buffer_slice(&connection->context_key));

	return connection->context && take_key(&key, context->database) &&
	       take_key(&key, context->search_path) && take_key(&key, context->role) &&
	       take_key(&key, zone);
}

static int add_context(struct ingest *ingest, const struct sql_context *context, struct slice zone,
		       struct slice user)
{
	sqlite3_stmt *sql = ingest->sql[ADD_CONTEXT];

	database_bind(sql, 1, context->database.data ? context->database : slice_of("", 0));
	database_bind(sql, 2, context->search_path);
	database_bind(sql, 3, context->role);
	database_bind_nonempty(sql, 4, user);
	database_bind(sql, 5, zone);
	return database_run(sql);
}

int ingest_context(struct ingest *ingest, struct connection_state *connection)
{
	uint64_t changes = sql_session_changes(connection->session);
	struct slice user = buffer_slice(&connection->other_user);
	struct sql_context context;
	struct slice zone;
	int64_t *id;
	int rc;

	if (connection->context && connection->context_changes == changes)
		return SQLITE_OK;
	context = sql_session_context(connection->session);
	zone = time_zone_of(connection);
	if (same_context(connection, &context, zone)) {
		connection->context_changes = changes;
		return SQLITE_OK;
	}
	buffer_clear(&ingest->scratch);
	append_key(&ingest->scratch, context.database);
	append_key(&ingest->scratch, context.search_path);
	append_key(&ingest->scratch, context.role);
	append_key(&ingest->scratch, zone);
	append_key(&ingest->scratch, user);
	id = intern_find(&ingest->contexts, buffer_slice(&ingest->scratch));
	if (!id) {
		rc = add_context(ingest, &context, zone, user);
		if (rc != SQLITE_OK)
			return rc;
		id = intern_add(&ingest->contexts, buffer_slice(&ingest->scratch), sizeof(*id));
		*id = sqlite3_last_insert_rowid(ingest->database);
	}
	connection->context = *id;
	connection->context_changes = changes;
	buffer_clear(&connection->context_key);
	buffer_append_slice(&connection->context_key, buffer_slice(&ingest->scratch));
	return SQLITE_OK;
}

int ingest_columns(struct ingest *ingest, const struct protocol *protocol, struct slice raw,
		   const struct row_format **ret_format)
{
	struct slice name = slice_from_string(protocol->name);
	struct column *columns = ingest->column_room;
	struct row_format *format;
	size_t n = 0;
	int rc;

	*ret_format = NULL;
	buffer_clear(&ingest->scratch);
	append_key(&ingest->scratch, name);
	buffer_append_slice(&ingest->scratch, raw);
	format = intern_find(&ingest->columns, buffer_slice(&ingest->scratch));
	if (!format) {
		/*
		 * What cannot be read is stored as an empty description: its rows are still there.
		 */
		if (protocol->columns_read(raw, columns, COLUMNS_MAX, &n) < 0)
			n = 0;
		buffer_clear(&ingest->json);
		encode_columns(&ingest->json, protocol, columns, n);
		database_bind(ingest->sql[ADD_COLUMNS], 1, buffer_slice(&ingest->json));
		rc = database_run(ingest->sql[ADD_COLUMNS]);
		if (rc != SQLITE_OK)
			return rc;
		format = intern_add(&ingest->columns, buffer_slice(&ingest->scratch),
				    row_format_bytes(n));
		format->id = sqlite3_last_insert_rowid(ingest->database);
		format->n = n;
		if (protocol->types_places)
			protocol->types_places(columns, n, &format->places);
		for (size_t i = 0; i < n; i++) {
			format->columns[i].type = columns[i].type_id;
			format->columns[i].form = columns[i].form;
		}
	}
	*ret_format = format;
	return SQLITE_OK;
}

/* The statement is new: its row is written when the item ends. */
static void add_statement(struct ingest *ingest, uint8_t dialect, const struct identity *identity,
			  struct statement_entry *entry)
{
	entry->id = ingest->next_statement++;
	ingest->new_statement = (struct new_statement){
		.entry = entry,
		.context = identity->context,
		.dialect = dialect,
		.template = identity->template,
	};
}

static void bind_some(sqlite3_stmt *sql, int at, int64_t row)
{
	if (row)
		sqlite3_bind_int64(sql, at, row);
	else
		sqlite3_bind_null(sql, at);
}

int ingest_statement_write(struct ingest *ingest)
{
	struct new_statement *new = &ingest->new_statement;
	struct slice canonical = new->template.statement.canonical;
	struct slice masked = new->template.masked;
	sqlite3_stmt *sql = ingest->sql[ADD_STATEMENT];
	int rc;

	if (!new->entry)
		return SQLITE_OK;
	sqlite3_bind_int64(sql, 1, new->entry->id);
	sqlite3_bind_int64(sql, 2, new->context);
	sqlite3_bind_int(sql, 3, new->dialect);
	database_bind(sql, 4, masked.data ? masked : slice_of("", 0));
	database_bind(sql, 5, canonical.data ? canonical : slice_of("", 0));
	sqlite3_bind_text(sql, 6, sql_verb_name(new->template.statement.verb), -1, SQLITE_STATIC);
	database_bind(sql, 7, new->slot_types);
	bind_some(sql, 8, new->columns);
	sqlite3_bind_int(sql, 9, new->described);
	*new = (struct new_statement){ 0 };
	rc = database_run(sql);
	ingest->summary.statements += rc == SQLITE_OK;
	return rc;
}

static bool is_declared(const struct sql_slot *slot, const struct declared_types *declared)
{
	return sql_slot_takes_type(slot) && slot->placeholder <= declared->n;
}

static bool any_declared(const struct sql_statement *statement,
			 const struct declared_types *declared)
{
	bool any = false;

	for (size_t i = 0; declared->n && i < statement->n_slots; i++)
		any |= is_declared(&statement->slots[i], declared);
	return any;
}

/* What the client declared a bare placeholder to be decides what the columns are: `select $1`. */
static void append_declared(struct buffer *key, const struct sql_statement *statement,
			    const struct declared_types *declared)
{
	for (size_t i = 0; i < statement->n_slots; i++) {
		const struct sql_slot *slot = &statement->slots[i];

		if (is_declared(slot, declared))
			buffer_append_u32be(key, declared->types[slot->placeholder - 1]);
	}
}

/* How much of a template's text is remembered: all or nothing. */
static size_t text_kept(struct slice text)
{
	return text.size <= STATEMENT_TEXT_MAX ? text.size : 0;
}

/* A text of many literals is its own template, and may be large. */
static void append_canonical(struct buffer *key, struct slice canonical)
{
	XXH128_canonical_t hash;

	if (text_kept(canonical) == canonical.size) {
		append_key(key, canonical);
		return;
	}
	XXH128_canonicalFromHash(&hash, XXH3_128bits(canonical.data, canonical.size));
	buffer_append_u64be(key, canonical.size);
	buffer_append(key, hash.digest, sizeof(hash.digest));
}

/* Finds it, or makes it. */
static struct statement_entry *statement_entry(struct ingest *ingest, uint8_t dialect,
					       const struct identity *identity,
					       const struct declared_types *declared)
{
	const struct template *template = &identity->template;
	size_t kept = text_kept(template->masked);
	struct buffer *key = &ingest->scratch;
	struct statement_entry *entry;

	buffer_clear(key);
	buffer_append_u64be(key, (uint64_t)identity->context);
	buffer_append_u8(key, dialect);
	append_canonical(key, template->statement.canonical);
	sql_shape(&template->statement, key);
	append_declared(key, &template->statement, declared);
	entry = intern_find(&ingest->statements, buffer_slice(key));
	if (entry)
		return entry;
	entry = intern_add(&ingest->statements, buffer_slice(key), sizeof(*entry) + kept);
	entry->text_size = template->masked.size;
	if (kept)
		memcpy(entry->text, template->masked.data, kept);
	else if (entry->text_size)
		entry->text_hash = XXH3_128bits(template->masked.data, entry->text_size);
	add_statement(ingest, dialect, identity, entry);
	return entry;
}

void ingest_statement_of(struct ingest *ingest, const struct connection_state *connection,
			 int64_t context, struct slice text, const struct declared_types *declared,
			 struct identity *ret_identity)
{
	struct sql_options options = sql_session_options(connection->session);
	struct template template = templates_get(ingest->templates, &options, text, &ingest->arena);
	struct statement_found *found = &ingest->found[template.number % STATEMENTS_FOUND];
	bool remembers = template.number && !any_declared(&template.statement, declared);

	*ret_identity = (struct identity){ .context = context, .template = template };
	if (remembers && found->template == template.number && found->context == context)
		ret_identity->entry = found->entry;
	else
		ret_identity->entry =
			statement_entry(ingest, options.dialect, ret_identity, declared);
	if (remembers)
		*found = (struct statement_found){ template.number, context, ret_identity->entry };
	ret_identity->statement = ret_identity->entry->id;
}

struct slice ingest_own_text(const struct identity *identity)
{
	const struct statement_entry *entry = identity->entry;
	struct slice text = identity->template.masked;
	bool same = text.size == entry->text_size;

	if (same && text_kept(text) == text.size)
		same = slice_equal(text, slice_of(entry->text, entry->text_size));
	else if (same)
		same = XXH128_isEqual(XXH3_128bits(text.data, text.size), entry->text_hash);
	if (same)
		return slice_of(NULL, 0);
	return text.data ? text : slice_of("", 0);
}

/* The values of all slots; what cannot be read of a parameter is kept as its bytes. */
static struct sql_value *slot_values(struct ingest *ingest,
				     const struct connection_state *connection,
				     const struct sql_statement *statement,
				     const struct exchange_item *item)
{
	struct type_scope scope = ingest_scope(connection->types, INT64_MAX);
	struct sql_value *bound = NULL;
	struct sql_value *values;

	if (item->n_parameters)
		bound = arena_alloc(&ingest->arena, item->n_parameters * sizeof(*bound));
	for (size_t i = 0; i < item->n_parameters; i++) {
		const struct parameter *parameter = &item->parameters[i];

		if (parameter_value(connection->protocol, &scope, parameter, &ingest->arena,
				    &bound[i]) < 0)
			bound[i] = (struct sql_value){ .bytes = true, .text = parameter->value };
	}
	values = arena_alloc(&ingest->arena, (statement->n_slots + 1) * sizeof(*values));
	sql_slot_values(statement, bound, item->n_parameters, values);
	return values;
}

/* The context is the one that the entry was found in. */
static void identify_hashes(const struct connection_state *connection, struct identity *identity)
{
	const struct sql_statement *statement = &identity->template.statement;
	struct statement_entry *entry = identity->entry;

	if (!entry->template_hash) {
		struct sql_context context = sql_session_context(connection->session);

		entry->template_hash = sql_template_hash(&context, statement->canonical);
	}
	identity->exact_hash =
		sql_exact_hash_from(entry->template_hash, statement, identity->values);
	identity->loose_hash =
		sql_loose_hash_from(entry->template_hash, statement, identity->values);
}

/*
 * What the server makes of a placeholder whose type the text states is not what a client declared it to be, which may be a number's
 * size: another client, that asks, is told what is stated. A type of the database's own is kept, since its name may not be known in
 * replay.
 */
static void forget_declared(const struct protocol *protocol, const struct sql_statement *statement,
			    const struct exchange_item *item, uint32_t *types)
{
	for (size_t i = 0; i < statement->n_slots; i++) {
		size_t placeholder = statement->slots[i].placeholder;

		if (placeholder && placeholder <= item->n_parameters &&
		    statement->slots[i].cast.size && item->parameters[placeholder - 1].declared &&
		    protocol->type_name(types[placeholder - 1]).size)
			types[placeholder - 1] = 0;
	}
	/* It may stand at another place too, where its type decides. */
	for (size_t i = 0; i < statement->n_slots; i++) {
		const struct sql_slot *slot = &statement->slots[i];

		if (sql_slot_takes_type(slot) && slot->placeholder <= item->n_parameters)
			types[slot->placeholder - 1] = item->parameters[slot->placeholder - 1].type;
	}
}

static bool any_type_declared(const struct exchange_item *item)
{
	for (size_t i = 0; i < item->n_parameters; i++)
		if (item->parameters[i].declared)
			return true;
	return false;
}

int ingest_identify(struct ingest *ingest, struct connection_state *connection,
		    const struct exchange_item *item, struct identity *ret_identity)
{
	struct declared_types declared = { 0 };
	struct sql_value *values;
	uint32_t *types;
	bool is_typed;
	int rc = ingest_context(ingest, connection);

	types = arena_alloc(&ingest->arena, (item->n_parameters + 1) * sizeof(*types));
	for (size_t i = 0; i < item->n_parameters; i++)
		types[i] = item->parameters[i].declared ? item->parameters[i].type : 0;
	declared = (struct declared_types){ types, item->n_parameters };
	if (rc != SQLITE_OK)
		return rc;
	ingest_statement_of(ingest, connection, connection->context, item->text, &declared,
			    ret_identity);
	values = slot_values(ingest, connection, &ret_identity->template.statement, item);
	if (item->kind != EXCHANGE_PARSE) /* nothing is executed: names are what they are */
		sql_session_resolve(connection->session, &ret_identity->template.statement, values,
				    &ingest->arena);
	ret_identity->values = values;
	identify_hashes(connection, ret_identity);
	if (!item->n_parameters)
		return SQLITE_OK;
	is_typed = ret_identity->entry->types_hash != 0;
	if (is_typed && (!item->prepared_behind || any_type_declared(item)))
		return SQLITE_OK;
	for (size_t i = 0; i < item->n_parameters; i++)
		types[i] = item->parameters[i].type;
	forget_declared(connection->protocol, &ret_identity->template.statement, item, types);
	if (is_typed)
		return ingest_described(ingest, connection, ret_identity,
					&(struct prepared_as){ item->prepared_behind, types,
							       item->n_parameters, NULL, 0 });
	return ingest_learn_types(ingest, ret_identity, types, item->n_parameters);
}

/* The types of the slots, into ingest->json: how many are known. */
static size_t slot_types_json(struct ingest *ingest, const struct sql_statement *statement,
			      const uint32_t *types, size_t n)
{
	size_t typed = 0;

	buffer_clear(&ingest->json);
	buffer_append_u8(&ingest->json, '[');
	for (size_t i = 0; i < statement->n_slots; i++) {
		uint32_t placeholder = statement->slots[i].placeholder;
		uint32_t type = placeholder && placeholder <= n ? types[placeholder - 1] : 0;

		typed += type != 0;
		if (i)
			buffer_append_slice(&ingest->json, SLICE(", "));
		buffer_append_unsigned(&ingest->json, type);
	}
	buffer_append_u8(&ingest->json, ']');
	return typed;
}

/* 0: not all are known. */
static uint64_t hash_types(const uint32_t *types, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!types[i])
			return 0;
	return XXH3_64bits(types, n * sizeof(*types));
}

int ingest_described(struct ingest *ingest, const struct connection_state *connection,
		     const struct identity *identity, const struct prepared_as *as)
{
	const struct statement_entry *entry = identity->entry;
	sqlite3_stmt *sql = ingest->sql[ADD_DESCRIBED];
	uint64_t hash = hash_types(as->types, as->n_types);
	bool other_types = as->n_types && hash && hash != entry->types_hash;
	bool other_columns = as->format && as->format->id != entry->columns_stored;

	if (!as->behind || (!other_types && !other_columns && !as->warnings))
		return SQLITE_OK;
	sqlite3_bind_int64(sql, 1, entry->id);
	sqlite3_bind_int64(sql, 2, (int64_t)connection->number);
	sqlite3_bind_int64(sql, 3, (int64_t)as->behind - 1);
	sqlite3_bind_null(sql, 4);
	if (other_types) {
		(void)slot_types_json(ingest, &identity->template.statement, as->types,
				      as->n_types);
		database_bind(sql, 4, buffer_slice(&ingest->json));
	}
	bind_some(sql, 5, other_columns ? as->format->id : 0);
	bind_some(sql, 6, as->warnings);
	return database_run(sql);
}

int ingest_learn_types(struct ingest *ingest, struct identity *identity, const uint32_t *types,
		       size_t n)
{
	const struct sql_statement *statement = &identity->template.statement;
	sqlite3_stmt *sql = ingest->sql[SET_SLOT_TYPES];
	bool known = false;
	size_t typed;

	for (size_t i = 0; i < n && !known; i++)
		known = types[i] != 0;
	if (!known)
		return SQLITE_OK;
	typed = slot_types_json(ingest, statement, types, n);
	if (typed <= identity->entry->typed)
		return SQLITE_OK;
	identity->entry->typed = typed;
	identity->entry->types_hash = hash_types(types, n);
	if (identity->entry == ingest->new_statement.entry) {
		ingest->new_statement.slot_types =
			arena_copy(&ingest->arena, buffer_slice(&ingest->json));
		return SQLITE_OK;
	}
	database_bind(sql, 1, buffer_slice(&ingest->json));
	sqlite3_bind_int64(sql, 2, identity->entry->id);
	return database_run(sql);
}

int ingest_find_columns(struct ingest *ingest, const struct identity *identity,
			const struct row_format *format)
{
	sqlite3_stmt *sql = ingest->sql[FIND_STATEMENT_COLUMNS];

	if (identity->entry)
		return ingest_learn_columns(ingest, identity->entry, format, false);
	if (!identity->statement)
		return SQLITE_OK;
	bind_some(sql, 1, format ? format->id : 0);
	sqlite3_bind_int64(sql, 2, identity->statement);
	return database_run(sql);
}

int ingest_learn_columns(struct ingest *ingest, struct statement_entry *entry,
			 const struct row_format *format, bool described)
{
	sqlite3_stmt *sql = ingest->sql[SET_STATEMENT_COLUMNS];

	/*
	 * A description of the statement itself is better than the one of an execution, whose forms
	 * are its own.
	 */
	if (entry->columns >= (described ? COLUMNS_DESCRIBED : COLUMNS_EXECUTED))
		return SQLITE_OK;
	entry->columns = described ? COLUMNS_DESCRIBED : COLUMNS_EXECUTED;
	entry->columns_stored = format ? format->id : 0;
	if (entry == ingest->new_statement.entry) {
		ingest->new_statement.columns = format ? format->id : 0;
		ingest->new_statement.described = true;
		return SQLITE_OK;
	}
	bind_some(sql, 1, format ? format->id : 0);
	sqlite3_bind_int64(sql, 2, entry->id);
	return database_run(sql);
}
