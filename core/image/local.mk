# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_image.la
libhs_image_la_CPPFLAGS = $(INC_IMAGE) $(ELF_CFLAGS)
libhs_image_la_SOURCES = %D%/image.h %D%/image_priv.h %D%/core_priv.h \
	%D%/symbols.h %D%/core.c %D%/corenotes.c \
	%D%/clone.c %D%/file.c %D%/image.c %D%/live.c %D%/maps.c \
	%D%/modules.c %D%/process.c %D%/reader.c %D%/symbols.c \
	%D%/symdyn.c %D%/symfile.c %D%/symtab.c
