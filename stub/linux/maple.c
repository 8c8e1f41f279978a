/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/maple.h"

#include "stub/base/bytes.h"
#include "stub/linux/layout.h"

/*
 * As deep as MAPLE_HEIGHT_MAX lets it be. Of the smaller nodes of 10 children each, enough for a
 * process with all the mappings that vm.max_map_count is ever set to.
 */
enum { DEPTH_MAX = 31, NODES_MAX = 1 << 20, SLOTS_MAX = 32 };

/*
 * include/linux/maple_tree.h: nodes are aligned to 256 bytes, their type is above the low 3 bits. The
 * root alone has the tag that tells a node from an entry.
 */
enum { NODE_MASK = 255, TYPE_SHIFT = 3, TYPE_MASK = 15 };

/* include/linux/xarray.h: xa_is_internal(), and what is small is no pointer (xa_is_node()). */
enum { TAG_MASK = 3, TAG_INTERNAL = 2, NODE_LOWEST = 4096 };

struct maple_layout {
	struct member root;
	struct member range_pivots, range_slots, arange_pivots, arange_slots;
};

#define ROW(type, member, field) { type, member, offsetof(struct maple_layout, field) }
static const struct layout_row rows[] = {
	ROW("maple_tree", "ma_root", root),
	ROW("maple_range_64", "pivot", range_pivots),
	ROW("maple_range_64", "slot", range_slots),
	ROW("maple_arange_64", "pivot", arange_pivots),
	ROW("maple_arange_64", "slot", arange_slots),
};
#undef ROW

struct maple_walk {
	struct kernel *k;
	struct maple_layout l;
	int64_t leaf, range, arange;    /* enum maple_type */
	maple_visit *visit;
	void *arg;
	unsigned left;                  /* nodes yet to be looked at */
	struct error *damage;           /* the first that was met, with a text of its own */
};

static bool is_node(uint64_t entry)
{
	return (entry & TAG_MASK) == TAG_INTERNAL && entry > NODE_LOWEST;
}

/* `n` words of a node's array, at most SLOTS_MAX. */
static struct error *read_words(struct maple_walk *w, uint64_t node, const struct member *m,
				uint64_t *n_ret, unsigned char *ret)
{
	*n_ret = m->count < SLOTS_MAX ? m->count : SLOTS_MAX;
	return kernel_read(w->k, node + m->offset, ret, *n_ret * 8);
}

static struct error *walk_node(struct maple_walk *w, uint64_t entry, uint64_t first, uint64_t last,
			       unsigned depth);

static struct error *walk_slot(struct maple_walk *w, uint64_t entry, uint64_t first, uint64_t last,
			       bool leaf, unsigned depth)
{
	if (!leaf)
		return walk_node(w, entry, first, last, depth + 1);
	/* An internal entry in a leaf keeps a place, or is being changed. */
	if (!entry || (entry & TAG_MASK) == TAG_INTERNAL)
		return NULL;
	return w->visit(w->arg, first, last, entry);
}

struct node {
	bool leaf;
	uint64_t at, npivots, nslots;
	unsigned char pivots[SLOTS_MAX * 8], slots[SLOTS_MAX * 8];
};

static struct error *read_node(struct maple_walk *w, uint64_t entry, unsigned depth, struct node *ret)
{
	int64_t type = (int64_t)(entry >> TYPE_SHIFT & TYPE_MASK);
	bool arange = type == w->arange;
	ret->at = entry & ~(uint64_t)NODE_MASK;
	ret->leaf = type == w->leaf;
	if (ret->at < NODE_LOWEST || (!ret->leaf && !arange && type != w->range))
		return error_at(ERROR_FORMAT, entry, "what should be a node of a maple tree is none");
	if (depth == DEPTH_MAX || !w->left)
		return error_at(ERROR_FORMAT, ret->at, "a maple tree of more nodes than kstub believes");
	w->left--;
	struct error *err = read_words(w, ret->at, arange ? &w->l.arange_pivots : &w->l.range_pivots,
				       &ret->npivots, ret->pivots);
	if (!err)
		err = read_words(w, ret->at, arange ? &w->l.arange_slots : &w->l.range_slots, &ret->nslots, ret->slots);
	return err;
}

/*
 * The node's children share its range [first, last] out, in order, by their last indices. An error is
 * the visitor's, and ends the walk.
 */
static struct error *walk_node(struct maple_walk *w, uint64_t entry, uint64_t first, uint64_t last,
			       unsigned depth)
{
	struct node n;
	struct error *err = read_node(w, entry, depth, &n);
	if (err)
		return error_keep(&w->damage, err);
	for (uint64_t i = 0; !err && i < n.nslots; i++) {
		/* mas_logical_pivot(): none, or 0 but in the first place, is the end of the node. */
		uint64_t end = i < n.npivots ? u64_at(n.pivots + i * 8) : last;
		if (i && !end)
			end = last;
		if (end < first || end > last)
			return error_keep(&w->damage, error_at(ERROR_FORMAT, n.at, "a node of a maple tree outside of "
							       "the one above it"));
		err = walk_slot(w, u64_at(n.slots + i * 8), first, end, n.leaf, depth);
		if (end == last)
			break;
		first = end + 1;
	}
	return err;
}

struct error *maple_walk(struct kernel *k, uint64_t root, maple_visit *visit, void *arg)
{
	struct maple_walk w = { .k = k, .visit = visit, .arg = arg, .left = NODES_MAX };
	uint64_t entry;
	struct error *err = layout_require(k->types, rows, sizeof(rows) / sizeof(rows[0]), &w.l);
	if (!err)
		err = types_enumerator(k->types, "maple_leaf_64", &w.leaf);
	if (!err)
		err = types_enumerator(k->types, "maple_range_64", &w.range);
	if (!err)
		err = types_enumerator(k->types, "maple_arange_64", &w.arange);
	if (!err)
		err = kernel_read_u64(k, root + w.l.root.offset, &entry);
	if (err || !entry)
		return err;
	/* One entry at index 0 needs no node. */
	err = is_node(entry) ? walk_node(&w, entry, 0, UINT64_MAX, 0) : walk_slot(&w, entry, 0, 0, true, 0);
	if (!err)
		return w.damage;
	error_free(w.damage);
	return err;
}
