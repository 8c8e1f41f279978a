/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/cli/serving.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "stub/base/cleanup.h"
#include "stub/cli/cli.h"
#include "stub/cli/message.h"
#include "stub/cli/sandbox.h"

static void held_signals(sigset_t *ret)
{
	server_signals(ret);
	sigaddset(ret, SIGCHLD);
}

void serving_hold_signals(sigset_t *before_ret)
{
	sigset_t held;
	held_signals(&held);
	sigprocmask(SIG_BLOCK, &held, before_ret);
}

static struct error *error_killed(int status)
{
	return error_new(ERROR_OTHER, "the server was killed by signal %d (%s); this is a fault in kstub, please "
				      "report it with the dump's 'kstub info'", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
}

/* Never returns. */
static void be_server(struct server *s, const struct loaded *l, const char *dir, pid_t parent)
{
	/* Out of reach of the ^C that is meant for gdb; SIGTERM comes through the server's own signalfd. */
	if (dir)
		setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_DONE);
	_cleanup_error_ struct error *unsafe = sandbox_enter();
	if (unsafe)
		message_warning(unsafe->text);
	struct error *err = server_run(s, l->kernel);
	if (err)
		message("%s", err->text);
	if (getppid() != parent) {      /* it was killed, and cannot tidy up */
		server_close(s);
		if (dir)
			rmdir(dir);
	}
	_exit(err ? EXIT_FAILED : EXIT_DONE);
}

static void print_notice(void *arg, const char *line)
{
	(void)arg;
	message("%s", line);
}

struct error *serving_listen(const char *listen, const struct options *o, struct server **ret)
{
	struct server_options options = {
		.listen = listen,
		.allow_remote = o->allow_remote,
		.once = o->once,
		.until_closed = -1,
		.session = { .threads = o->threads, .notice = print_notice },
	};
	return server_listen(&options, ret);
}

struct error *serving_start(struct server *s, const struct loaded *l, const char *dir, pid_t *ret)
{
	pid_t parent = getpid();
	fflush(NULL);
	pid_t child = fork();
	if (child < 0)
		return error_os(errno, "the server cannot be started");
	if (!child)
		be_server(s, l, dir, parent);
	*ret = child;
	return NULL;
}

void serving_wait(pid_t child, bool pass_interrupt, int *status_ret)
{
	sigset_t held;
	held_signals(&held);
	for (;;) {
		pid_t got = waitpid(child, status_ret, WNOHANG);
		if (got == child || (got < 0 && errno != EINTR))
			return;
		int number = sigwaitinfo(&held, NULL);
		if (number == SIGTERM || number == SIGHUP || (number == SIGINT && pass_interrupt))
			kill(child, number);
	}
}

struct error *serving_stop(pid_t server)
{
	int status = 0;
	pid_t got = waitpid(server, &status, WNOHANG);
	if (got == server)
		return WIFSIGNALED(status) ? error_killed(status) : NULL;
	kill(server, SIGTERM);
	while (waitpid(server, &status, 0) < 0 && errno == EINTR)
		;
	return NULL;
}

struct error *serving_run(struct server *s, const struct loaded *l, int *exit_ret)
{
	sigset_t before;
	pid_t child;
	int status = 0;
	serving_hold_signals(&before);
	struct error *err = serving_start(s, l, NULL, &child);
	if (err)
		return err;
	serving_wait(child, true, &status);
	if (WIFSIGNALED(status))
		return error_killed(status);
	*exit_ret = WEXITSTATUS(status);
	return NULL;
}

struct error *serving_private_dir(char **ret)
{
	const char *const places[] = { getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/tmp" };
	static const char name[] = "/kstub-XXXXXX", socket_name[] = "/socket";
	int why = ENOENT;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!places[i] || places[i][0] != '/' ||
		    strlen(places[i]) + sizeof(name) + sizeof(socket_name) >
			    sizeof(((struct sockaddr_un *)0)->sun_path))
			continue;
		_cleanup_free_ char *dir = malloc(strlen(places[i]) + sizeof(name));
		if (!dir)
			return error_nomem();
		strcpy(stpcpy(dir, places[i]), name);
		if (mkdtemp(dir)) {
			*ret = steal(dir);
			return NULL;
		}
		why = errno;
	}
	return error_os(why, "no private directory for the socket can be made in $XDG_RUNTIME_DIR, $TMPDIR or "
			     "/tmp");
}
