/* SPDX-License-Identifier: Apache-2.0 */
/* The toolkit: arenas, buffers with a maximum, cursors with a sticky error, items and their lists. */
#include "parsers/arena.h"
#include "parsers/buffer.h"
#include "parsers/cursor.h"
#include "parsers/item.h"
#include "tests/unit/cmocka.h"

#include <stdalign.h>

/* ---- arena ---- */

static void test_arena(void **state)
{
	uint8_t *all[2000];
	struct arena arena;

	(void)state;
	arena_init(&arena);
	assert_int_equal(arena.allocated, 0);
	for (size_t i = 0; i < 2000; i++) {
		all[i] = arena_alloc(&arena, i % 100);
		assert_int_equal((uintptr_t)all[i] % alignof(max_align_t), 0);
		for (size_t j = 0; j < i % 100; j++)
			assert_int_equal(all[i][j], 0);
		memset(all[i], (int)i, i % 100);
		arena_bytes(&arena, i % 7); /* what comes next is aligned all the same */
	}
	for (size_t i = 0; i < 2000; i++)
		for (size_t j = 0; j < i % 100; j++)
			assert_int_equal(all[i][j], (uint8_t)i);
	assert_true(arena.allocated > 2000 * 50 && arena.allocated < 2000 * 50 * 3);
	arena_release(&arena);
	assert_int_equal(arena.allocated, 0);
	arena_release(&arena);
}

static void test_arena_copy(void **state)
{
	char text[] = "hello";
	struct arena arena;
	struct slice copy;

	(void)state;
	arena_init(&arena);
	copy = arena_copy(&arena, slice_of(text, 5));
	text[0] = 'j';
	assert_true(slice_equal(copy, SLICE("hello")));
	copy = arena_copy(&arena, slice_of(text, 0));
	assert_null(copy.data);
	memset(arena_bytes(&arena, 1 << 20), 1, 1 << 20); /* larger than any chunk */
	arena_release(&arena);
}

static void test_arena_take_over(void **state)
{
	static const uint8_t text[] = "taken over";
	struct buffer buffer;
	struct arena arena;
	uint8_t *block, *before;
	size_t size;

	(void)state;
	arena_init(&arena);
	buffer_init(&buffer, 1 << 20);
	for (size_t i = 0; i < 3; i++) { /* the first one into an empty arena */
		buffer_append(&buffer, text, sizeof(text));
		block = buffer_take(&buffer, &size);
		assert_int_equal(size, sizeof(text));
		assert_int_equal(buffer.size, 0);
		assert_int_equal(buffer.max, 1 << 20);
		arena_take_over(&arena, block, size);
		before = arena_bytes(&arena, 10);
		assert_ptr_equal(arena_bytes(&arena, 10),
				 before + 10); /* the chunk is still used */
		assert_memory_equal(block, text, sizeof(text));
	}
	assert_true(arena.allocated > 3 * sizeof(text));
	arena_alloc(&arena, 100000); /* grows as if they were not there */
	arena_reset(&arena);
	arena_take_over(&arena, buffer_take(&buffer, &size), size);
	arena_alloc(&arena, 10);
	arena_reset(&arena);
	arena_alloc(&arena, 10);
	arena_release(&arena);
}

static void test_arena_reset(void **state)
{
	struct arena arena;
	size_t one;
	uint8_t *zeroed;

	(void)state;
	arena_init(&arena);
	arena_reset(&arena);
	assert_int_equal(arena.allocated, 0);
	memset(arena_alloc(&arena, 100), 0xff, 100);
	one = arena.allocated;
	arena_reset(&arena);
	assert_int_equal(arena.allocated, one); /* the memory is kept */
	zeroed = arena_alloc(&arena, 100);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(zeroed[i], 0);
	assert_int_equal(arena.allocated, one);
	for (int i = 0; i < 1000; i++)
		arena_alloc(&arena, 1000);
	arena_reset(&arena);
	assert_true(arena.allocated <= (66 << 10)); /* one chunk */
	arena_alloc(&arena, 1 << 20);
	arena_reset(&arena);
	assert_int_equal(arena.allocated, 0); /* not a large one */
	arena_release(&arena);
}

/* ---- buffer ---- */

static void test_buffer(void **state)
{
	struct buffer buffer;

	(void)state;
	buffer_init(&buffer, 100);
	assert_ptr_equal(buffer.data, NULL);
	buffer_append_u8(&buffer, 1);
	buffer_append_u16be(&buffer, 0x0203);
	buffer_append_u32be(&buffer, 0x04050607);
	buffer_append_u64be(&buffer, 0x08090a0b0c0d0e0fu);
	buffer_append_string(&buffer, "x");
	buffer_append_slice(&buffer, slice_of(NULL, 0));
	assert_true(slice_equal(buffer_slice(&buffer),
				SLICE("\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17x")));
	buffer_consume(&buffer, 14);
	assert_true(slice_equal(buffer_slice(&buffer), SLICE("\17x")));
	buffer_consume(&buffer, 2);
	assert_int_equal(buffer.size, 0);
	buffer_append_unsigned(&buffer, 0);
	buffer_append_unsigned(&buffer, UINT64_MAX);
	buffer_append_signed(&buffer, INT64_MIN);
	buffer_append_signed(&buffer, 7);
	buffer_append_hex(&buffer, SLICE("\0\253\377"));
	buffer_append_hex(&buffer, SLICE(""));
	assert_true(slice_equal(buffer_slice(&buffer),
				SLICE("018446744073709551615-9223372036854775808700abff")));
	buffer_release(&buffer);
	assert_null(buffer.data);
	buffer_release(&buffer);
}

static void test_buffer_maximum(void **state)
{
	struct buffer buffer;

	(void)state;
	buffer_init(&buffer, 10);
	buffer_append(&buffer, "0123456789", 10); /* just fits */
	assert_false(buffer.overflowed);
	assert_int_equal(buffer.capacity, 10);
	buffer_append(&buffer, "", 0);
	assert_false(buffer.overflowed);
	buffer_append_u8(&buffer, 'x');
	assert_true(buffer.overflowed);
	assert_int_equal(buffer.size, 10);
	buffer_consume(&buffer, 9);
	buffer_append_u8(&buffer, 'x'); /* sticky: a message is whole or none */
	assert_int_equal(buffer.size, 1);
	assert_null(buffer_reserve(&buffer, 1));
	buffer_clear(&buffer);
	assert_false(buffer.overflowed);
	assert_null(buffer_reserve(&buffer, SIZE_MAX));
	assert_true(buffer.overflowed);
	buffer_clear(&buffer);
	buffer_append_hex(&buffer, SLICE("123456")); /* 12 digits */
	assert_true(buffer.overflowed);
	assert_int_equal(buffer.size, 0);
	buffer_release(&buffer);
	assert_int_equal(buffer.max, 10);
}

/* ---- cursor ---- */

static void test_cursor(void **state)
{
	struct cursor cursor = cursor_of(SLICE("\1\2\3\377\377\377\376\0\0\0\0\0\0\0\5ab\0"));

	(void)state;
	assert_int_equal(cursor_u8(&cursor), 1);
	assert_int_equal(cursor_u16be(&cursor), 0x0203);
	assert_int_equal(cursor_i32be(&cursor), -2);
	assert_int_equal(cursor_u64be(&cursor), 5);
	assert_true(slice_equal(cursor_string(&cursor), SLICE("ab")));
	assert_true(cursor_done(&cursor));
	assert_int_equal(cursor_string(&cursor).size, 0);
	assert_true(cursor.failed && !cursor_done(&cursor));

	cursor = cursor_of(SLICE("\1\2\3"));
	assert_int_equal(cursor_u32be(&cursor), 0); /* moves nothing ... */
	assert_int_equal(cursor_left(&cursor), 3);
	assert_int_equal(cursor_u8(&cursor), 0); /* ... and stays failed */
	assert_null(cursor_rest(&cursor).data);

	cursor = cursor_of(SLICE("abc")); /* a string without its end */
	cursor_string(&cursor);
	assert_true(cursor.failed);
	cursor = cursor_of(SLICE("abc"));
	cursor_bytes(&cursor, SIZE_MAX);
	assert_true(cursor.failed);
	cursor = cursor_of(slice_of(NULL, 0));
	assert_true(cursor_done(&cursor));
	assert_int_equal(cursor_rest(&cursor).size, 0);
}

/* ---- items ---- */

static void test_items(void **state)
{
	struct item_list list, other;
	struct item *item;
	struct piece *piece;
	char bytes[] = "row";

	(void)state;
	item_free(NULL);
	item_list_init(&list);
	item_list_init(&other);
	item_list_move(&list, &other);
	assert_null(list.first);
	item = item_new(ITEM_EXCHANGE, 7);
	assert_int_equal(item->connection, 7);
	item_add_piece(item, PIECE_TAG, 0, SLICE("OK"));
	piece = item_add_piece(item, PIECE_ROWS, 2, slice_of(bytes, 3));
	bytes[0] = 'x';
	assert_true(slice_equal(piece->bytes, SLICE("row")));
	assert_ptr_equal(item->exchange.pieces->next, piece);
	assert_null(piece->next);
	item_list_add(&other, item);
	assert_int_equal(other.bytes, item->arena.allocated);
	item_list_add(&list, item_new(ITEM_SESSION, 1));
	item_list_move(&list, &other);
	assert_null(other.first);
	assert_int_equal(other.bytes, 0);
	item_list_add(&other, item_new(ITEM_SESSION, 2)); /* it can be used again */
	item_list_move(&list, &other);
	assert_int_equal(list.first->connection, 1);
	assert_int_equal(list.first->next->connection, 7);
	assert_int_equal(list.first->next->next->connection, 2);
	item_list_release(&list);
	assert_null(list.first);
	item_list_release(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arena),		cmocka_unit_test(test_arena_copy),
		cmocka_unit_test(test_arena_take_over), cmocka_unit_test(test_arena_reset),
		cmocka_unit_test(test_buffer),		cmocka_unit_test(test_buffer_maximum),
		cmocka_unit_test(test_cursor),		cmocka_unit_test(test_items),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
