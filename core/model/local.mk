# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_model.la
libhs_model_la_CPPFLAGS = $(INC_MODEL)
libhs_model_la_SOURCES = %D%/plugin.h
