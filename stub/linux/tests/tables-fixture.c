/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a kernel has mounted, open, counted and queued, in small, in the layout of one era of Linux;
 * linked and read like fixture.c.
 *
 * ERA 1: up to 6.1 (a list of mounts, a radix tree of interrupts, bare counts); 2: up to 6.14 (from
 * 6.2 on one by one: percpu_counter, pcpu_hot, maple tree, rb-tree, irqstat, stashed dentries); 3:
 * the newest (one array of the architecture's interrupts, a flag of those that /proc shows, a long
 * preempt count, two more pointers at the tree of mounts).
 */
typedef unsigned long u64;
typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned char u8;

struct list_head {
	struct list_head *next, *prev;
};
struct rb_node {
	u64 __rb_parent_color;
	struct rb_node *rb_right, *rb_left;
};
struct rb_root {
	struct rb_node *rb_node;
};
struct hlist_bl_node {
	struct hlist_bl_node *next, **pprev;
};

struct file_system_type {
	int fs_flags;
	const char *name;
};
struct super_block {
	struct list_head s_list;
	struct file_system_type *s_type;
	const char *s_subtype;
};
struct inode {
	u16 i_mode;
	struct super_block *i_sb;
	u64 i_ino;
	void *i_private;
};
struct qstr {
	union {
		struct {
			u32 hash, len;
		};
		u64 hash_len;
	};
	const char *name;
};
struct dentry_operations {
	void *d_revalidate, *d_dname;
};
struct dentry {
	u32 d_flags;
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
#if ERA == 3
	union {
		struct qstr __d_name;
		const struct qstr d_name;
	};
#else
	struct qstr d_name;
#endif
	struct inode *d_inode;
	const struct dentry_operations *d_op;
	void *d_fsdata;
};
struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
	int mnt_flags;
};
struct mount {
	struct list_head mnt_hash;
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
#if ERA > 1
	union {
		struct rb_node mnt_node;
		u64 mnt_rcu;
	};
#endif
	const char *mnt_devname;
	struct list_head mnt_list;
};
struct mnt_namespace {
	u64 count;
	struct mount *root;
#if ERA == 1
	struct list_head list;
	u32 mounts;
#elif ERA == 2
	struct rb_root mounts;
#else
	struct {
		struct rb_root mounts;
		struct rb_node *mnt_last_node, *mnt_first_node;
	};
#endif
};
struct nsproxy {
	u64 count, *uts_ns;
	struct mnt_namespace *mnt_ns;
};
struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};
struct fs_struct {
	int users;
	struct path root, pwd;
};
struct file {
	u64 f_count;
	struct inode *f_inode;
	struct path f_path;
};
struct fdtable {
	u32 max_fds;
	struct file **fd;
};
struct files_struct {
	u64 count;
	struct fdtable *fdt;
};
struct proc_ns_operations {
	int type;
	const char *name;
};
struct ns_common {
	u64 stashed;
	const struct proc_ns_operations *ops;
};
struct dma_buf {
	u64 size;
	const char *name;
};
#if ERA > 1
struct stashed_operations {
	void *put_data;
} nsfs_stashed_ops;
#endif

enum { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES, NR_MM_COUNTERS } mm_counters;
struct percpu_counter {
	u32 lock;
	long count;
	void *counters;
};
struct mm_rss_stat {
	long count[NR_MM_COUNTERS];
};
struct mm_struct {
	u64 pad[3], total_vm;
#if ERA == 1
	struct mm_rss_stat rss_stat;
#else
	struct percpu_counter rss_stat[NR_MM_COUNTERS];
#endif
};

struct task_struct {
	u64 pad[4];
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
};

/* --- file systems: three that can be mounted, and those that cannot --- */

#define TYPE(id, text) struct file_system_type type_##id = { 0, text }; \
	struct super_block sb_##id = { .s_type = &type_##id }
TYPE(root, "rootfs");
TYPE(ext, "ext4");
TYPE(pipe, "pipefs");
TYPE(sock, "sockfs");
TYPE(anon, "anon_inodefs");
TYPE(shm, "tmpfs");
TYPE(ns, "nsfs");
TYPE(pid, "pidfs");
TYPE(dma, "dmabuf");
struct file_system_type type_fuse = { 0, "fuse" };
struct super_block sb_fuse = { .s_type = &type_fuse, .s_subtype = "sshfs" };

#define INODE(id, mode, sb, ino) struct inode i_##id = { mode, &sb_##sb, ino, 0 }
#define NAME(text) { { { 7, sizeof(text) - 1 } }, text }
#define HASHED .d_hash = { 0, (void *)0x1000 }
#define DENTRY(id, parent, text, inode, ...) \
	struct dentry d_##id = { 0, .d_parent = &d_##parent, .d_name = NAME(text), .d_inode = &i_##inode, ##__VA_ARGS__ }

INODE(dir, 040755, root, 2);
INODE(reg, 0100644, root, 10);
INODE(chr, 020600, root, 11);
INODE(blk, 060600, root, 12);
INODE(pipe, 010600, pipe, 1207);
INODE(sock, 0140777, sock, 1236);
INODE(anon, 0600, anon, 15);
INODE(shm, 0100777, shm, 16);
INODE(ext, 040755, ext, 2);
INODE(fuse, 040755, fuse, 1);
INODE(pid, 0100700, pid, 17);
INODE(dma, 0100666, dma, 18);
const struct proc_ns_operations mntns_operations = { 3, "mnt" };
struct ns_common mnt_ns_common = { 1, &mntns_operations };
struct inode i_ns = { 0100444, &sb_ns, 4026531841, &mnt_ns_common };
struct dma_buf dma_buf = { 4096, "a buffer" };

struct dentry d_root, d_fuse, d_ext;
DENTRY(root, root, "/", dir, HASHED);
DENTRY(mnt, root, "mnt", dir, HASHED);
DENTRY(fuse, fuse, "/", fuse, HASHED);
DENTRY(blank, fuse, "a b\xff", dir, HASHED);
DENTRY(ext, ext, "/", ext, HASHED);
DENTRY(file, ext, "file", reg, HASHED);
DENTRY(gone, root, "gone", reg);
DENTRY(null, root, "null", chr, HASHED);
DENTRY(disk, root, "disk", blk, HASHED);
DENTRY(nsfile, root, "ns", reg, HASHED);

static const struct dentry_operations dname_ops = { 0, (void *)0xffffffff81000010 }, no_dname = { (void *)1, 0 };
struct dentry d_kernel;
#define PSEUDO(id, text, ...) DENTRY(id, id, text, id, .d_op = &dname_ops, ##__VA_ARGS__)
DENTRY(kernel, kernel, "/", dir, .d_op = &no_dname);
PSEUDO(pipe, "");
PSEUDO(sock, "");
PSEUDO(anon, "[eventfd]");
PSEUDO(shm, "memfd:a b");
PSEUDO(pid, "");
PSEUDO(dma, "dmabuf", .d_fsdata = &dma_buf);
#if ERA == 1
PSEUDO(ns, "", .d_fsdata = (void *)&mntns_operations);
#else
PSEUDO(ns, "", .d_fsdata = &mnt_ns_common.stashed);
#endif

extern struct mount m_root, m_data, m_over, m_away, cursor;
extern struct mnt_namespace ns;
#if ERA == 1
#define IN(before, after) .mnt_list = { after, before }
#define LIST(m) (&m.mnt_list)
#else
#define IN(before, after) .mnt_list = { 0, 0 }
#define LIST(m) 0
#endif
#define MOUNT(parent, at, dentry, sb, flags) \
	.mnt_parent = &parent, .mnt_mountpoint = &at, .mnt = { &dentry, &sb, flags }
#if ERA == 1
#define NODE(up, l, r)
#else
/* The lowest bit of the parent's address is the node's colour. */
#define NODE(up, l, r) .mnt_node = { (u64)((char *)up + 1), r, l },
#endif
struct mount m_root = {
	MOUNT(m_root, d_root, d_root, sb_root, 0), .mnt_devname = "rootfs", NODE(&m_data.mnt_node, 0, 0)
	IN(&ns.list, LIST(cursor))
};
struct mount cursor = { .mnt = { 0, 0, 0x10000000 }, IN(LIST(m_root), LIST(m_data)) };
struct mount m_data = {
	MOUNT(m_root, d_mnt, d_fuse, sb_fuse, 0), NODE(0, &m_root.mnt_node, &m_over.mnt_node)
	IN(LIST(cursor), LIST(m_over))
};
struct mount m_over = {
	MOUNT(m_data, d_blank, d_ext, sb_ext, 0x20), .mnt_devname = "/dev/vda1", NODE(&m_data.mnt_node, 0, &m_away.mnt_node)
	IN(LIST(m_data), LIST(m_away))
};
/* It was lazily unmounted: nobody reaches it. */
struct mount m_away = {
	MOUNT(m_away, d_ext, d_ext, sb_ext, 0), .mnt_devname = "/dev/vdb1", NODE(&m_over.mnt_node, 0, 0)
	IN(LIST(m_over), &ns.list)
};
#if ERA == 1
struct mnt_namespace ns = { 1, &m_root, { &m_root.mnt_list, &m_away.mnt_list }, 4 };
#elif ERA == 2
struct mnt_namespace ns = { 1, &m_root, { &m_data.mnt_node } };
#else
struct mnt_namespace ns = { 1, &m_root, { { &m_data.mnt_node } } };
#endif
struct mount m_kernel = { MOUNT(m_kernel, d_kernel, d_kernel, sb_pipe, 0) };
struct mount m_ns = { MOUNT(m_root, d_nsfile, d_ns, sb_ns, 0) };

#define FILE_AT(id, inode, m, dentry) struct file f_##id = { 1, &i_##inode, { &m.mnt, &d_##dentry } }
FILE_AT(file, reg, m_over, file);
FILE_AT(gone, reg, m_root, gone);
FILE_AT(null, chr, m_root, null);
FILE_AT(disk, blk, m_root, disk);
FILE_AT(root, dir, m_root, root);
FILE_AT(pipe, pipe, m_kernel, pipe);
FILE_AT(sock, sock, m_kernel, sock);
FILE_AT(anon, anon, m_kernel, anon);
FILE_AT(shm, shm, m_kernel, shm);
FILE_AT(ns, ns, m_kernel, ns);
FILE_AT(pid, pid, m_kernel, pid);
FILE_AT(dma, dma, m_kernel, dma);
FILE_AT(bound, ns, m_ns, ns);
/* Behind the first read of 512 descriptors. */
struct file *fds[1024] = {
	&f_file, &f_gone, &f_null, 0, &f_disk, &f_root, &f_pipe, &f_sock, &f_anon, &f_shm, &f_ns, &f_pid, &f_dma,
	&f_bound, [600] = &f_null,
};
struct fdtable fdtable = { 1024, fds };
struct files_struct files = { 1, &fdtable };

struct nsproxy nsproxy = { 1, 0, &ns };
struct fs_struct fs = { 1, { &m_root.mnt, &d_root }, { &m_over.mnt, &d_ext } };
struct fs_struct jail = { 1, { &m_data.mnt, &d_fuse }, { &m_root.mnt, &d_gone } };
struct mm_struct mm = {
	.total_vm = 100,
#if ERA == 1
	.rss_stat = { { 1, 20, 300, 4000 } },
#else
	.rss_stat = { { 0, 1, 0 }, { 0, 20, 0 }, { 0, 300, 0 }, { 0, 4000, 0 } },
#endif
};
/* The kernel's own sum may be below 0 for a while. */
struct mm_struct mm_young = {
	.total_vm = 1,
#if ERA == 1
	.rss_stat = { { -3, 5, 0, 0 } },
#else
	.rss_stat = { { 0, -3, 0 }, { 0, 5, 0 } },
#endif
};
struct task_struct task = { .mm = &mm, .fs = &fs, .files = &files, .nsproxy = &nsproxy };
struct task_struct jailed = { .mm = &mm_young, .fs = &jail, .files = &files, .nsproxy = &nsproxy };
struct task_struct gone;
u64 _totalram_pages = 40000;

/* --- interrupts --- */

#if ERA == 3
enum { IRQ_HIDDEN = 1 << 20, _IRQ_PROC_VALID = 1 << 28 } irq_flags;
#else
enum { IRQ_HIDDEN = 1 << 20 } irq_flags;
#define _IRQ_PROC_VALID 0
#endif
struct irq_chip {
	void *irq_startup;
	const char *name;
};
struct irq_data {
	u32 mask, irq;
	u64 hwirq;
	void *common;
	struct irq_chip *chip;
	void *domain;
};
struct irqaction {
	void *handler;
	struct irqaction *next;
	const char *name;
};
#if ERA == 1
typedef u32 irq_count;
#else
struct irqstat {
	u32 ref, cnt;
} irqstat_type;
typedef struct irqstat irq_count;
#endif
struct irq_desc {
	u64 pad;
	struct irq_data irq_data;
	irq_count *kstat_irqs;
	struct irqaction *action;
	u32 status_use_accessors;
	const char *name;
};
#if ERA == 3
enum { IRQ_COUNTS = 3 };
typedef struct {
	u64 pad;
	u32 counts[IRQ_COUNTS];
} irq_cpustat_t;
struct irq_stat_info {
	u32 skip_vector;
	const char *symbol, *text;
};
const struct irq_stat_info irq_stat_info[IRQ_COUNTS] = {
	{ 0, "NMI", "  Non-maskable interrupts\n" },
	{ ~0u, "SPU", "  Spurious interrupts\n" },
	{ 0, "LOC", "  Local timer interrupts\n" },
};
u64 irq_stat_count_show[1] = { 5 };
#else
typedef struct {
	u16 __softirq_pending;
	u32 __nmi_count, apic_timer_irqs, x86_platform_ipis, irq_hv_callback_count, hyperv_stimer0_count;
} irq_cpustat_t;
void *x86_platform_ipi_callback;
/* 0xf3 is in use, 0xed is not. */
u64 system_vectors[4] = { ~0ul, ~0ul, ~0ul, ~(1ul << (0xed - 192)) };
u32 irq_err_count = 77;
#endif
struct rq {
	u64 lock;
	u32 nr_running;
};
struct pcpu_hot {
	void *current_task;
	u32 preempt_count;
};
struct percpu {
	struct rq runqueues;
	irq_cpustat_t irq_stat;
	u32 mce_exception_count;
#if ERA == 2
	struct pcpu_hot pcpu_hot;
#elif ERA == 1
	u32 preempt_count;
#else
	u64 preempt_count;
#endif
	irq_count counts[8];
};
#define COUNTS(n) ((irq_count *)__builtin_offsetof(struct percpu, counts[n]))

struct irq_chip io_apic = { 0, "IO-APIC" };
struct irqaction chained_action = { 0, 0, "chained" };
struct irqaction second = { 0, 0, "eth0" }, first = { 0, &second, "ahci[0000]" }, timer = { 0, 0, "timer" };
#define DESC(n, count, act, flags, ...) \
	struct irq_desc desc_##n = { .kstat_irqs = COUNTS(count), .action = act, .status_use_accessors = flags, ##__VA_ARGS__ }
DESC(0, 0, &timer, _IRQ_PROC_VALID, .irq_data = { .hwirq = 2, .chip = &io_apic, .domain = &io_apic }, .name = "edge");
DESC(1, 1, 0, 0, .irq_data = { .chip = &io_apic });
DESC(2, 1, &chained_action, 0, .irq_data = { .chip = &io_apic });
DESC(3, 0, &timer, IRQ_HIDDEN, .irq_data = { .chip = &io_apic });
DESC(9, 1, &first, _IRQ_PROC_VALID, .name = "fasteoi");
DESC(300, 2, 0, 0, .irq_data = { .hwirq = 7, .chip = &io_apic, .domain = &io_apic });

#if ERA == 1
struct xa_node {
	u8 shift, offset, count;
	void *parent, *slots[64];
};
struct xarray {
	u32 lock, flags;
	void *xa_head;
};
#define NODE_OF(node) ((void *)((char *)&node + 2))
struct xa_node low = { .slots = { &desc_0, &desc_1, &desc_2, &desc_3, [9] = &desc_9 } };
struct xa_node high = { .slots = { [44] = &desc_300 } };
struct xa_node top = { .shift = 6, .slots = { NODE_OF(low), [4] = NODE_OF(high) } };
struct xarray irq_desc_tree = { 0, 0, NODE_OF(top) };
#else
enum maple_type { maple_dense, maple_leaf_64, maple_range_64, maple_arange_64 } maple_type;
struct maple_range_64 {
	void *parent;
	u64 pivot[15];
	union {
		void *slot[16];
		struct {
			void *pad[15];
			u8 end, gap;
		};
	};
} __attribute__((aligned(256)));
struct maple_arange_64 {
	void *parent;
	u64 pivot[9];
	void *slot[10];
	u64 gap[10];
	u8 end;
} __attribute__((aligned(256)));
struct maple_tree {
	u32 lock, ma_flags;
	void *ma_root;
};
struct maple_arange_64 arange_type;
#define ENODE(node, type) ((void *)((char *)&node + ((type) << 3 | 4)))
struct maple_range_64 leaf_one = {
	.pivot = { 0, 1, 2, 3, 8, 9 }, .slot = { &desc_0, &desc_1, &desc_2, &desc_3, 0, &desc_9 },
};
/* What is behind the end of a node is left over from others; the last slot has other uses. */
struct maple_range_64 leaf_two = {
	.pivot = { 299, 300 }, .slot = { 0, &desc_300, 0, (void *)0x5a58, [15] = (void *)2 },
};
#if ERA == 2
struct maple_arange_64 top = {
#else
struct maple_range_64 top = {
#endif
	.pivot = { 9 }, .slot = { ENODE(leaf_one, maple_leaf_64), ENODE(leaf_two, maple_leaf_64) },
};
#define ROOT ((void *)((char *)ENODE(top, ERA == 2 ? maple_arange_64 : maple_range_64) + 2))
struct maple_tree sparse_irqs = { 0, 1, ROOT };
/* A tree of one entry has no node; an entry that keeps a place is none. */
struct maple_tree single = { 0, 1, &desc_9 }, empty;
#endif

/* --- CPUs: 0 and 2 of four --- */

__attribute__((section(".text.head"))) void _text(void)
{
	__asm__(".globl runqueues, irq_stat, mce_exception_count, " "__preempt_count, pcpu_hot\n"
		"runqueues = percpu + %c0\nirq_stat = percpu + %c1\nmce_exception_count = percpu + %c2\n"
#if ERA == 2
		"pcpu_hot = percpu + %c3"
#elif ERA == 1
		"__preempt_count = percpu + %c3"
#else
		"__preempt_count = percpu + %c3\n.type __preempt_count, object\n.size __preempt_count, 8"
#endif
		: : "i"(__builtin_offsetof(struct percpu, runqueues)), "i"(__builtin_offsetof(struct percpu, irq_stat)),
		    "i"(__builtin_offsetof(struct percpu, mce_exception_count)),
#if ERA == 2
		    "i"(__builtin_offsetof(struct percpu, pcpu_hot)));
#else
		    "i"(__builtin_offsetof(struct percpu, preempt_count)));
#endif
}

__attribute__((section(".data.page"), aligned(4096))) u64 init_top_pgt[512 * 8] = { 1 };
__attribute__((section(".percpu"))) struct percpu percpu = { { 1 } };

#if ERA == 1
#define COUNT_OF(n) n
#define PREEMPT(n) .preempt_count = 0x80000000u | n
#elif ERA == 2
#define COUNT_OF(n) { 9, n }
#define PREEMPT(n) .pcpu_hot = { 0, 0x80000000u | n }
#else
#define COUNT_OF(n) { 9, n }
#define PREEMPT(n) .preempt_count = 1ul << 63 | (u64)(n) << 32 | n
#endif
#if ERA == 3
#define STAT(n) .irq_stat = { 0, { 10 + n, 20 + n, 30 + n } }
#else
#define STAT(n) .irq_stat = { 1, 10 + n, 20 + n, 30 + n, 40 + n, 50 + n }
#endif
#define AREA(n, running, preempt) { \
	.runqueues = { 0, running }, STAT(n), .mce_exception_count = n, PREEMPT(preempt), \
	.counts = { COUNT_OF(100 + n), COUNT_OF(0), COUNT_OF(n / 2) } }
struct percpu areas[4] = { AREA(0, 3, 0x10002), AREA(1, 99, 1), AREA(2, 0, 0), AREA(3, 99, 1) };
u64 __per_cpu_offset[4] = { (u64)&areas[0], (u64)&areas[1], (u64)&areas[2], (u64)&areas[3] };
u32 nr_cpu_ids = 4;
u64 __cpu_present_mask[128] = { 5 };
int panic_cpu = 0;
