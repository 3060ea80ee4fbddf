# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_graph.la
libhs_graph_la_CPPFLAGS = $(INC_GRAPH)
libhs_graph_la_SOURCES =
