/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/server/threads.h"

static unsigned cpu_of(const struct kernel *k, unsigned index)
{
	return index < k->target->ncpus ? k->cpu_numbers[index] : index;
}

unsigned threads_count(const struct kernel *k)
{
	return k->target->ncpus ? k->target->ncpus : 1;
}

int64_t threads_id(const struct kernel *k, unsigned index)
{
	return (int64_t)cpu_of(k, index) + 1;
}

bool threads_index(const struct kernel *k, int64_t id, unsigned *ret)
{
	for (unsigned i = 0; i < threads_count(k); i++) {
		if (threads_id(k, i) == id) {
			*ret = i;
			return true;
		}
	}
	return false;
}

int64_t threads_first_selected(const struct kernel *k)
{
	unsigned index;
	int64_t panicked = (int64_t)k->panic_cpu + 1;
	if (k->panic_cpu >= 0 && threads_index(k, panicked, &index))
		return panicked;
	return threads_id(k, 0);
}

bool threads_regs(const struct kernel *k, unsigned index, struct regs *ret)
{
	if (index >= k->target->ncpus)
		return false;
	struct error *err = k->target->ops->read_regs(k->target, index, ret);
	error_free(err);
	return !err;
}

const char *threads_extra(const struct kernel *k, unsigned index)
{
	if (!k->target->ncpus)
		return "no registers in the dump";
	return (int)cpu_of(k, index) == k->panic_cpu ? "panicked here" : "";
}

void threads_xml(const struct kernel *k, struct buffer *ret)
{
	buffer_puts(ret, "<?xml version=\"1.0\"?>\n<threads>\n");
	for (unsigned i = 0; i < threads_count(k); i++)
		buffer_printf(ret, "<thread id=\"%llx\" core=\"%u\" name=\"CPU %u\">%s</thread>\n",
			      (unsigned long long)threads_id(k, i), cpu_of(k, i), cpu_of(k, i),
			      threads_extra(k, i));
	buffer_puts(ret, "</threads>\n");
}
