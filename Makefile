# SPDX-License-Identifier: Apache-2.0
# mockproxy: `make help` lists what can be made.

O ?= build
V ?= 0
Q := $(if $(filter 1,$(V)),,@)

CC ?= gcc
CLANG ?= clang
BPFTOOL ?= bpftool
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr/local
DESTDIR ?=

VERSION := 0.1.0

# SAN=address,undefined or SAN=thread builds into a folder of its own.
SAN ?=
ifneq ($(SAN),)
comma := ,
O := $(O)/san-$(subst $(comma),-,$(SAN))
SAN_FLAGS := -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
endif

PACKAGES := libbpf sqlite3 libxxhash
ifneq ($(shell command -v $(PKG_CONFIG)),)
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null)
CMOCKA_LIBS := $(shell $(PKG_CONFIG) --libs cmocka 2>/dev/null)
endif

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
	    -Wformat=2 -Wpointer-arith -Wwrite-strings
ifeq ($(DEVELOPER),1)
WARNINGS += -Werror
endif
OPTIMIZE ?= -O2 -g
CPPFLAGS += -I. -I$(O) -D_GNU_SOURCE -DMOCKPROXY_VERSION='"$(VERSION)"' -include parsers/banned.h
CFLAGS += -std=gnu17 $(OPTIMIZE) $(WARNINGS) $(SAN_FLAGS) -fstack-protector-strong $(PKG_CFLAGS)
LDFLAGS += $(SAN_FLAGS) -pthread
LDLIBS += $(PKG_LIBS) -lm

PARSERS := $(wildcard parsers/*.c parsers/*/*.c)
STORE := $(wildcard store/*.c)
PROXY := $(filter-out proxy/main.c,$(wildcard proxy/*.c))
TOOLS := $(wildcard tools/*.c)
LIBRARY := $(PARSERS) $(STORE) $(PROXY) $(TOOLS)
OBJECTS := $(LIBRARY:%.c=$(O)/%.o)
ARCHIVE := $(O)/libmockproxy.a
PROGRAM := $(O)/mockproxy

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all help

help: ## this list
	@sed -n 's/^\([a-z][a-z -]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

all: $(PROGRAM) ## build the program: build/mockproxy

$(O)/parsers/%.o: CFLAGS += -Wconversion

$(O)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(ARCHIVE): $(OBJECTS)
	@echo "  AR      $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(PROGRAM): $(O)/proxy/main.o $(ARCHIVE)
	@echo "  LINK    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The kernel side, and its skeleton that the loader includes.
$(O)/bpf/redirect.bpf.o: bpf/redirect.bpf.c bpf/redirect.h
	@mkdir -p $(@D)
	@echo "  BPF     $<"
	$(Q)$(CLANG) -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -I. \
		-I/usr/include/$(shell uname -m)-linux-gnu -c -o $@ $<

$(O)/bpf/redirect.skel.h: $(O)/bpf/redirect.bpf.o
	@echo "  SKEL    $@"
	$(Q)$(BPFTOOL) gen skeleton $< name redirect > $@

$(filter $(O)/proxy/%,$(OBJECTS)): | $(O)/bpf/redirect.skel.h

-include $(OBJECTS:.o=.d) $(O)/proxy/main.d
