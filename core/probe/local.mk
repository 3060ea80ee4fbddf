# SPDX-License-Identifier: Apache-2.0
# Goes into other people's processes: no sanitizer, no import, nothing of ours.
# A program to automake, which has no name for it; linked without libtool,
# whose libraries want a C library. The engine carries its bytes as well
# (core/target/blob.c).
probedir = $(pkglibdir)
probe_PROGRAMS += heapsh-probe.so
heapsh_probe_so_CPPFLAGS = $(INC_PROBE)
heapsh_probe_so_CFLAGS = -std=gnu11 -O2 -fPIC -ffreestanding \
	-fno-stack-protector -fno-exceptions -fno-asynchronous-unwind-tables \
	-fvisibility=hidden $(WARN_CFLAGS)
heapsh_probe_so_SOURCES = %D%/batch.c %D%/collect.c %D%/entry.c \
	%D%/foreign.c %D%/libc.c %D%/live.c %D%/load.c %D%/pb_priv.h
heapsh_probe_so_LDADD = $(FFI_ARCHIVE)
heapsh_probe_so_LINK = $(CC) -shared -nostdlib -o $@ \
	-Wl,-Bsymbolic -Wl,-z,defs -Wl,-z,now -Wl,-z,nodelete -Wl,-e,pb_entry \
	-Wl,--exclude-libs,ALL -Wl,--hash-style=gnu -Wl,--build-id=none
check_PROGRAMS += tests/unit/probe_live.t
tests_unit_probe_live_t_CPPFLAGS = $(INC_WIRE) $(INC_TESTS)
tests_unit_probe_live_t_SOURCES = tests/unit/probe_live.c
tests_unit_probe_live_t_LDADD = $(LIBS_BASE) $(CMOCKA_LIBS)
