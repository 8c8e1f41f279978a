/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/list.h"

#include "stub/base/bytes.h"
#include "stub/linux/layout.h"

/* More nodes than a list of this kernel can have: PID_MAX_LIMIT of include/linux/threads.h. */
enum { NODES_MAX = 4 << 20 };

/* Of 64 entries each: enough for as many. */
enum { XARRAY_NODES_MAX = 1 << 17 };

struct list_head {
	uint64_t next, prev;
};

static struct error *read_head(struct kernel *k, uint64_t va, struct list_head *ret)
{
	unsigned char bytes[16];
	struct error *err = kernel_read(k, va, bytes, sizeof(bytes));
	if (err)
		return err;
	*ret = (struct list_head){ u64_at(bytes), u64_at(bytes + 8) };
	return NULL;
}

struct error *list_walk(struct kernel *k, uint64_t head, enum list_direction d, list_visit *visit, void *arg)
{
	struct list_head h;
	uint64_t last = head;
	struct error *err = read_head(k, head, &h);
	if (err)
		return error_prefix(err, "its head");
	for (unsigned n = 0;; n++) {
		uint64_t node = d == LIST_FORWARD ? h.next : h.prev;
		err = read_head(k, node, &h);
		if (err)
			return err;
		if ((d == LIST_FORWARD ? h.prev : h.next) != last)
			return error_at(ERROR_FORMAT, node, "a node whose neighbour does not point back at it");
		if (node == head)
			return NULL;
		if (n == NODES_MAX)
			return error_at(ERROR_FORMAT, node, "more nodes than kstub believes");
		err = visit(arg, node);
		if (err)
			return err;
		last = node;
	}
}

struct xarray_layout {
	struct member head, shift, slots;
};

static const struct layout_row rows[] = {
	{ "xarray", "xa_head", offsetof(struct xarray_layout, head) },
	{ "xa_node", "shift", offsetof(struct xarray_layout, shift) },
	{ "xa_node", "slots", offsetof(struct xarray_layout, slots) },
};
enum { NROWS = sizeof(rows) / sizeof(rows[0]) };

/* The tags of include/linux/xarray.h: xa_is_value(), xa_is_internal(), xa_is_node(). */
enum { TAG_VALUE = 1, TAG_MASK = 3, TAG_INTERNAL = 2, NODE_LOWEST = 4096, SLOTS_MAX = 64, SHIFT_MAX = 60 };

struct xarray_walk {
	struct kernel *k;
	struct xarray_layout l;
	xarray_visit *visit;
	void *arg;
	unsigned left;                  /* nodes yet to be looked at */
};

/* `above` is the shift of the node around it: it goes down, so the depth has an end. */
static struct error *walk_entry(struct xarray_walk *w, uint64_t entry, uint64_t index, unsigned above)
{
	unsigned char slots[SLOTS_MAX * 8];
	uint64_t shift, nslots = w->l.slots.count < SLOTS_MAX ? w->l.slots.count : SLOTS_MAX;
	if (!entry || (entry & TAG_VALUE))
		return NULL;
	if ((entry & TAG_MASK) != TAG_INTERNAL)
		return w->visit(w->arg, index, entry);
	if (entry <= NODE_LOWEST)       /* a sibling, or an entry that is being changed */
		return NULL;
	uint64_t node = entry - TAG_INTERNAL;
	if (!w->left--)
		return error_at(ERROR_FORMAT, node, "more nodes than kstub believes");
	struct error *err = kernel_read_member(w->k, node, &w->l.shift, &shift);
	if (!err && shift >= above)
		err = error_at(ERROR_FORMAT, node, "a node of a tree that is no deeper than the one above it");
	if (!err)
		err = kernel_read(w->k, node + w->l.slots.offset, slots, nslots * 8);
	for (uint64_t i = 0; !err && i < nslots; i++)
		err = walk_entry(w, u64_at(slots + i * 8), index + (i << shift), (unsigned)shift);
	return err;
}

struct error *xarray_walk(struct kernel *k, uint64_t root, xarray_visit *visit, void *arg)
{
	struct xarray_walk w = { .k = k, .visit = visit, .arg = arg, .left = XARRAY_NODES_MAX };
	uint64_t head;
	struct error *err = layout_require(k->types, rows, NROWS, &w.l);
	if (!err)
		err = kernel_read_u64(k, root + w.l.head.offset, &head);
	return err ? err : walk_entry(&w, head, 0, SHIFT_MAX + 1);
}
