/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vmlinux in small, in the layout of one era of Linux: compiled once for each, linked as the
 * kernel is, and read by the test through its own DWARF. The structs have the kernel's names and
 * members, with other members between them so that no offset is right by luck.
 *
 * ERA 1: before 5.8 (names of sections apart, records in log_buf); 2: up to 6.3 (bin_attribute,
 * ring buffer, core_layout); 3: up to 6.13 (mem[]); 4: since 6.14 (attributes without a count).
 * 5 is no era but a configuration: like 4, for one CPU, with debug info that leaves out what
 * headers define (CONFIG_SMP=n, CONFIG_DEBUG_INFO_REDUCED).
 */
#include "stub/linux/tests/atomic.h"

typedef unsigned long u64;
typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned char u8;

struct list_head {
	struct list_head *next, *prev;
};

struct task_struct {
	long pad[5];
	char comm[16];
};

struct new_utsname {
	char sysname[65], nodename[65], release[65], version[65];
};

struct uts_namespace {
	int count;
	struct new_utsname name;
};

struct attribute {
	const char *name;
	u16 mode;
};

struct bin_attribute {
	struct attribute attr;
	u64 size;
	void *private;
};

struct attribute_group {
	const char *name;
	struct bin_attribute **bin_attrs;
};

#if ERA == 1
struct module_attribute {
	struct attribute attr;
	void *show;
};
struct module_sect_attr {
	struct module_attribute mattr;
	const char *name;
	u64 address;
};
#elif ERA < 4
struct module_sect_attr {
	struct bin_attribute battr;
	u64 address;
};
#endif

struct module_sect_attrs {
	struct attribute_group grp;
#if ERA < 4
	u32 nsections;
	struct module_sect_attr attrs[2];
#else
	struct bin_attribute attrs[2];
#endif
};

struct module_layout {
	void *base;
	u32 size, text_size;
};

struct module_memory {
	long pad;
	void *base;
	u32 size;
};

struct module {
	u32 state;
	struct list_head list;
	char name[56];
	struct module_sect_attrs *sect_attrs;
#if ERA < 3
	struct module_layout core_layout, init_layout;
#else
	struct module_memory mem[7];
#endif
	void *percpu;
};

struct rq {
	u64 nr_running;
};

__attribute__((section(".text.head"))) void _text(void)
{
	__asm__(".globl _stext\n_stext: nop; nop; nop; nop; nop; nop; nop; nop\n"
		"nop; nop; nop; nop; nop; nop; nop; nop; nop; nop");
#if ERA == 1
	__asm__(".globl page_fault, async_page_fault\npage_fault: nop\nasync_page_fault: nop");
#else
	__asm__(".globl asm_exc_page_fault\nasm_exc_page_fault: nop");
#endif
}

/* The test fills the gate of page faults. */
u64 idt_table[32] = { 1 };

const char linux_banner[] = "Linux version 9.8.7-fixture (one@two) #1 SMP\n";
struct task_struct init_task = { .comm = "swapper/0" };
struct uts_namespace init_uts_ns = { .name = { .release = "9.8.7-fixture" } };
#if ERA < 5
u32 nr_cpu_ids = 2;
int panic_cpu = 1;
#else
int panic_cpu;
#endif
__attribute__((section(".data.page"), aligned(4096))) u64 init_top_pgt[512 * 8] = { 1 };
#if ERA < 5
__attribute__((section(".percpu"))) struct rq runqueues = { 3 };
/* The per-CPU areas: the test maps them by what stands here. */
__attribute__((aligned(64))) struct rq areas[2];
u64 __per_cpu_offset[2] = { (u64)&areas[0], (u64)&areas[1] };
#else
struct rq runqueues = { 3 };
#endif

#if ERA < 4
#define COUNT .nsections = 2,
#else
#define COUNT
#endif
#if ERA == 1
#define SECTION(text, addr) { .name = text, .address = addr }
#elif ERA < 4
#define SECTION(text, addr) { .battr = { .attr = { .name = text } }, .address = addr }
#else
#define SECTION(text, addr) { .attr = { .name = text }, .private = (void *)addr }
#endif

extern struct module_sect_attrs sects_one, sects_two;
static struct bin_attribute *list_one[] = { (void *)1, (void *)1, 0 };
static struct bin_attribute *list_two[] = { (void *)1, (void *)1, 0 };
struct module_sect_attrs sects_one = {
	.grp = { .bin_attrs = list_one }, COUNT
	.attrs = { SECTION(".text", 0xffffffffc0001000), SECTION(".data", 0xffffffffc0003000) },
};
struct module_sect_attrs sects_two = {
	.grp = { .bin_attrs = list_two }, COUNT
	.attrs = { SECTION(".text", 0xffffffffc0011000), SECTION(".init.text", 0xffffffffc0015000) },
};

extern struct list_head modules;
extern struct module module_one, module_two;
#if ERA < 3
#define MEMORY(addr, bytes) .core_layout = { (void *)addr, bytes, 0x1000 }, .init_layout = { 0, 0x100, 0 }
#else
#define MEMORY(addr, bytes) .mem = { { 0, (void *)addr, bytes }, { 0, (void *)(addr + 0x8000), 0x100 } }
#endif
struct module module_one = {
	.list = { &module_two.list, &modules }, .name = "one", .sect_attrs = &sects_one,
	MEMORY(0xffffffffc0001000, 0x4000), .percpu = (void *)0x1230,
};
struct module module_two = {
	.state = 1, .list = { &modules, &module_one.list }, .name = "two_two", .sect_attrs = &sects_two,
	MEMORY(0xffffffffc0011000, 0x5000),
};
struct list_head modules = { &module_one.list, &module_two.list };

#if ERA == 1
struct printk_log {
	u64 ts_nsec;
	u16 len, text_len, dict_len;
	u8 facility;
	u8 flags : 5, level : 3;
};
#define LOG_TEXT 16
struct record {
	struct printk_log head;
	char text[LOG_TEXT];
};
/* It wraps: the oldest record stands last, then one with length 0 sends to the start. */
static struct {
	struct record young[2];
	char gap[16];
	struct record old;
	struct printk_log end;
} ring = {
	.young = { { { 2000000000, 32, 6, 0, 0, 0, 4 }, "second" }, { { 3000000000, 32, 5, 0, 0, 0, 0 }, "third" } },
	.old = { { 1000001000, 32, 5, 0, 0, 0, 6 }, "first" },
};
char *log_buf = (char *)&ring;
u32 log_buf_len = sizeof(ring), log_first_idx = 80, log_next_idx = 64;
#else
struct prb_data_blk_lpos {
	u64 begin, next;
};
struct prb_desc {
	atomic_long_t state_var;
	struct prb_data_blk_lpos text_blk_lpos;
};
struct printk_info {
	u64 seq, ts_nsec;
	u16 text_len;
	u8 facility;
	u8 flags : 5, level : 3;
	u32 caller_id;
};
struct prb_data_ring {
	u32 size_bits;
	char *data;
	atomic_long_t head_lpos, tail_lpos;
};
struct prb_desc_ring {
	u32 count_bits;
	struct prb_desc *descs;
	struct printk_info *infos;
	atomic_long_t head_id, tail_id;
};
struct printk_ringbuffer {
	struct prb_desc_ring desc_ring;
	struct prb_data_ring text_data_ring;
	atomic_long_t fail;
};
/* Records 5, 6, 7 of a ring of 4: 6 does not fit before the end and stands at its start; 7 is
 * only reserved. */
static char text_data[64] = "\6\0\0\0\0\0\0\0second\0\0" "\0\0\0\0\0\0\0\0" "\0\0\0\0\0\0\0\0" "\5\0\0\0\0\0\0\0first";
static struct prb_desc descs[4] = {
	[1] = { { (long)(2ul << 62 | 5) }, { 32, 48 } },
	[2] = { { (long)(1ul << 62 | 6) }, { 48, 80 } },
	[3] = { { (long)(0ul << 62 | 7) }, { 80, 96 } },
};
static struct printk_info infos[4] = {
	[1] = { .seq = 5, .ts_nsec = 1000001000, .text_len = 5, .level = 6 },
	[2] = { .seq = 6, .ts_nsec = 2000000000, .text_len = 6, .level = 4 },
	[3] = { .seq = 7, .ts_nsec = 3000000000, .text_len = 5, .level = 0 },
};
static struct printk_ringbuffer printk_rb = {
	.desc_ring = { 2, descs, infos, { 7 }, { 5 } },
	.text_data_ring = { 6, text_data, { 96 }, { 32 } },
};
struct printk_ringbuffer *prb = &printk_rb;
#endif
