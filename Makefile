# SPDX-License-Identifier: Apache-2.0
# mockproxy: `make help` lists what can be made.
#
# O=build         where everything goes             V=1          show the commands
# SAN=address,undefined | SAN=thread, COV=1         builds of their own, in folders of their own below O
# DEVELOPER=1     warnings are errors               CC=clang     another compiler

O ?= build
V ?= 0
Q := $(if $(filter 1,$(V)),,@)

CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
CLANG ?= clang
# sbin is not on every user's path.
BPFTOOL ?= $(or $(shell command -v bpftool),/usr/sbin/bpftool)
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr/local
DESTDIR ?=

VERSION := 0.1.0

comma := ,
OUT := $(O)$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))$(if $(filter 1,$(COV)),/cov)
ifneq ($(SAN),)
VARIANT_FLAGS += -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
OPTIMIZE ?= -O1 -g
endif
ifeq ($(COV),1)
VARIANT_FLAGS += --coverage
OPTIMIZE ?= -O0 -g
endif
OPTIMIZE ?= -O2 -g

PACKAGES := libbpf sqlite3 libxxhash zlib libbrotlidec libbrotlienc libzstd
ifneq ($(shell command -v $(PKG_CONFIG)),)
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null)
CMOCKA_LIBS := $(shell $(PKG_CONFIG) --libs cmocka 2>/dev/null)
endif

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
	    -Wformat=2 -Wpointer-arith -Wwrite-strings
WERROR := $(if $(filter 1,$(DEVELOPER)),-Werror)
CPPFLAGS += -I. -I$(OUT) -D_GNU_SOURCE -DMOCKPROXY_VERSION='"$(VERSION)"' -include parsers/banned.h
CFLAGS += -std=gnu17 $(OPTIMIZE) $(WARNINGS) $(VARIANT_FLAGS) -fstack-protector-strong $(PKG_CFLAGS)
LDFLAGS += $(VARIANT_FLAGS) -pthread
LDLIBS += $(PKG_LIBS) -lm
COMPILE = $(CC) $(CPPFLAGS) $(CFLAGS) $(WERROR) $(EXTRA_CFLAGS)

PARSERS := $(wildcard parsers/*.c parsers/*/*.c)
STORE := $(wildcard store/*.c)
PROXY := $(filter-out proxy/main.c,$(wildcard proxy/*.c))
TOOLS := $(wildcard tools/*.c)
OBJECTS := $(patsubst %.c,$(OUT)/%.o,$(PARSERS) $(STORE) $(PROXY) $(TOOLS))
ARCHIVE := $(OUT)/libmockproxy.a
PROGRAM := $(OUT)/mockproxy
FUZZ_OUT := $(O)/fuzz
ALL_C := $(wildcard bpf/*.c parsers/*.c parsers/*/*.c store/*.c proxy/*.c tools/*.c tests/*/*.c)
ALL_H := $(wildcard bpf/*.h parsers/*.h parsers/*/*.h store/*.h proxy/*.h tools/*.h tests/*/*.h)

# A file test_NAME.c is a test with a main of its own; the others in its folder are linked into each of them.
UNIT_TESTS := $(patsubst %.c,$(OUT)/%,$(wildcard tests/unit/test_*.c))
UNIT_SUPPORT := $(patsubst %.c,$(OUT)/%.o,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
BPF_TESTS := $(patsubst %.c,$(OUT)/%,$(wildcard tests/bpf/test_*.c))
BPF_SUPPORT := $(patsubst %.c,$(OUT)/%.o,$(filter-out tests/bpf/test_%,$(wildcard tests/bpf/*.c)))
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SUPPORT := $(filter-out tests/fuzz/fuzz_% tests/fuzz/main.c,$(wildcard tests/fuzz/*.c))
SEED_TESTS := $(FUZZERS:%=$(OUT)/tests/fuzz/%)
# Small programs that the end-to-end tests and the benchmark use: each file with a main, linked with those without.
programs_in = $(if $(wildcard $(1)/*.c),$(shell grep -l '^int main\b' $(1)/*.c))
E2E_MAINS := $(call programs_in,tests/e2e)
E2E_SUPPORT := $(patsubst %.c,$(OUT)/%.o,$(filter-out $(E2E_MAINS),$(wildcard tests/e2e/*.c)))
E2E_HELPERS := $(patsubst tests/e2e/%.c,$(OUT)/tests/%,$(E2E_MAINS))
BENCH_MAINS := $(call programs_in,tests/bench)
BENCH_SUPPORT := $(patsubst %.c,$(OUT)/%.o,$(filter-out $(BENCH_MAINS),$(wildcard tests/bench/*.c)))
BENCH := $(patsubst tests/bench/%.c,$(OUT)/bench/%,$(BENCH_MAINS))
# They look at the whole machine (whose cgroups are left), or at times: nothing runs beside them.
E2E_ALONE := $(patsubst %,tests/e2e/test_%.py,cgroup http_big kills many)
E2E_TESTS := $(filter-out %.c,$(wildcard tests/e2e/test_* tests/e2e/*_property.py))

JOBS ?= $(shell nproc)
AGAIN = $(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(JOBS))
SANITIZED := SAN=address,undefined
# With RESULTS=FILE the counts are kept there, for one sum over several groups.
RUN = tests/run $(if $(RESULTS),--results $(RESULTS)) --group

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z][a-z0-9 -]*\):[^#]*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 24
	@echo; sed -n 's/^# \([A-Z]*=.*\)/\1/p' $(firstword $(MAKEFILE_LIST))

# ---- the program ----

.PHONY: all
all: $(PROGRAM) ## build the program: build/mockproxy

# Not with sanitizers: what they insert makes gcc 12 see conversions where a cast stands.
$(OUT)/parsers/%.o: EXTRA_CFLAGS += $(if $(SAN),,-Wconversion)
# A fuzz target's entry point is declared by nobody: libFuzzer finds it by its name.
$(OUT)/tests/fuzz/%.o: EXTRA_CFLAGS += -Wno-missing-prototypes

$(OUT)/%.o: %.c $(OUT)/flags
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(COMPILE) -MMD -MP -c -o $@ $<

# Other flags than those of the last build: everything is compiled again.
FLAGS_NOW = $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(LDLIBS)
.PHONY: always
$(OUT)/flags: always
	@$(if $(PKG_LIBS),:,echo "not all of these are there: $(PACKAGES). tools/deps.sh build installs them." >&2; exit 1)
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS_NOW))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(FLAGS_NOW))' >$@

$(ARCHIVE): $(OBJECTS)
	@echo "  AR      $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(PROGRAM): $(OUT)/proxy/main.o $(ARCHIVE)
	@echo "  LINK    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The kernel side, and its skeleton that the loader includes.
$(OUT)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	@echo "  BPF     $<"
	$(Q)$(CLANG) -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -I. \
		-I/usr/include/$(shell uname -m)-linux-gnu -MMD -MP -c -o $@ $<

$(OUT)/bpf/%.skel.h: $(OUT)/bpf/%.bpf.o
	@echo "  SKEL    $@"
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf >$@
	@# clang-tidy does not know that libbpf frees what the skeleton could not finish.
	$(Q)sed -i 's|^\treturn err;$$|& /* NOLINT(clang-analyzer-unix.Malloc) */|' $@

# Only the loader includes it; the compiler's own dependencies say so from the second build on.
$(filter $(OUT)/proxy/%,$(OBJECTS)): | $(OUT)/bpf/redirect.skel.h

# It takes the file in with .incbin, which no dependency file tells of.
$(OUT)/store/schema.o $(FUZZ_OUT)/store/schema.o: store/schema.sql

# ---- the tests' programs ----

$(UNIT_TESTS): $(OUT)/tests/unit/%: $(OUT)/tests/unit/%.o $(UNIT_SUPPORT) $(ARCHIVE)
	@echo "  LINK    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(CMOCKA_LIBS) $(LDLIBS)

$(BPF_TESTS): $(OUT)/tests/bpf/%: $(OUT)/tests/bpf/%.o $(BPF_SUPPORT) $(ARCHIVE)
	@echo "  LINK    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(CMOCKA_LIBS) $(LDLIBS)

$(SEED_TESTS): $(OUT)/tests/fuzz/%: $(OUT)/tests/fuzz/%.o $(OUT)/tests/fuzz/main.o \
		$(FUZZ_SUPPORT:%.c=$(OUT)/%.o) $(ARCHIVE)
	@echo "  LINK    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(E2E_HELPERS): $(OUT)/tests/%: $(OUT)/tests/e2e/%.o $(E2E_SUPPORT) $(ARCHIVE)
	@echo "  LINK    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BENCH): $(OUT)/bench/%: $(OUT)/tests/bench/%.o $(BENCH_SUPPORT) $(ARCHIVE)
	@mkdir -p $(@D)
	@echo "  LINK    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: unit-tests seed-tests test-programs
unit-tests: $(UNIT_TESTS)
seed-tests: $(SEED_TESTS)
test-programs: $(PROGRAM) $(UNIT_TESTS) $(BPF_TESTS) $(E2E_HELPERS) $(BENCH)

# ---- demonstration and tests; these two need nothing but make and apt ----

.PHONY: demo test
demo: ## record and replay a PostgreSQL conversation, and show what is in the file
	@tools/deps.sh build demo
	$(Q)$(AGAIN) all
	$(Q)MOCKPROXY=$(abspath $(PROGRAM)) tools/demo.sh

# Packages first; then make anew, since what pkg-config says is asked when make starts.
test: export RESULTS := $(OUT)/results
test: ## everything that must hold: build, layers, unit, sanitizers, bpf, fuzz seeds, end to end
	@tools/deps.sh build test
	@mkdir -p $(OUT) && rm -f $(RESULTS)
	@echo "== build"
	@tests/run --results $(RESULTS) --group build \
		'$(AGAIN) DEVELOPER=1 test-programs' '$(AGAIN) DEVELOPER=1 $(SANITIZED) unit-tests seed-tests'
	@! tests/run --passed $(RESULTS) || \
		$(AGAIN) -j1 DEVELOPER=1 -k check-style check-unit check-sanitized check-bpf check-fuzz check-e2e || \
		tests/run --results $(RESULTS) --group build 'sh -c "echo a step above could not be made; exit 1"'
	@tests/run --sum $(RESULTS)

.PHONY: check-style check-unit check-sanitized check-bpf check-fuzz check-e2e check-bare
check-style: $(PROGRAM) ## layers, headers, format, lengths, banned calls
	@echo "== style"
	@$(RUN) style --jobs $(JOBS) 'tools/check-layers.sh' 'tools/check-symbols.sh $(OUT)' 'tools/check-text.sh' \
		'$(MAKE) --no-print-directory hdr-check' '$(MAKE) --no-print-directory fmt-check'

check-unit: $(UNIT_TESTS) ## unit tests (tests/unit)
	@echo "== unit"
	@$(RUN) unit --jobs $(JOBS) $(UNIT_TESTS)

check-sanitized: ## unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
	$(Q)$(AGAIN) $(SANITIZED) unit-tests
	@echo "== unit, under ASan and UBSan"
	@$(RUN) sanitized --jobs $(JOBS) $(UNIT_TESTS:$(OUT)/%=$(OUT)/san-address-undefined/%)

check-bpf: $(BPF_TESTS) ## the kernel side, in a temporary cgroup (root)
	@echo "== bpf"
	@$(RUN) bpf $(BPF_TESTS)

check-fuzz: ## each fuzz target over its seeds, and over cut and changed seeds
	$(Q)$(AGAIN) $(SANITIZED) seed-tests
	@echo "== fuzz seeds"
	@$(RUN) fuzz --jobs $(JOBS) $(foreach name,$(FUZZERS),\
		'$(OUT)/san-address-undefined/tests/fuzz/$(name) tests/fuzz/seeds/$(name:fuzz_%=%)')

check-e2e: $(PROGRAM) $(E2E_HELPERS) ## real servers and real drivers (tests/e2e)
	@echo "== end to end"
	@O=$(abspath $(OUT)) MOCKPROXY=$(abspath $(PROGRAM)) $(RUN) e2e --timeout 600 --jobs 2 $(filter-out $(E2E_ALONE),$(E2E_TESTS))
	@O=$(abspath $(OUT)) MOCKPROXY=$(abspath $(PROGRAM)) $(RUN) e2e --timeout 600 $(E2E_ALONE)

.PHONY: regress
regress: $(PROGRAM) ## PostgreSQL's own 217 tests: directly, recorded, replayed (root, minutes); TESTS='int4 copy2' for some
	@tools/deps.sh build test
	@O=$(abspath $(OUT)) MOCKPROXY=$(abspath $(PROGRAM)) tests/regress/run $(TESTS)

.PHONY: regress-mariadb
regress-mariadb: $(PROGRAM) ## MariaDB's own tests (some 900 of them): directly, recorded, replayed (root, an hour); TESTS='view type_time' for some
	@tools/deps.sh build test
	@O=$(abspath $(OUT)) MOCKPROXY=$(abspath $(PROGRAM)) tests/regress/mariadb $(TESTS)

check-bare: ## `make demo` and `make test` in a debootstrapped Debian 12 (root)
	@tests/bare.sh

.PHONY: tapes
tapes: $(filter %tape %tapes,$(UNIT_TESTS)) ## the tapes only; UPDATE=1 rewrites what they expect
	@$(foreach program,$^,UPDATE=$(UPDATE) $(RUN) tapes $(program) &&) true

# ---- fuzzing: clang's libFuzzer, over the pure code only ----

FUZZ_SECONDS ?= 60
FUZZ_FLAGS := -O1 -g -std=gnu17 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FUZZ_OBJECTS := $(patsubst %.c,$(FUZZ_OUT)/%.o,$(PARSERS) $(STORE))

$(FUZZ_OUT)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $< (libFuzzer)"
	$(Q)$(CLANG) $(CPPFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

$(FUZZ_OUT)/libpure.a: $(FUZZ_OBJECTS)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(FUZZERS:%=$(FUZZ_OUT)/%): $(FUZZ_OUT)/%: $(FUZZ_OUT)/tests/fuzz/%.o $(FUZZ_SUPPORT:%.c=$(FUZZ_OUT)/%.o) \
		$(FUZZ_OUT)/libpure.a
	@echo "  LINK    $@"
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer -pthread -o $@ $^ $(LDLIBS)

.PHONY: fuzz fuzzers fuzz-run-%
fuzzers: $(FUZZERS:%=$(FUZZ_OUT)/%)
fuzz: ## libFuzzer, FUZZ_SECONDS=60 for each target; FUZZERS=fuzz_x for one; findings in build/fuzz/findings
	@tools/deps.sh build fuzz
	$(Q)$(AGAIN) fuzzers
	$(Q)$(AGAIN) -j1 -k $(FUZZERS:%=fuzz-run-%)

fuzz-run-%: $(FUZZ_OUT)/%
	@echo "== $*, $(FUZZ_SECONDS) s"
	@mkdir -p $(FUZZ_OUT)/corpus/$(*:fuzz_%=%) $(FUZZ_OUT)/findings
	$(Q)$< -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=1 \
		-artifact_prefix=$(FUZZ_OUT)/findings/$*- $(FUZZ_OUT)/corpus/$(*:fuzz_%=%) \
		$(wildcard tests/fuzz/seeds/$(*:fuzz_%=%)) >$(FUZZ_OUT)/$*.log 2>&1 || \
		{ grep -v '^#' $(FUZZ_OUT)/$*.log | tail -n 60; exit 1; }
	@grep -h '^Done\|^stat::number_of_executed' $(FUZZ_OUT)/$*.log; tail -n 12 $(FUZZ_OUT)/$*.log | grep ' cov: ' | tail -n 1

# ---- benchmark ----

BENCH_SERVERS ?= postgres mariadb nginx

.PHONY: bench
bench: ## directly, through other proxies, recording, replaying: ratios in one run; BENCH_SERVERS=mariadb BENCH_OPTIONS='--help'
	@tools/deps.sh build bench
	$(Q)$(AGAIN) bench-programs
	$(Q)status=0; for server in $(BENCH_SERVERS); do \
		BENCH=$(abspath $(OUT)/bench) MOCKPROXY=$(abspath $(PROGRAM)) tests/bench/run --server $$server $(BENCH_OPTIONS) || status=1; \
	done; exit $$status

.PHONY: bench-programs
bench-programs: $(PROGRAM) $(BENCH)

# ---- checks of the text ----

.PHONY: lint fmt fmt-check hdr-check layers
lint: $(OUT)/bpf/redirect.skel.h ## clang-tidy; every finding is an error
	@tools/deps.sh lint
	$(Q)printf '%s\n' $(filter-out bpf/%,$(ALL_C)) | xargs -P $(JOBS) -I{} \
		clang-tidy --quiet {} -- $(patsubst -I$(OUT),-isystem $(OUT),$(CPPFLAGS)) -std=gnu17 $(PKG_CFLAGS)

fmt: ## clang-format over all C files
	$(Q)clang-format -i $(ALL_C) $(ALL_H)

fmt-check: ## would clang-format change something?
	$(Q)clang-format --dry-run -Werror $(ALL_C) $(ALL_H)

# Included alone, and twice; a header must bring all that it uses.
hdr-check: ## each header compiles alone, with gcc and with clang
	$(Q)status=0; for header in $(filter-out tests/%,$(ALL_H)); do \
		for compiler in gcc $(CLANG); do \
			printf '#include "%s"\n#include "%s"\n' $$header $$header | $$compiler -std=gnu17 -D_GNU_SOURCE -I. \
				$(PKG_CFLAGS) -Wall -Wextra -Wundef -Werror -fsyntax-only -x c - || \
				{ echo "$$header does not compile alone with $$compiler" >&2; status=1; }; \
		done; \
	done; exit $$status

layers: ## who includes whom, and what parsers/ may not
	$(Q)tools/check-layers.sh

.PHONY: cov
cov: ## lines that the unit tests and fuzz seeds reach, by file
	$(Q)$(AGAIN) COV=1 unit-tests seed-tests
	$(Q)find $(O)/cov -name '*.gcda' -delete
	@tests/run --group unit $(UNIT_TESTS:$(OUT)/%=$(O)/cov/%)
	@tests/run --group fuzz $(foreach name,$(FUZZERS),'$(O)/cov/tests/fuzz/$(name) tests/fuzz/seeds/$(name:fuzz_%=%)')
	@tools/check-coverage.sh $(O)/cov

compile_commands.json: $(ALL_C) Makefile ## for editors and clangd
	$(Q)if command -v bear >/dev/null; then \
		bear --output $@ -- $(MAKE) --no-print-directory O=$(O)/bear test-programs >/dev/null; rm -rf $(O)/bear; \
	else \
		$(MAKE) -Bn V=1 test-programs | tools/compile-commands.sh >$@; \
	fi

# ---- installing ----

SHARE = $(DESTDIR)$(PREFIX)/share
.PHONY: install uninstall clean
install: $(PROGRAM) ## program, man page, completion, license: PREFIX=/usr/local, DESTDIR=
	install -D -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/mockproxy
	install -D -m 644 docs/mockproxy.1 $(SHARE)/man/man1/mockproxy.1
	install -D -m 644 docs/mockproxy.bash $(SHARE)/bash-completion/completions/mockproxy
	install -D -m 644 LICENSE $(SHARE)/doc/mockproxy/LICENSE
	install -D -m 644 LICENSE.GPL-2 $(SHARE)/doc/mockproxy/LICENSE.GPL-2

uninstall: ## what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/mockproxy $(SHARE)/man/man1/mockproxy.1 \
		$(SHARE)/bash-completion/completions/mockproxy
	rm -rf $(SHARE)/doc/mockproxy

clean: ## remove what was built
	rm -rf $(O) compile_commands.json

-include $(patsubst %.c,$(OUT)/%.d,$(ALL_C) bpf/redirect.bpf.c)
-include $(patsubst %.c,$(FUZZ_OUT)/%.d,$(PARSERS) $(STORE) $(wildcard tests/fuzz/*.c))
