/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1 replayer: heads of recorded responses; see replayer.h. Fields keep their order and spelling; those about the
 * connection and about framing (RFC 9110, section 7.6.1; RFC 9112, section 6) say what is true of the message that this client gets.
 *
 * The recorded framing is kept where the client can read it, so that what the app sees is what it saw: a length stays a
 * length, chunks stay chunks, a body that ended with the connection ends with it. A client of HTTP/1.0 gets a length.
 */
#include "parsers/http/replayer.h"

struct recorded {
	struct slice transfer; /* Transfer-Encoding, its first field; data NULL: none */
	bool keep_alive;
	bool close;
	bool has_connection;
};

static struct recorded read_recorded(const struct http_fields *fields)
{
	return (struct recorded){
		.transfer = http_field(fields, SLICE("transfer-encoding")),
		.keep_alive = http_field_has(fields, SLICE("connection"), SLICE("keep-alive")),
		.close = http_field_has(fields, SLICE("connection"), SLICE("close")),
		.has_connection = http_field(fields, SLICE("connection")).data != NULL,
	};
}

/* ---- body and framing ---- */

bool http_leaves(const struct replayer *replayer)
{
	uint16_t status = replayer->send.stored.head.status;

	return status == 101 ||
	       (status >= 200 && status < 300 && replayer->request.form == TARGET_AUTHORITY);
}

/* Which form of the body this client gets; *ret_decoded: without its content coding. False: it cannot read the only one. */
static bool choose_body(struct replayer *replayer, bool *ret_decoded)
{
	struct http_send *send = &replayer->send;
	const struct http_stored *stored = &send->stored;
	struct slice coding = stored->coding;
	bool accepted;

	*ret_decoded = false;
	send->part = stored->part;
	send->rest = stored->body;
	send->left = send->part ? stored->size : send->rest.size;
	if (send->part)
		coding = http_field(&stored->head.fields, SLICE("content-encoding"));
	if (!coding.size)
		return true;
	accepted = stored->coded_unasked || http_accepts(&replayer->request.fields, coding);
	if (send->part && (accepted || !stored->readable_part))
		return accepted;
	if (send->part) {
		send->part = stored->readable_part;
		send->left = stored->readable_size;
		*ret_decoded = true;
		return true;
	}
	*ret_decoded = !accepted || !stored->coded.data;
	send->rest = *ret_decoded ? stored->body : stored->coded;
	send->left = send->rest.size;
	return true;
}

/* As it was framed in the recording, if this client can read that. Chunked is the last coding, so where it is the first too it is alone. */
static bool keep_framing(struct replayer *replayer, const struct recorded *recorded,
			 enum http_body body)
{
	struct http_send *send = &replayer->send;
	bool alone = slice_equal_nocase(recorded->transfer, SLICE("chunked"));

	if (body == HTTP_BODY_NONE)
		send->framing = SEND_NO_BODY;
	else if (body == HTTP_BODY_LENGTH)
		send->framing = SEND_LENGTH;
	else if (body == HTTP_BODY_CHUNKED && replayer->request.minor)
		send->framing = SEND_CHUNKED;
	else if (recorded->transfer.data && !alone && !replayer->request.minor)
		return false;
	else if (body == HTTP_BODY_CHUNKED && !send->cut)
		send->framing = SEND_LENGTH;
	else
		send->framing = SEND_UNTIL_END;
	return true;
}

static bool choose_framing(struct replayer *replayer, const struct recorded *recorded,
			   const char **ret_why)
{
	struct http_send *send = &replayer->send;
	const struct http_response *head = &send->stored.head;
	uint64_t length;
	enum http_body body = http_response_body(head, replayer->request.method, &length, ret_why);

	if (body == HTTP_BODY_AMBIGUOUS)
		return false;
	send->cut = send->stored.cut;
	if (!keep_framing(replayer, recorded, body)) {
		*ret_why = "it has a transfer coding, which HTTP/1.0 does not know";
		return false;
	}
	/* A stream that the client left goes on for whom it does not leave; a body of a known length is promised, and not there. */
	send->hold = send->cut && !send->stored.cut_ended && send->framing != SEND_LENGTH;
	/* As it was; and an end in order would be taken for the body's, where that ends with the connection. */
	send->reset = send->cut && !send->hold &&
		      (send->stored.cut_reset || send->framing == SEND_UNTIL_END);
	/* Of a connection that stays open a client takes the end for an error, of one that closes for the body's (llhttp). */
	send->says_close = !http_keeps_alive(&replayer->request) || recorded->close ||
			   send->framing == SEND_UNTIL_END ||
			   (!head->minor && !recorded->keep_alive);
	send->close = send->says_close || (send->cut && !send->hold);
	if (http_leaves(replayer)) /* what HTTP says of the connection is over */
		send->close = send->says_close = send->cut = send->hold = send->reset = false;
	return true;
}

/* ---- fields ---- */

static void append_field(struct buffer *head, struct slice name, struct slice value)
{
	buffer_append_slice(head, name);
	buffer_append_string(head, ": ");
	buffer_append_slice(head, value);
	buffer_append_string(head, "\r\n");
}

/* Where the recorded head said how its body is framed; *framed: the length was said. What was cut promised more than there is. */
static void append_framing(struct replayer *replayer, const struct name_value *field, bool *framed)
{
	const struct http_send *send = &replayer->send;
	bool transfer = slice_equal_nocase(field->name, SLICE("transfer-encoding"));
	struct buffer *head = &replayer->head;

	if (send->framing != SEND_LENGTH && transfer) {
		/* Of HEAD's answer and the like: what it would be, as it was said. */
		if (replayer->request.minor && send->stored.head.status != 204)
			append_field(head, field->name, field->value);
		return;
	}
	if (*framed || send->framing == SEND_CHUNKED || send->framing == SEND_UNTIL_END)
		return;
	*framed = true;
	if (send->framing == SEND_NO_BODY || (send->cut && !transfer)) {
		append_field(head, field->name, field->value);
		return;
	}
	buffer_append_slice(head, transfer ? SLICE("Content-Length") : field->name);
	buffer_append_string(head, ": ");
	buffer_append_unsigned(head, send->left);
	buffer_append_string(head, "\r\n");
}

/* What Connection says besides close and keep-alive stays. */
static void append_connection(struct replayer *replayer, const struct name_value *field,
			      const struct recorded *recorded)
{
	struct buffer *head = &replayer->head;
	struct slice list = field ? field->value : slice_of(NULL, 0), element;
	const char *separator = "";
	size_t start = head->size;

	buffer_append_slice(head, field ? field->name : SLICE("Connection"));
	buffer_append_string(head, ": ");
	while (http_list_next(&list, &element)) {
		if (slice_equal_nocase(element, SLICE("close")) ||
		    slice_equal_nocase(element, SLICE("keep-alive")))
			continue;
		buffer_append_string(head, separator);
		buffer_append_slice(head, element);
		separator = ", ";
	}
	if (replayer->send.says_close || recorded->keep_alive || !replayer->request.minor) {
		buffer_append_string(head, separator);
		buffer_append_string(head, replayer->send.says_close ? "close" : "keep-alive");
		separator = ", ";
	}
	if (*separator)
		buffer_append_string(head, "\r\n");
	else
		head->size = start;
}

/* Where the recorded head says nothing of the connection: only what the versions do not say themselves. */
static void append_missing_connection(struct replayer *replayer, const struct recorded *recorded)
{
	const struct http_send *send = &replayer->send;
	bool says_close = send->says_close && send->framing != SEND_UNTIL_END && !send->cut &&
			  send->stored.head.minor;
	bool says_open = !send->says_close && !replayer->request.minor;

	if (!recorded->has_connection && (says_close || says_open))
		append_connection(replayer, NULL, recorded);
}

enum field_kind { FIELD_KEPT, FIELD_LEFT_OUT, FIELD_FRAMING, FIELD_CONNECTION };

static enum field_kind kind_of(const struct replayer *replayer, struct slice name, bool decoded)
{
	const struct http_send *send = &replayer->send;

	if (slice_equal_nocase(name, SLICE("content-length")) ||
	    slice_equal_nocase(name, SLICE("transfer-encoding")))
		return FIELD_FRAMING;
	if (slice_equal_nocase(name, SLICE("connection")))
		return FIELD_CONNECTION;
	if ((slice_equal_nocase(name, SLICE("content-encoding")) && decoded) ||
	    (slice_equal_nocase(name, SLICE("keep-alive")) && send->says_close) ||
	    (slice_equal_nocase(name, SLICE("trailer")) && send->framing != SEND_CHUNKED))
		return FIELD_LEFT_OUT;
	if (send->stored.head.status == 101 &&
	    (slice_equal_nocase(name, SLICE("sec-websocket-accept")) ||
	     slice_equal_nocase(name, SLICE("sec-websocket-extensions"))))
		return FIELD_LEFT_OUT;
	return FIELD_KEPT;
}

/* False: a field could not be sent without ending the head early. */
static bool append_fields(struct replayer *replayer, const struct recorded *recorded, bool decoded)
{
	const struct http_fields *fields = &replayer->send.stored.head.fields;
	bool framed = false, connected = false;

	for (size_t i = 0; i < fields->n; i++) {
		const struct name_value *field = &fields->list[i];

		if (!http_is_field(field))
			return false;
		switch (kind_of(replayer, field->name, decoded)) {
		case FIELD_KEPT:
			append_field(&replayer->head, field->name, field->value);
			break;
		case FIELD_FRAMING:
			append_framing(replayer, field, &framed);
			break;
		case FIELD_CONNECTION:
			if (!connected)
				append_connection(replayer, field, recorded);
			connected = true;
			break;
		default:
			break;
		}
	}
	return true;
}

static bool append_status(struct buffer *head, const struct http_response *response)
{
	const struct name_value reason = { SLICE("reason"), response->reason };

	buffer_append_string(head, response->minor ? "HTTP/1.1 " : "HTTP/1.0 ");
	buffer_append_unsigned(head, response->status);
	buffer_append_u8(head, ' ');
	buffer_append_slice(head, response->reason);
	buffer_append_string(head, "\r\n");
	return http_is_field(&reason);
}

/* Responses before the final one. 100 is said when it is asked for, and HTTP/1.0 knows none of them. */
static bool append_interim(struct replayer *replayer)
{
	struct buffer *head = &replayer->head;
	const struct http_response *response = replayer->send.stored.interim;

	for (; response && replayer->request.minor; response = response->next) {
		if (response->status == 100)
			continue;
		if (!append_status(head, response))
			return false;
		for (size_t i = 0; i < response->fields.n; i++) {
			if (!http_is_field(&response->fields.list[i]))
				return false;
			append_field(head, response->fields.list[i].name,
				     response->fields.list[i].value);
		}
		buffer_append_string(head, "\r\n");
	}
	return true;
}

/* For this client's key. Extensions are agreed on by nobody: what was recorded is without them. */
static void append_accept(struct replayer *replayer)
{
	if (replayer->send.stored.head.status != 101)
		return;
	buffer_append_string(&replayer->head, "Sec-WebSocket-Accept: ");
	http_websocket_accept(&replayer->head,
			      http_field(&replayer->request.fields, SLICE("sec-websocket-key")));
	buffer_append_string(&replayer->head, "\r\n");
}

/* As they were: no value has a CR. */
static void end_lines_with_lf(struct buffer *head)
{
	size_t size = 0;

	for (size_t i = 0; i < head->size; i++)
		if (head->data[i] != '\r')
			head->data[size++] = head->data[i];
	head->size = size;
}

bool http_head_write_none(struct replayer *replayer, const char **ret_why)
{
	buffer_clear(&replayer->head);
	*ret_why = "a header in the recording cannot be sent";
	return append_interim(replayer) && !replayer->head.overflowed;
}

bool http_head_write(struct replayer *replayer, const char **ret_why)
{
	struct recorded recorded = read_recorded(&replayer->send.stored.head.fields);
	bool decoded;

	buffer_clear(&replayer->head);
	if (replayer->send.stored.head.status == 101 && !http_websocket_asked(&replayer->request)) {
		*ret_why = "it was recorded as a WebSocket, which this request does not ask for";
		return false;
	}
	/* The matcher gives none: what is left of the request would be read as messages. */
	if (replayer->send.stored.head.status == 101 && replayer->answered) {
		*ret_why = "it was recorded as a WebSocket that begins within its request";
		return false;
	}
	if (!choose_body(replayer, &decoded)) {
		*ret_why = "it was recorded with a content coding that this client does not accept";
		return false;
	}
	if (!choose_framing(replayer, &recorded, ret_why))
		return false;
	*ret_why = "a header in the recording cannot be sent";
	if (!append_interim(replayer) ||
	    !append_status(&replayer->head, &replayer->send.stored.head) ||
	    !append_fields(replayer, &recorded, decoded))
		return false;
	append_missing_connection(replayer, &recorded);
	append_accept(replayer);
	buffer_append_string(&replayer->head, "\r\n");
	if (replayer->send.stored.bare)
		end_lines_with_lf(&replayer->head);
	return !replayer->head.overflowed;
}
