/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/linux/rbtree.h"

#include "stub/linux/layout.h"

/* A red-black tree of n nodes is at most 2 log2(n + 1) deep. */
enum { DEPTH_MAX = 64, NODES_MAX = 4 << 20 };

struct rbtree_layout {
	struct member first, parent, left, right;
};

static const struct layout_row rows[] = {
	{ "rb_root", "rb_node", offsetof(struct rbtree_layout, first) },
	{ "rb_node", "__rb_parent_color", offsetof(struct rbtree_layout, parent) },
	{ "rb_node", "rb_left", offsetof(struct rbtree_layout, left) },
	{ "rb_node", "rb_right", offsetof(struct rbtree_layout, right) },
};

/* The two low bits of the parent's address are the node's colour. */
enum { COLOUR_MASK = 3 };

struct rbtree_walk {
	struct kernel *k;
	struct rbtree_layout l;
	rbtree_visit *visit;
	void *arg;
	unsigned left;                  /* nodes yet to be looked at */
	struct error *damage;           /* the first that was met, with a text of its own */
};

struct node {
	uint64_t parent, left, right;
};

static struct error *read_node(struct rbtree_walk *w, uint64_t at, uint64_t above, unsigned depth,
			       struct node *ret)
{
	if (depth == DEPTH_MAX || !w->left)
		return error_at(ERROR_FORMAT, at, "a tree of more nodes than kstub believes");
	w->left--;
	struct error *err = kernel_read_member(w->k, at, &w->l.parent, &ret->parent);
	if (!err && (ret->parent & ~(uint64_t)COLOUR_MASK) != above)
		err = error_at(ERROR_FORMAT, at, "a node of a tree that does not point back at the one above it");
	if (!err)
		err = kernel_read_member(w->k, at, &w->l.left, &ret->left);
	if (!err)
		err = kernel_read_member(w->k, at, &w->l.right, &ret->right);
	if (!err && ret->left && ret->left == ret->right)
		err = error_at(ERROR_FORMAT, at, "a node of a tree with the same child twice");
	return err;
}

/* An error is the visitor's, and ends the walk. */
static struct error *walk_node(struct rbtree_walk *w, uint64_t at, uint64_t above, unsigned depth)
{
	struct node n;
	if (!at)
		return NULL;
	struct error *err = read_node(w, at, above, depth, &n);
	if (err)
		return error_keep(&w->damage, err);
	err = walk_node(w, n.left, at, depth + 1);
	if (!err)
		err = w->visit(w->arg, at);
	return err ? err : walk_node(w, n.right, at, depth + 1);
}

struct error *rbtree_walk(struct kernel *k, uint64_t root, rbtree_visit *visit, void *arg)
{
	struct rbtree_walk w = { .k = k, .visit = visit, .arg = arg, .left = NODES_MAX };
	uint64_t first;
	struct error *err = layout_require(k->types, rows, sizeof(rows) / sizeof(rows[0]), &w.l);
	if (!err)
		err = kernel_read_member(k, root, &w.l.first, &first);
	if (!err)
		err = walk_node(&w, first, 0, 0);
	if (!err)
		return w.damage;
	error_free(w.damage);
	return err;
}
