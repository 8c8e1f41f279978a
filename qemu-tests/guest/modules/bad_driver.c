// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A driver that crashes in its probe: a NULL pointer is written to, four calls deep.
 * Written to be looked at with a debugger: each call has arguments, a structure and
 * locals worth printing.
 */
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#define BAD_BUFFERS 4

/* The four calls stay four frames, and what is passed stays passed. */
#define __frame noinline __attribute__((noipa))

enum bad_state { BAD_COLD, BAD_RESET, BAD_READY };

struct bad_buffer {
	unsigned int size;
	const char *owner;
};

struct bad_device {
	char name[16];
	enum bad_state state;
	unsigned int irq;
	u64 features;
	struct bad_buffer buffers[BAD_BUFFERS];
	struct device *parent;
	struct list_head requests;
};

static __frame int faulty_driver_func(struct bad_device *dev, int count)
{
	int *ptr = NULL;
	int total = 0;
	int i;

	for (i = 0; i < count; i++)
		total += dev->buffers[i].size;
	OPTIMIZER_HIDE_VAR(ptr); /* gcc makes a plain store to NULL a ud2 */
	*ptr = 42;
	dev->buffers[0].owner = NULL;
	return total / count;
}

static __frame int init_buffers(struct bad_device *dev, unsigned int size)
{
	int ready = 0;
	int ret;

	while (ready < BAD_BUFFERS) {
		dev->buffers[ready].size = size << ready;
		dev->buffers[ready].owner = dev->name;
		ready++;
	}
	ret = faulty_driver_func(dev, ready);
	dev->state = BAD_READY;
	return ret;
}

static __frame int setup_hw(struct bad_device *dev, unsigned int irq, u64 features)
{
	int bytes;

	dev->irq = irq;
	dev->features = features;
	dev->state = BAD_RESET;
	bytes = init_buffers(dev, PAGE_SIZE);
	dev->features |= bytes;
	return bytes < 0 ? bytes : 0;
}

static __frame int bad_driver_probe(struct platform_device *pdev)
{
	struct bad_device *dev;
	int ret;

	dev = devm_kzalloc(&pdev->dev, sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return -ENOMEM;
	strscpy(dev->name, "bad0", sizeof(dev->name));
	dev->parent = &pdev->dev;
	INIT_LIST_HEAD(&dev->requests);
	ret = setup_hw(dev, 11, 0xfeedc0de);
	platform_set_drvdata(pdev, dev);
	return ret;
}

static struct platform_driver bad_driver = {
	.probe = bad_driver_probe,
	.driver = { .name = "bad_driver" },
};

static struct platform_device *bad_pdev;

static int __init bad_driver_init(void)
{
	bad_pdev = platform_device_register_simple("bad_driver", 0, NULL, 0);
	if (IS_ERR(bad_pdev))
		return PTR_ERR(bad_pdev);
	return platform_driver_register(&bad_driver);
}

static void __exit bad_driver_exit(void)
{
	platform_driver_unregister(&bad_driver);
	platform_device_unregister(bad_pdev);
}

module_init(bad_driver_init);
module_exit(bad_driver_exit);
MODULE_DESCRIPTION("A driver that crashes in its probe, for debuggers to look at");
MODULE_LICENSE("GPL");
