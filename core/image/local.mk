# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_image.la
libhs_image_la_CPPFLAGS = $(INC_IMAGE)
libhs_image_la_SOURCES =
