/* SPDX-License-Identifier: Apache-2.0 */
/** Packets with descriptors, and memfds: both ends of the tracer's sockets. */
#ifndef TG_PACKET_H
#define TG_PACKET_H

#include "base.h"
#include "err.h"
#include "tracer_wire.h"

/** Owns the descriptors in it; those that are taken become -1. */
struct tg_packet {
	union {
		struct wr_tracer_head head;
		uint8_t bytes[WR_TRACER_MAX] __attribute__((__aligned__(16)));
	};
	int fds[WR_TRACER_FDS];
	size_t n_fds;
};
void tg_packet_init(struct tg_packet *p, enum wr_tracer_type type, size_t size,
		    uint64_t seq);
void tg_packet_deinit(struct tg_packet *p);
#define TG_PACKET HS_CLEANUP(tg_packet_deinit) struct tg_packet
/** p owns fd from now on. */
void tg_packet_add_fd(struct tg_packet *p, int fd);
/** Descriptor i, which the caller owns from now on; -1 when there is none. */
int tg_packet_take_fd(struct tg_packet *p, size_t i);

/** Waits at most timeout_ms for room. HS_ERR_OS, HS_ERR_TIMEOUT. */
struct hs_err *tg_packet_send(int sock, const struct tg_packet *p,
			      int timeout_ms) HS_MUST_USE;
/**
 * *ret_eof: the other end is closed. HS_ERR_FORMAT when the packet is not of
 * this protocol: it was taken off the socket all the same.
 */
struct hs_err *tg_packet_recv(int sock, int timeout_ms, struct tg_packet *ret,
			      bool *ret_eof) HS_MUST_USE;

/** New memfd of size bytes of room; write with tg_memfd_write(). */
struct hs_err *tg_memfd_create(int *ret) HS_MUST_USE;
struct hs_err *tg_memfd_write(int fd, uint64_t offset, const void *buf,
			      size_t len) HS_MUST_USE;
/** n bytes that go with the packet, in a memfd. */
struct hs_err *tg_packet_add_bytes(struct tg_packet *p, const void *v,
				   size_t n) HS_MUST_USE;
/** HS_ERR_FORMAT when there are fewer bytes: whoever made fd has lied. */
struct hs_err *tg_memfd_read(int fd, uint64_t offset, void *buf,
			     size_t len) HS_MUST_USE;
#endif
