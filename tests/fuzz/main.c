/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over its seeds without libFuzzer, for `make test`: fuzz_x SEED-FOLDER...
 *
 * Each seed is run whole, cut at up to CUTS places, and changed CHANGES times by a generator that starts from the
 * seed's own bytes: every run does the same. A target that takes long says with fuzz_share() of how many inputs one is run. Inputs are heap blocks of their exact size, so that AddressSanitizer sees
 * the first byte read beyond. When the target fails, the input is named and kept beside the program, as NAME.failed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CUTS 200
#define CHANGES 300
#define SEED_BYTES_MAX ((size_t)1 << 20)
#define SEED_SECONDS_MAX \
	60 /* for all inputs made of one seed, under sanitizers on a slow machine */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t fuzz_share(void) __attribute__((weak));
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
const char *__ubsan_default_options(void);

/* gcc's UBSan has death callbacks of its own, out of reach: let it abort, which is seen here too. */
const char *__ubsan_default_options(void)
{
	return "abort_on_error=1:print_stacktrace=1";
}

/* What is being run: the death callback has no argument. */
static struct {
	char seed[4096];
	char failed_path[4096];
	const uint8_t *data;
	size_t size;
	size_t n_inputs;
} running;

static void say(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		_exit(1);
}

/* Called in signal handlers too: only what may be. */
static void say_input(void)
{
	int fd;

	if (!running.data) /* a leak, seen at the end */
		return;
	say("seed ");
	say(running.seed);
	fd = open(running.failed_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd >= 0 && write(fd, running.data, running.size) == (ssize_t)running.size) {
		say(", the input is kept in ");
		say(running.failed_path);
	}
	say("\n");
}

static void on_signal(int number)
{
	say(number == SIGALRM ? "took too long\n" : "aborted\n");
	say_input();
	_exit(1);
}

static void run(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, bytes, size);
	running.data = copy;
	running.size = size;
	running.n_inputs++;
	/* A block of no bytes would have one that may be read: give the address just behind it. */
	LLVMFuzzerTestOneInput(size ? copy : copy + 1, size);
	running.data = NULL;
	free(copy);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* One to four changes: a bit, a byte that means something to a parser, a byte more, some bytes less. */
static size_t change(uint8_t *bytes, size_t size, uint64_t *state)
{
	static const uint8_t telling[] = { 0, 1, 0x7f, 0x80, 0xff, '\'', '"', '\\', '$', ';' };

	for (uint64_t n = 1 + next_random(state) % 4; n && size; n--) {
		size_t at = next_random(state) % size;
		size_t length = 1 + next_random(state) % 8;

		switch (next_random(state) % 4) {
		case 0:
			bytes[at] ^= (uint8_t)(1u << next_random(state) % 8);
			break;
		case 1:
			bytes[at] = telling[next_random(state) % sizeof(telling)];
			break;
		case 2: /* the block has room for one byte more with each change */
			memmove(bytes + at + 1, bytes + at, size - at);
			size++;
			break;
		default:
			length = length < size - at ? length : size - at;
			memmove(bytes + at, bytes + at + length, size - at - length);
			size -= length;
			break;
		}
	}
	return size;
}

static void run_variants(const uint8_t *seed, size_t size)
{
	uint64_t state = 0x9e3779b97f4a7c15u;
	size_t share = fuzz_share ? fuzz_share() : 1;
	size_t step = size / (CUTS / share) + 1;
	uint8_t *changed = malloc(size + 4);

	if (!changed)
		abort();
	for (size_t i = 0; i < size; i++)
		state = (state ^ seed[i]) * 0x100000001b3u;
	state |= 1;

	run(seed, size);
	for (size_t cut = 0; cut < size; cut += step)
		run(seed, cut);
	for (size_t i = 0; i < CHANGES / share; i++) {
		memcpy(changed, seed, size);
		run(changed, change(changed, size, &state));
	}
	free(changed);
}

static void run_seed(const char *path)
{
	uint8_t *bytes = malloc(SEED_BYTES_MAX);
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file || !bytes) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
	size = fread(bytes, 1, SEED_BYTES_MAX, file);
	fclose(file);
	alarm(SEED_SECONDS_MAX);
	run_variants(bytes, size);
	alarm(0);
	free(bytes);
}

static int is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static size_t run_folder(const char *folder)
{
	struct dirent **entries;
	size_t n_seeds = 0;
	int n = scandir(folder, &entries, is_file, alphasort);

	for (int i = 0; i < n; i++) {
		struct stat status;

		snprintf(running.seed, sizeof(running.seed), "%s/%s", folder, entries[i]->d_name);
		if (stat(running.seed, &status) == 0 && S_ISREG(status.st_mode)) {
			run_seed(running.seed);
			n_seeds++;
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return n_seeds;
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];
	size_t n_seeds = 0;

	snprintf(running.failed_path, sizeof(running.failed_path), "%s.failed", argv[0]);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(say_input);
	signal(SIGABRT, on_signal);
	signal(SIGALRM, on_signal);

	for (int i = 1; i < argc; i++)
		n_seeds += run_folder(argv[i]);
	if (!n_seeds) {
		printf("not ok %s: there are no seeds\n0 passed, 1 failed, 0 skipped\n", name);
		return 1;
	}
	printf("ok %s: %zu seeds, %zu inputs\n1 passed, 0 failed, 0 skipped\n", name, n_seeds,
	       running.n_inputs);
	return 0;
}
