# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_target.la
libhs_target_la_CPPFLAGS = $(INC_TARGET)
libhs_target_la_SOURCES = %D%/target.h
