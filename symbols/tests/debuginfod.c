/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmlinux and modules from a debuginfod of this test's own, from servers that know nothing, lie,
 * are silent or not there. Each asks in a process of its own: what was silent is not asked again.
 */
#include <config.h>

#include "symbols/find.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "symbols/tests/trees.h"

static char root[] = "/tmp/kstub-test-XXXXXX";
static char served[64], client[64], home[64], cached[64], urls[64];
static struct build_id kernel_id, module_id;
static const struct find_options options = { .vmlinux = NULL };

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A network of this process' own, of loopback alone: debuginfod listens on every interface there is. */
static bool private_network(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return false;
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd >= 0 && !ioctl(fd, SIOCSIFFLAGS, &lo);
}

/* A socket on loopback; its port. */
static int listen_somewhere(uint16_t *port_ret)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) || listen(fd, 16) ||
	    getsockname(fd, (struct sockaddr *)&a, &len)) {
		printf("Bail out! no socket on loopback\n");
		exit(99);
	}
	*port_ret = ntohs(a.sin_port);
	return fd;
}

static void use_server(uint16_t port, const char *cache)
{
	snprintf(urls, sizeof(urls), "http://127.0.0.1:%u", port);
	snprintf(client, sizeof(client), "%s/client-%s", root, cache);
	setenv("DEBUGINFOD_URLS", urls, 1);
	setenv("DEBUGINFOD_CACHE_PATH", client, 1);
}

/* True when the server at `port` sends that file; asked without the library, which remembers a "no". */
static bool serves(uint16_t port, const struct build_id *id)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port) };
	char text[BUILD_ID_MAX * 2 + 1], request[300], answer[13] = "";
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	build_id_text(id, text);
	int len = snprintf(request, sizeof(request), "GET /buildid/%s/debuginfo HTTP/1.0\r\n\r\n", text);
	return !connect(fd, (struct sockaddr *)&a, sizeof(a)) && write(fd, request, (size_t)len) == len &&
	       recv(fd, answer, 12, MSG_WAITALL) == 12 && !strcmp(answer + 8, " 200");
}

/* --- asking ---------------------------------------------------------------------------------- */

static struct error *ask_module(const struct find_options *o, const char *name, const struct build_id *id,
				struct symbols **ret)
{
	_cleanup_find_modules_ struct find_modules *f = NULL;
	struct error *err = find_modules_open(o, RELEASE, &f);
	if (err) {
		f = NULL;
		return err;
	}
	return find_module(f, name, id, cached, ret);
}

static bool is_told(struct error *err, const char *words)
{
	bool good = err && err->code == ERROR_NOT_FOUND && strstr(err->text, words);
	const char *last = err ? strrchr(err->text, '\n') : NULL;
	if (err)
		tap_diag("%s", last ? last + 1 : err->text);
	error_free(err);
	return good;
}

static void ask_known(void)
{
	char *path = NULL;
	struct symbols *s = NULL;
	struct build_id unknown = kernel_id;
	struct find_options quiet = { .no_debuginfod = true };
	unknown.bytes[0] ^= 0xff;
	tap_ok(is_told(find_vmlinux(&quiet, &kernel_id, RELEASE, &path), RELEASE), "nobody is asked when so told");
	tap_ok(is_told(find_vmlinux(&options, &unknown, RELEASE, &path), "not known there"), "a build that it does not know");
	if (tap_ok(fine(find_vmlinux(&options, &kernel_id, RELEASE, &path)), "vmlinux by build-id"))
		tap_ok(!strncmp(path, client, strlen(client)), "is in the library's own cache");
	free(path);
	tap_ok(is_told(ask_module(&options, "mod_a", &unknown, &s), "not known there"), "a module that it does not know");
	if (tap_ok(fine(ask_module(&options, "mod_a", &module_id, &s)), "a module by build-id")) {
		tap_ok(symbols_has_dwarf(s) && build_id_equal(symbols_build_id(s), &module_id), "with debug info");
		symbols_close(s);
	}
	unknown.len = 0;
	struct error *err = ask_module(&options, "mod_a", &unknown, &s);
	tap_ok(err && !strstr(err->text, "127.0.0.1"), "nobody is asked without a build-id");
	error_free(err);
}

static void ask_liar(void)
{
	char *path = NULL;
	struct symbols *s = NULL;
	tap_ok(is_told(find_vmlinux(&options, &kernel_id, RELEASE, &path), "of another build"),
	       "another vmlinux than that asked for is not taken");
	tap_ok(is_told(ask_module(&options, "mod_a", &kernel_id, &s), "another file"), "nor another module");
}

/* Bounded for the first, at once for all others, and a sentence for each. */
static void ask_silent(void)
{
	char name[16], *path = NULL;
	struct symbols *s = NULL;
	bool told = true;
	double start = now();
	tap_ok(is_told(find_vmlinux(&options, &kernel_id, RELEASE, &path), urls), "the server is named");
	double first = now() - start;
	tap_ok(first < 5 && !getenv("DEBUGINFOD_RETRY_LIMIT"), "after one time-out: %.1f s", first);
	start = now();
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "mod_%d", i);
		struct error *err = ask_module(&options, name, &module_id, &s);
		told &= err && strstr(err->text, "did not answer");
		error_free(err);
	}
	tap_ok(told, "for each module it is said");
	tap_ok(now() - start < 2, "50 modules do not wait again: %.1f s", now() - start);
}

/* Runs that in a process of its own and goes on with its count. */
static void in_child(void (*ask)(void))
{
	int told[2], status = -1;
	unsigned counts[2] = { 0, 0 };
	if (pipe(told))
		return;
	fflush(stdout);
	pid_t child = fork();
	if (!child) {
		close(told[0]);
		ask();
		fflush(stdout);
		counts[0] = tap_count;
		counts[1] = tap_failures;
		_exit(write(told[1], counts, sizeof(counts)) == sizeof(counts) ? 0 : 1);
	}
	close(told[1]);
	bool good = read(told[0], counts, sizeof(counts)) == sizeof(counts);
	close(told[0]);
	waitpid(child, &status, 0);
	if (good && !status) {
		tap_count = counts[0];
		tap_failures = counts[1];
	} else {
		tap_ok(false, "the asking process ended with status %d", status);
	}
}

/* --- servers --------------------------------------------------------------------------------- */

static void test_real(void)
{
	char port_text[16], database[128], said[4096];
	uint16_t port;
	int words[2];
	close(listen_somewhere(&port));
	snprintf(port_text, sizeof(port_text), "-p%u", port);
	snprintf(database, sizeof(database), "-d%s/db", root);
	if (pipe2(words, O_CLOEXEC))
		return;
	fflush(stdout);
	pid_t server = fork();
	if (!server) {
		dup2(words[1], 1);
		dup2(words[1], 2);
		unsetenv("DEBUGINFOD_URLS");
		execlp("debuginfod", "debuginfod", "-v", "-F", "-t0", "-g0", port_text, database, served, NULL);
		_exit(127);
	}
	close(words[1]);
	/* It says what it does; when it has done enough, it has the files. */
	bool ready = false;
	struct pollfd news = { words[0], POLLIN, 0 };
	double late = now() + 30;
	while (!ready && now() < late && poll(&news, 1, 30000) == 1 && read(words[0], said, sizeof(said)) > 0)
		ready = serves(port, &kernel_id) && serves(port, &module_id);
	if (tap_ok(ready, "a debuginfod that has the fixtures")) {
		use_server(port, "real");
		in_child(ask_known);
	}
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	close(words[0]);
}

/* Answers each request with the same file. */
static void test_liar(struct bytes file)
{
	uint16_t port;
	int listener = listen_somewhere(&port);
	fflush(stdout);
	pid_t server = fork();
	if (!server) {
		char head[128], request[4096];
		int len = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
				   file.len);
		for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd))
			if (read(fd, request, sizeof(request)) <= 0 || write(fd, head, (size_t)len) != len ||
			    write(fd, file.data, file.len) != (ssize_t)file.len)
				continue;
		_exit(0);
	}
	close(listener);
	use_server(port, "liar");
	in_child(ask_liar);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

static void test_silent(void)
{
	uint16_t port;
	int listener = listen_somewhere(&port);
	tap_diag("a server that takes questions and does not answer");
	use_server(port, "silent");
	in_child(ask_silent);
	close(listener);
	tap_diag("no server at all");
	use_server(port, "none");
	in_child(ask_silent);
}

static bool is_empty(const char *dir)
{
	DIR *d = opendir(dir);
	bool empty = d;
	for (struct dirent *e; d && (e = readdir(d));)
		empty &= !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..");
	if (d)
		closedir(d);
	return empty;
}

static struct build_id id_of(const char *fixture)
{
	char path[4096];
	struct symbols *s;
	struct build_id id = { .len = 0 };
	fixture_path(fixture, path, sizeof(path));
	if (fine(symbols_open(path, &s))) {
		id = *symbols_build_id(s);
		symbols_close(s);
	}
	return id;
}

int main(void)
{
#ifndef HAVE_DEBUGINFOD
	printf("1..0 # SKIP built without debuginfod\n");
	return 0;
#endif
	if (!mkdtemp(root))
		return 99;
	snprintf(served, sizeof(served), "%s/served", root);
	snprintf(home, sizeof(home), "%s/home", root);
	snprintf(cached, sizeof(cached), "%s/cache", root);
	mkdir(served, 0700);
	mkdir(home, 0700);
	mkdir(cached, 0700);
	setenv("HOME", home, 1);
	unsetenv("XDG_CACHE_HOME");
	unsetenv("DEBUGINFOD_PROGRESS");
	unsetenv("DEBUGINFOD_RETRY_LIMIT");
	setenv("DEBUGINFOD_TIMEOUT", "2", 1);
	setenv("no_proxy", "127.0.0.1", 1);
	struct bytes kernel = fixture_read("fixture-dwarf4.elf"), module = fixture_read("fixture.ko");
	tree_put(served, "vmlinux", kernel.data, kernel.len);
	tree_put(served, "mod_a.ko", module.data, module.len);
	kernel_id = id_of("fixture-dwarf4.elf");
	module_id = id_of("fixture.ko");
	if (system("debuginfod --version >/dev/null 2>&1"))
		tap_skip("no debuginfod");
	else if (!private_network())
		tap_skip("no network of its own for debuginfod, which would listen on every interface");
	else
		test_real();
	test_liar(module);
	test_silent();
	tap_ok(is_empty(home), "nothing is put into the home directory");
	cache_remove_tree(root);
	free(kernel.data);
	free(module.data);
	return tap_done();
}
