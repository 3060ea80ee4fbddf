# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LTLIBRARIES += libhs_view.la
libhs_view_la_CPPFLAGS = $(INC_VIEW)
libhs_view_la_SOURCES =
