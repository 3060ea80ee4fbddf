# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_wire.la
libhs_wire_la_CPPFLAGS = $(INC_WIRE)
libhs_wire_la_SOURCES = %D%/tracer_wire.h
