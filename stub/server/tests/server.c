/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may listen where, who may connect, and what ends it. */
#include <fcntl.h>
#include <sys/stat.h>

#include "stub/base/cleanup.h"
#include "stub/tests/served.h"

/* What server_listen() says: NULL when it listens, else borrowed until the next call. */
static const char *listen_says(const char *where, bool allow_remote, struct server **ret)
{
	static char text[512];
	struct server *srv = NULL;
	struct server_options o = { .listen = where, .allow_remote = allow_remote, .until_closed = -1 };
	_cleanup_error_ struct error *err = server_listen(&o, &srv);
	if (err)
		snprintf(text, sizeof(text), "%d %s", err->code == ERROR_USAGE, err->text);
	if (ret)
		*ret = srv;
	else
		server_close(srv);
	return err ? text : NULL;
}

static void refuses(const char *where, bool usage, const char *part)
{
	const char *said = listen_says(where, false, NULL);
	tap_ok(said && (said[0] == '1') == usage && strstr(said, part), "'%.40s' is refused: %s", where, part);
	if (!said || !strstr(said, part))
		tap_diag("%s", said ? said : "it listens");
}

static void check_addresses(void)
{
	char longest[256] = "unix:/tmp/";
	memset(longest + strlen(longest), 'x', 200);
	refuses("", true, "--listen takes");
	refuses("udp:localhost:1", true, "--listen takes");
	refuses("stdio:", true, "--listen takes");
	refuses("unix:", true, "1 to 107 bytes");
	refuses(longest, true, "1 to 107 bytes");
	refuses("unix:/nonexistent/dir/socket", false, "No such file");
	refuses("tcp:", true, "HOST:PORT");
	refuses("tcp:localhost", true, "HOST:PORT");
	refuses("tcp:localhost:", true, "HOST:PORT");
	refuses("tcp:localhost:http", true, "tcp:localhost:http");
	refuses("tcp:0.0.0.0:0", true, "no loopback");
	refuses("tcp:[::]:0", true, "no loopback");
	struct server *srv;
	tap_ok(!listen_says("tcp:0.0.0.0:0", true, &srv), "any address, when the user says so");
	server_close(srv);
	if (tap_ok(!listen_says("tcp:127.0.0.1:0", false, &srv), "loopback, any port"))
		tap_ok(!strncmp(server_address(srv), "127.0.0.1:", 10) && atoi(server_address(srv) + 10) > 0,
		       "it says which: %s", server_address(srv));
	server_close(srv);
}

static void check_paths(void)
{
	char dir[] = "/tmp/kstub-test-XXXXXX", path[64], where[96];
	struct server *srv;
	struct stat st;
	if (!mkdtemp(dir))
		return;
	snprintf(path, sizeof(path), "%s/s", dir);
	snprintf(where, sizeof(where), "unix:%s", path);
	mode_t old = umask(0);
	tap_ok(!listen_says(where, false, &srv), "a new path");
	tap_ok(umask(old) == 0, "the umask is what it was");
	tap_ok(!stat(path, &st) && S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0600,
	       "nobody else may connect");
	refuses(where, false, "another server listens there");
	tap_ok(!access(path, F_OK), "which leaves the first one's socket alone");

	/* Somebody put another one there meanwhile: it is not this server's to unlink. */
	unlink(path);
	_cleanup_close_ int other = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	server_close(srv);
	tap_ok(!access(path, F_OK), "a file that took its place stays");
	refuses(where, false, "no socket");
	unlink(path);

	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	int left = socket(AF_UNIX, SOCK_STREAM, 0);
	bool made = !bind(left, (const struct sockaddr *)&at, sizeof(at));
	close(left);
	tap_ok(made && !listen_says(where, false, &srv), "a killed server's socket is replaced");
	server_close(srv);
	tap_ok(access(path, F_OK), "and gone after the end");
	rmdir(dir);
}

/* One packet there and its answer back; what came, NUL-terminated. */
static const char *ask(int fd, const char *packet)
{
	static char got[256];
	ssize_t n = -1;
	if (send(fd, packet, strlen(packet), MSG_NOSIGNAL) == (ssize_t)strlen(packet)) {
		size_t have = 0;
		while (have < 4 || got[have - 3] != '#') {
			n = client_read(fd, got + have, sizeof(got) - 1 - have);
			if (n <= 0)
				break;
			have += (size_t)n;
		}
		got[have] = '\0';
	}
	return n > 0 ? got : "nothing";
}

static void check_clients(void)
{
	struct served s;
	char byte;
	if (!tap_ok(served_start(&s, false), "a server"))
		return;
	int first = client_connect(s.path);
	tap_is_str(ask(first, "$qC#b4"), "+$QC3#c7", "the first client is answered");
	int second = client_connect(s.path);
	tap_ok(second >= 0 && client_read(second, &byte, 1) == 0, "the second is turned away");
	close(second);
	tap_is_str(ask(first, "+$Hg1#e0"), "+$OK#9a", "which does not disturb the first");
	/* Gone in the middle of an answer that nobody reads. */
	for (int i = 0; i < 200; i++)
		if (send(first, "$qXfer:features:read:target.xml:0,ffff#00", 41, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
	close(first);
	int third = client_connect(s.path);
	tap_is_str(ask(third, "$qC#b4"), "+$QC3#c7", "the next one begins anew");
	shutdown(third, SHUT_WR);
	ssize_t n = client_read(third, &byte, 1);
	tap_ok(n == 0, "a client that says no more is let go");
	close(third);
	tap_ok(served_stop(&s) == 0, "SIGTERM ends it");
	tap_ok(access(s.path, F_OK), "and its socket is gone");
}

enum { FLOODERS = 4 };

/* A client that never lets the server wait must not keep it from hearing a signal. */
static void check_flood(void)
{
	struct served s;
	static char many[1 << 20];
	if (!tap_ok(served_start(&s, false), "a server"))
		return;
	/* Nothing of it is answered, so that the server need not wait for the client, either. */
	memset(many, '+', sizeof(many));
	int fd = client_connect(s.path);
	pid_t flooders[FLOODERS];
	for (int i = 0; i < FLOODERS; i++) {
		flooders[i] = fork();
		if (flooders[i])
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (send(fd, many, sizeof(many), MSG_NOSIGNAL) > 0)
			;
		_exit(0);
	}
	close(fd);
	tap_ok(served_stop(&s) == 0, "SIGTERM ends it in the middle of a flood");
	for (int i = 0; i < FLOODERS; i++) {
		kill(flooders[i], SIGKILL);
		waitpid(flooders[i], NULL, 0);
	}
}

int main(void)
{
	sigset_t before;
	sigprocmask(SIG_BLOCK, NULL, &before);
	check_addresses();
	check_paths();
	sigprocmask(SIG_SETMASK, &before, NULL);
	check_clients();
	check_flood();
	return tap_done();
}
