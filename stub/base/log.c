/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub/base/log.h"

#include <stdio.h>
#include <string.h>

static const char *const room_names[LOG_ROOMS] = {
	[LOG_RSP] = "rsp",     [LOG_SESSION] = "session", [LOG_TARGET] = "target",
	[LOG_LINUX] = "linux", [LOG_SYMBOLS] = "symbols",
};

static unsigned enabled_rooms;

struct error *log_enable(const char *rooms)
{
	unsigned wanted = enabled_rooms;
	while (*rooms) {
		size_t len = strcspn(rooms, ",");
		unsigned room = 0;
		if (len == 3 && !strncmp(rooms, "all", 3)) {
			wanted = ~0u;
		} else {
			while (room < LOG_ROOMS && (strncmp(room_names[room], rooms, len) ||
						    room_names[room][len]))
				room++;
			if (room == LOG_ROOMS)
				return error_new(ERROR_USAGE,
						 "--log knows rsp, session, target, linux, symbols "
						 "and all, not '%.*s'",
						 (int)len, rooms);
			wanted |= 1u << room;
		}
		rooms += len + (rooms[len] == ',');
	}
	enabled_rooms = wanted;
	return NULL;
}

bool log_enabled(enum log_room room)
{
	return enabled_rooms & (1u << room);
}

void log_line(enum log_room room, const char *fmt, ...)
{
	if (!log_enabled(room))
		return;
	va_list args;
	va_start(args, fmt);
	fprintf(stderr, "kstub[%s]: ", room_names[room]);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
}
