/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of statements; see shape.h. */
#include "parsers/sql/shape.h"

#define ANYTHING 0xff
#define NAME 0xfe /* of a cursor: `type` is the name */

struct slot_shape {
	uint8_t kind; /* enum sql_kind, or ANYTHING */
	struct slice type;
};

static struct slot_shape shape_of(const struct sql_slot *slot)
{
	if (slot->cursor)
		return (struct slot_shape){ NAME, slot->literal.text };
	if (slot->compared)
		return (struct slot_shape){ ANYTHING, { NULL, 0 } };
	if (!slot->placeholder)
		return (struct slot_shape){ slot->literal.kind, slot->literal.type };
	return (struct slot_shape){ slot->cast.size ? SQL_TYPED : ANYTHING, slot->cast };
}

void sql_shape(const struct sql_statement *statement, struct buffer *shape)
{
	for (size_t i = 0; i < statement->n_slots; i++) {
		struct slot_shape slot = shape_of(&statement->slots[i]);

		buffer_append_u8(shape, slot.kind);
		buffer_append_u32be(shape, (uint32_t)slot.type.size);
		buffer_append_slice(shape, slot.type);
	}
}

enum sql_shapes sql_compare_shapes(const struct sql_statement *a, const struct sql_statement *b)
{
	enum sql_shapes shapes = SQL_SHAPES_EQUAL;

	if (a->n_slots != b->n_slots)
		return SQL_SHAPES_DIFFER;
	for (size_t i = 0; i < a->n_slots; i++) {
		struct slot_shape left = shape_of(&a->slots[i]);
		struct slot_shape right = shape_of(&b->slots[i]);

		if (left.kind == right.kind && slice_equal(left.type, right.type))
			continue;
		/* Another name may be the same query's, called anew. */
		if (left.kind != ANYTHING && right.kind != ANYTHING &&
		    !(left.kind == NAME && right.kind == NAME))
			return SQL_SHAPES_DIFFER;
		shapes = SQL_SHAPES_AGREE;
	}
	return shapes;
}
