/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cgroup, the part that reads: lines of /proc/self/mountinfo (proc_pid_mountinfo(5)) and of /proc/PID/cgroup
 * (cgroups(7)), and where one cgroup lies as seen through a mount.
 */
#include "proxy/cgroup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Copies one field up to a blank, undoing its octal escapes; false where it does not fit. */
static bool copy_field(const char *field, char ret_text[PATH_MAX])
{
	size_t size = 0;

	while (*field && *field != ' ' && *field != '\n') {
		char byte = *field++;

		if (byte == '\\' && strspn(field, "01234567") >= 3) {
			byte = (char)((field[0] - '0') << 6 | (field[1] - '0') << 3 |
				      (field[2] - '0'));
			field += 3;
		}
		if (size + 1 >= PATH_MAX)
			return false;
		ret_text[size++] = byte;
	}
	ret_text[size] = 0;
	return size > 0;
}

/* The field after `count` more blanks, or NULL. */
static const char *skip_fields(const char *line, unsigned int count)
{
	while (line && count-- > 0) {
		line = strchr(line, ' ');
		if (line)
			line++;
	}
	return line;
}

bool cgroup_parse_mount(const char *line, struct cgroup_mount *ret_mount)
{
	const char *root = skip_fields(line, 3);
	const char *point = skip_fields(line, 4);
	const char *type = point ? strstr(point, " - ") : NULL;

	if (!type || strncmp(type + 3, "cgroup2 ", 8) != 0)
		return false;
	return copy_field(root, ret_mount->root) && copy_field(point, ret_mount->point);
}

bool cgroup_parse_membership(const char *line, char ret_path[PATH_MAX])
{
	size_t size;

	if (strncmp(line, "0::/", 4) != 0)
		return false;
	line += 3;
	size = strcspn(line, "\n");
	if (size >= PATH_MAX)
		return false;
	memcpy(ret_path, line, size);
	ret_path[size] = 0;
	return true;
}

bool cgroup_contains(const char *path, const char *name)
{
	size_t size = strlen(path);

	if (size == 1) /* the root */
		return true;
	return strncmp(path, name, size) == 0 && (!name[size] || name[size] == '/');
}

bool cgroup_locate(const struct cgroup_mount *mount, const char *path,
		   struct cgroup_place *ret_place)
{
	const char *rest = path;
	int size;

	/* "/../x": the process is outside this cgroup namespace. */
	if (strncmp(path, "/..", 3) == 0 || !cgroup_contains(mount->root, path))
		return false;
	if (strcmp(mount->root, "/") != 0)
		rest += strlen(mount->root);
	if (strcmp(rest, "/") == 0)
		rest = "";
	size = snprintf(ret_place->directory, PATH_MAX, "%s%s", mount->point, rest);
	if (size < 0 || size >= PATH_MAX)
		return false;
	size = snprintf(ret_place->path, PATH_MAX, "%s", path);
	return size > 0 && size < PATH_MAX;
}

const char *cgroup_kind(const char *name)
{
	static const char *const kinds[] = { "record", "replay", "trace", "doctor" };
	static const char prefix[] = "mockproxy-";

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return NULL;
	name += sizeof(prefix) - 1;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *rest = name + strlen(kinds[i]);
		size_t digits;

		if (strncmp(name, kinds[i], strlen(kinds[i])) != 0 || *rest++ != '-')
			continue;
		digits = strspn(rest, "0123456789");
		if (digits == 0 || rest[digits] != '-')
			return NULL;
		rest += digits + 1;
		return strlen(rest) == 8 && strspn(rest, "0123456789abcdef") == 8 ? kinds[i] : NULL;
	}
	return NULL;
}

/* Calls `parse` on each line until it says that it was the one. */
static int find_line(const char *file, bool (*parse)(const char *line, void *context),
		     void *context)
{
	FILE *stream = fopen(file, "re");
	char *line = NULL;
	size_t capacity = 0;
	int error = -ENOENT;

	if (!stream)
		return -errno;
	while (error && getline(&line, &capacity, stream) > 0)
		if (parse(line, context))
			error = 0;
	free(line);
	fclose(stream);
	return error;
}

static bool is_mount(const char *line, void *context)
{
	return cgroup_parse_mount(line, context);
}

static bool is_membership(const char *line, void *context)
{
	return cgroup_parse_membership(line, context);
}

int cgroup_find_mount(struct cgroup_mount *ret_mount)
{
	return find_line("/proc/self/mountinfo", is_mount, ret_mount);
}

int cgroup_of_process(pid_t pid, char ret_path[PATH_MAX])
{
	char file[64] = "/proc/self/cgroup";

	if (pid > 0)
		snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)pid);
	return find_line(file, is_membership, ret_path);
}

size_t cgroup_read_pids(int fd, pid_t *ret_pids, size_t max)
{
	size_t count = 0;
	pid_t pid = 0; /* the digits so far; ids are at most 2^22 */
	char text[4096];
	ssize_t size;

	if (fd < 0)
		return 0;
	while ((size = read(fd, text, sizeof(text))) > 0) {
		for (ssize_t i = 0; i < size; i++) {
			if (text[i] >= '0' && text[i] <= '9') {
				pid = pid < INT_MAX / 10 ? pid * 10 + (text[i] - '0') : 0;
				continue;
			}
			if (pid > 0 && count++ < max)
				ret_pids[count - 1] = pid;
			pid = 0;
		}
	}
	if (pid > 0 && count++ < max)
		ret_pids[count - 1] = pid;
	close(fd);
	return count;
}
