/* SPDX-License-Identifier: Apache-2.0 */
/* The bed of the BPF tests: see support.h. */
#include "tests/bpf/support.h"

#include "tests/unit/cmocka.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool find_cgroup2(char path[PATH_MAX])
{
	FILE *mounts = setmntent("/proc/mounts", "r");
	struct mntent *one;
	bool found = false;

	while (mounts && !found && (one = getmntent(mounts))) {
		found = strcmp(one->mnt_type, "cgroup2") == 0;
		if (found)
			snprintf(path, PATH_MAX, "%s", one->mnt_dir);
	}
	if (mounts)
		endmntent(mounts);
	return found;
}

const char *bed_missing(void)
{
	char path[PATH_MAX];

	if (geteuid() != 0)
		return "not root";
	if (!find_cgroup2(path))
		return "no cgroup2 is mounted";
	if (access(path, W_OK) != 0)
		return "cgroup2 is mounted read-only";
	return NULL;
}

static void write_pid(const char *procs)
{
	int fd = open(procs, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "0", 1), 1);
	close(fd);
}

/* The line "0::/path" of /proc/self/cgroup. */
static void find_home(const char *root, char home[PATH_MAX])
{
	FILE *file = fopen("/proc/self/cgroup", "r");
	char line[PATH_MAX];

	assert_non_null(file);
	home[0] = '\0';
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::", 3) == 0 &&
		    snprintf(home, PATH_MAX, "%s%s/cgroup.procs", root, line + 3) >= PATH_MAX)
			home[0] = '\0';
	}
	fclose(file);
	assert_int_not_equal(home[0], '\0');
}

int listen_on(const char *host, uint16_t port, uint16_t *ret_port)
{
	struct sockaddr_storage address = address_from(host, port);
	socklen_t size = sizeof(address);
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, address_size(&address)) < 0 ||
	    listen(fd, 128) < 0) {
		close(fd);
		return -errno;
	}
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*ret_port = ntohs(((struct sockaddr_in *)&address)->sin_port);
	return fd;
}

/* The same free port on both loopbacks. */
static void open_proxy(struct bed *bed)
{
	uint16_t port;

	do {
		bed->proxy_v4 = listen_on("127.0.0.1", 0, &bed->proxy_port);
		assert_true(bed->proxy_v4 >= 0);
		bed->proxy_v6 = listen_on("::1", bed->proxy_port, &port);
		if (bed->proxy_v6 < 0)
			close(bed->proxy_v4);
	} while (bed->proxy_v6 == -EADDRINUSE);
	assert_true(bed->proxy_v6 >= 0);
}

void bed_open(struct bed *bed, const struct options *options)
{
	char error[REDIRECT_ERROR_BYTES] = "";
	char root[PATH_MAX / 2];
	char path[PATH_MAX];

	memset(bed, 0, sizeof(*bed));
	assert_true(find_cgroup2(path));
	assert_true(snprintf(root, sizeof(root), "%s", path) < (int)sizeof(root));
	find_home(root, bed->home);
	snprintf(bed->cgroup, sizeof(bed->cgroup), "%s/mockproxy-test-%d", root, getpid());
	assert_int_equal(mkdir(bed->cgroup, 0755), 0);
	bed->cgroup_fd = open(bed->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(bed->cgroup_fd >= 0);
	open_proxy(bed);
	if (redirect_open(options, bed->cgroup_fd, bed->proxy_port, &bed->redirect, error) < 0)
		fail_msg("%s", error);
}

void bed_enter(const struct bed *bed)
{
	char procs[PATH_MAX + 16];

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", bed->cgroup);
	write_pid(procs);
}

int bed_make(void **state, const struct options *options)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	bed_open(bed, options);
	bed_enter(bed);
	*state = bed;
	return 0;
}

int bed_unmake(void **state)
{
	bed_close(*state);
	free(*state);
	return 0;
}

void bed_leave(const struct bed *bed)
{
	write_pid(bed->home);
}

void bed_close(struct bed *bed)
{
	bed_leave(bed);
	redirect_close(bed->redirect);
	assert_int_equal(bed_programs(bed), 0);
	close(bed->proxy_v4);
	close(bed->proxy_v6);
	close(bed->cgroup_fd);
	assert_int_equal(rmdir(bed->cgroup), 0);
}

void bed_counters(const struct bed *bed, struct redirect_counters *ret_counters)
{
	redirect_counters(bed->redirect, ret_counters);
}

unsigned int bed_programs(const struct bed *bed)
{
	enum { LAST_TYPE = 64 };
	unsigned int sum = 0;

	for (int type = 0; type < LAST_TYPE; type++) {
		unsigned int found = 0;

		/* Types that are none of a cgroup's are refused. */
		if (bpf_prog_query(bed->cgroup_fd, (enum bpf_attach_type)type, 0, NULL, NULL,
				   &found) == 0)
			sum += found;
	}
	return sum;
}

int bed_origins(const struct bed *bed)
{
	struct bpf_prog_info program = { 0 };
	__u32 size = sizeof(program);
	unsigned int n_ids = 1;
	__u32 maps[16] = { 0 };
	__u32 id = 0;
	int fd;

	assert_int_equal(
		bpf_prog_query(bed->cgroup_fd, BPF_CGROUP_INET4_CONNECT, 0, NULL, &id, &n_ids), 0);
	fd = bpf_prog_get_fd_by_id(id);
	assert_true(fd >= 0);
	program.nr_map_ids = ARRAY_SIZE(maps);
	program.map_ids = (__u64)(uintptr_t)maps;
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &program, &size), 0);
	close(fd);
	for (__u32 i = 0; i < program.nr_map_ids && i < ARRAY_SIZE(maps); i++) {
		struct bpf_map_info map = { 0 };
		__u32 map_size = sizeof(map);

		fd = bpf_map_get_fd_by_id(maps[i]);
		assert_true(fd >= 0);
		assert_int_equal(bpf_obj_get_info_by_fd(fd, &map, &map_size), 0);
		if (strcmp(map.name, "origins") == 0)
			return fd;
		close(fd);
	}
	fail_msg("the map of the origins is missing");
	return -1;
}

size_t bed_count_origins(const struct bed *bed)
{
	struct redirect_key key;
	const void *before = NULL;
	int fd = bed_origins(bed);
	size_t n = 0;

	while (n <= REDIRECT_MAX_ORIGINS && bpf_map_get_next_key(fd, before, &key) == 0) {
		before = &key;
		n++;
	}
	close(fd);
	return n;
}

struct sockaddr_storage address_from(const char *host, uint16_t port)
{
	struct sockaddr_storage address = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;

	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
	} else {
		assert_int_equal(inet_pton(AF_INET6, host, &v6->sin6_addr), 1);
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
	}
	return address;
}

socklen_t address_size(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET ? sizeof(struct sockaddr_in) :
					       sizeof(struct sockaddr_in6);
}

int open_stream(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	return fd;
}

int connect_to(int fd, const char *host, uint16_t port)
{
	struct sockaddr_storage address = address_from(host, port);

	return connect(fd, (struct sockaddr *)&address, address_size(&address)) < 0 ? -errno : 0;
}

int proxy_accept(const struct bed *bed, int listener, struct redirect_origin *ret_origin)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);
	int fd = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC);
	int error;

	assert_true(fd >= 0);
	error = redirect_take(bed->redirect, (struct sockaddr *)&peer, ret_origin);
	if (error == 0)
		return fd;
	close(fd);
	return error;
}
