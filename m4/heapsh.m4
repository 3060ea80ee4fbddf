# SPDX-License-Identifier: Apache-2.0
# HS_TRY_FLAG(VARIABLE, FLAG): append FLAG to VARIABLE when the compiler
# knows it. -Werror, because clang only warns about a warning it has not got.
AC_DEFUN([HS_TRY_FLAG], [
	AS_VAR_PUSHDEF([hs_cv], [hs_cv_flag_$2])
	AC_CACHE_CHECK([whether $CC knows $2], [hs_cv], [
		hs_save_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS -Werror $2"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM],
			[AS_VAR_SET([hs_cv], [yes])],
			[AS_VAR_SET([hs_cv], [no])])
		CFLAGS=$hs_save_CFLAGS
	])
	AS_VAR_IF([hs_cv], [yes], [$1="$$1 $2"])
	AS_VAR_POPDEF([hs_cv])
])

# HS_WARNINGS: WARN_CFLAGS for all; OWN_WARN_CFLAGS on top for core/ and repl/.
AC_DEFUN([HS_WARNINGS], [
	AC_ARG_ENABLE([werror],
		[AS_HELP_STRING([--enable-werror],
			[make warnings errors (for developers)])],
		[], [enable_werror=no])
	WARN_CFLAGS=
	m4_foreach_w([flag], [-Wall -Wextra -Wshadow -Wmissing-prototypes
		-Wstrict-prototypes -Wold-style-definition -Wpointer-arith
		-Wvla -Wformat=2 -Wimplicit-fallthrough -Wimplicit-fallthrough=5
		-Wundef -Wwrite-strings],
		[HS_TRY_FLAG([WARN_CFLAGS], flag)])
	AS_VAR_IF([enable_werror], [no], [],
		[WARN_CFLAGS="$WARN_CFLAGS -Werror"])
	OWN_WARN_CFLAGS=
	m4_foreach_w([flag], [-Wconversion -Wno-sign-conversion],
		[HS_TRY_FLAG([OWN_WARN_CFLAGS], flag)])
	AC_SUBST([WARN_CFLAGS])
	AC_SUBST([OWN_WARN_CFLAGS])
])

# HS_SANITIZE: address and undefined behaviour, in every binary of ours.
# What is loaded into foreign processes must not use SANITIZE_CFLAGS.
AC_DEFUN([HS_SANITIZE], [
	AC_ARG_ENABLE([sanitize],
		[AS_HELP_STRING([--enable-sanitize],
			[build with ASan and UBSan (for developers)])],
		[], [enable_sanitize=no])
	AC_ARG_VAR([SANITIZE_MORE], [flags beside those of --enable-sanitize])
	SANITIZE_CFLAGS=
	AS_VAR_IF([enable_sanitize], [no], [], [
		SANITIZE_CFLAGS="-fsanitize=address,undefined"
		SANITIZE_CFLAGS="$SANITIZE_CFLAGS -fno-sanitize-recover=all"
		SANITIZE_CFLAGS="$SANITIZE_CFLAGS -fno-omit-frame-pointer"
		SANITIZE_CFLAGS="$SANITIZE_CFLAGS $SANITIZE_MORE"
	])
	AC_SUBST([SANITIZE_CFLAGS])
	AM_CONDITIONAL([SANITIZE], [test "x$enable_sanitize" != xno])
])

# HS_SYSTEM: refuse early what the tracer was not written for.
AC_DEFUN([HS_SYSTEM], [
	AC_CANONICAL_HOST
	AS_CASE([$host], [x86_64-*-linux-gnu*], [],
		[AC_MSG_ERROR([heapsh runs on x86-64 GNU/Linux; this is $host])])
])

# HS_LIBRARIES: everything outside libc, by pkg-config.
AC_DEFUN([HS_LIBRARIES], [
	PKG_PROG_PKG_CONFIG([0.29])
	PKG_CHECK_MODULES([READLINE], [readline >= 8.0])
	PKG_CHECK_MODULES([JANSSON], [jansson >= 2.13])
	PKG_CHECK_MODULES([ELF], [libelf >= 0.180])
	PKG_CHECK_MODULES([DW], [libdw >= 0.180])
	# Only "make check" needs cmocka, and says so itself when it is missing.
	PKG_CHECK_MODULES([CMOCKA], [cmocka >= 1.1.5], [],
		[AC_MSG_WARN([no cmocka: "make check" will not compile])])
])

# HS_PROBE: FFI_ARCHIVE, a libffi that can be linked into a shared object.
# Debian has one of its own for that; elsewhere the common one may do.
AC_DEFUN([HS_PROBE], [
	AC_CHECK_HEADER([ffi.h], [],
		[AC_MSG_ERROR([no ffi.h: install libffi-dev])])
	AC_CACHE_CHECK([for a libffi.a for shared objects], [hs_cv_ffi_archive], [
		hs_cv_ffi_archive=no
		hs_save_LIBS=$LIBS
		hs_save_CFLAGS=$CFLAGS
		for hs_name in libffi_pic.a libffi.a; do
			hs_file=`$CC -print-file-name=$hs_name`
			test -f "$hs_file" || continue
			CFLAGS="$hs_save_CFLAGS -fPIC -shared"
			LIBS="$hs_file $hs_save_LIBS"
			AC_LINK_IFELSE([AC_LANG_SOURCE([[
				#include <ffi.h>
				void (*hs_use)() = (void (*)())ffi_call;
				void *hs_type = &ffi_type_double;]])],
				[hs_cv_ffi_archive=$hs_file])
			test "x$hs_cv_ffi_archive" = xno || break
		done
		LIBS=$hs_save_LIBS
		CFLAGS=$hs_save_CFLAGS
	])
	AS_VAR_IF([hs_cv_ffi_archive], [no],
		[AC_MSG_ERROR([no static libffi: install libffi-dev])])
	FFI_ARCHIVE=$hs_cv_ffi_archive
	AC_SUBST([FFI_ARCHIVE])
])
