/* SPDX-License-Identifier: Apache-2.0 */
/* mockproxy: see mockproxy(1), or ARCHITECTURE.md for how it is made. */
#include "proxy/cli.h"
#include "proxy/doctor.h"
#include "proxy/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

/*
 * Where one of the standard streams was closed, the first descriptor that we open would take its place, and a message
 * would end up in the recording. CMD gets it closed, as it was: the place is close-on-exec.
 */
static void keep_standard_places(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", O_RDWR | O_CLOEXEC) < 0)
			_exit(125);
}

static int print(const struct cli *cli)
{
	FILE *stream = cli->status == 0 ? stdout : stderr;

	fwrite(cli->text.data, 1, cli->text.size, stream);
	if (fflush(stream) != 0 && cli->status == 0)
		return 1;
	return cli->status;
}

/* A freed query of 30 MB is the system's again: else glibc raises these to twice its size and keeps as much in each thread. */
static void give_back_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

int main(int argc, char *argv[])
{
	struct cli cli;
	int status = 0;

	keep_standard_places();
	give_back_memory();
	cli_parse(argc, argv, &cli);
	switch (cli.action) {
	case CLI_PRINT:
		status = print(&cli);
		break;
	case CLI_LAUNCH:
		status = launcher_run(&cli.options);
		break;
	case CLI_DOCTOR:
		status = doctor_run(cli.options.json);
		break;
	}
	cli_release(&cli);
	return status;
}
