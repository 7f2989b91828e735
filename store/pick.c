/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the exchanges of one hash to the one that answers (design §7), for every protocol: a candidate of the same kinds
 * wins over one that is only equal; among equals those of `own`, and the recorded order; when all were given, what --repeat says.
 * Where one of `behind` is equal only those count.
 *
 * The cost does not grow with the recording: a group's cursor passes what was given, and the search
 * for a candidate of the same kinds goes LOOK_AHEAD entries. Only hashes that collide, which nobody
 * but the file's maker could arrange, cost more.
 */
#include "store/matcher_state.h"

#define LOOK_AHEAD ((size_t)16)
#define NONE SIZE_MAX

static bool is_cut(const struct pick *pick, const struct index_group *group, size_t i)
{
	return pick->is_cut && pick->is_cut(pick->context, index_exchange(group, i));
}

/*
 * The entry of [from, to) that answers best, given ones left out if asked; goes backwards when from
 * > to.
 */
static size_t choose(const struct pick *pick, const struct index_group *group, size_t from,
		     bool only_unused)
{
	size_t equal = NONE;
	size_t looked = 0;

	for (size_t n = 0; n < group->n; n++) {
		size_t i = only_unused ? from + n : (from + group->n - n) % group->n;
		enum match match;

		if (i >= group->n || (equal != NONE && ++looked > LOOK_AHEAD))
			break;
		if (only_unused && index_is_given(group, i))
			continue;
		match = pick->compare(pick->context, index_exchange(group, i));
		if (match == MATCH_SAME_KIND && !(only_unused && is_cut(pick, group, i)))
			return i;
		if (match != MATCH_NO && equal == NONE)
			equal = i;
	}
	return equal;
}

/*
 * The place in the cycle that comes next. The second entry's state counts, it has no cursor of its
 * own.
 */
static size_t next_in_cycle(const struct index_group *group)
{
	_Atomic uint32_t *counter = &group->first[group->n > 1].state;
	uint32_t state = atomic_load_explicit(counter, memory_order_relaxed);
	size_t at;

	if (group->n < 2)
		return 0;
	do {
		at = (state & ~INDEX_GIVEN) % group->n;
	} while (!atomic_compare_exchange_weak_explicit(
		counter, &state, (state & INDEX_GIVEN) | (uint32_t)((at + 1) % group->n),
		memory_order_relaxed, memory_order_relaxed));
	return at;
}

/* Of what answers, the last one at or before `i` that is no silence; where all are, `i` itself. */
static size_t last_answer(const struct pick *pick, const struct index_group *group, size_t i)
{
	size_t at = i;

	while (pick->is_silent && at != NONE &&
	       pick->is_silent(pick->context, index_exchange(group, at))) {
		size_t before = at ? choose(pick, group, at - 1, false) : NONE;

		at = before < at ? before : NONE;
	}
	return at == NONE ? i : at;
}

/* The last that answers, given or not. NONE: there is none at all. */
static size_t last_of(const struct pick *pick, const struct index_group *group)
{
	return group->n ? choose(pick, group, group->n - 1, false) : NONE;
}

/* All that were recorded are given, `last` is the last of them: what --repeat says. NONE: a miss. */
static size_t repeat(struct matcher *matcher, const struct pick *pick,
		     const struct index_group *group, size_t last, bool consume)
{
	size_t i = last;

	if (matcher->options.repeat == REPEAT_ERROR)
		return NONE;
	if (matcher->options.repeat == REPEAT_CYCLE && consume)
		i = choose(pick, group, next_in_cycle(group), false);
	i = last_answer(pick, group, i);
	if (i == NONE || pick->gives_once(pick->context, index_exchange(group, i)))
		return NONE;
	if (consume)
		atomic_fetch_add_explicit(&matcher->repeated, 1, memory_order_relaxed);
	return i;
}

/* The first that was not given yet. NONE: all were. */
static size_t take(const struct pick *pick, const struct index_group *group, bool consume)
{
	size_t i;

	if (!group->n)
		return NONE;
	do { /* another worker may take what was chosen */
		i = choose(pick, group, index_cursor(group), true);
	} while (i != NONE && consume && !index_give(group, i));
	return i;
}

int64_t pick_exchange(struct matcher *matcher, const struct index_group *group,
		      const struct pick *pick, bool consume, bool *ret_used_up)
{
	bool behind = last_of(pick, &pick->behind) != NONE;
	const struct index_group *first = behind ? &pick->behind : &pick->own;
	const struct index_group *from = first;
	size_t i = take(pick, from, consume);
	size_t last;

	*ret_used_up = false;
	if (i == NONE && !behind) {
		from = group;
		i = take(pick, from, consume);
	}
	if (i == NONE) {
		/* Those of `first` are in the group too. */
		from = first;
		last = last_of(pick, from);
		if (last == NONE) {
			from = group;
			last = last_of(pick, from);
		}
		if (last == NONE)
			return 0;
		i = repeat(matcher, pick, from, last, consume);
		*ret_used_up = i == NONE || pick->tells_again;
	}
	return i == NONE ? 0 : index_exchange(from, i);
}
