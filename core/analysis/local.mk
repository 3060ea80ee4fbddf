# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_analysis.la
libhs_analysis_la_CPPFLAGS = $(INC_ANALYSIS)
libhs_analysis_la_SOURCES =
