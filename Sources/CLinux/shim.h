/* Linux calls that Swift's Glibc module does not import. */
#ifndef LOGHOST_CLINUX_SHIM_H
#define LOGHOST_CLINUX_SHIM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* memfd_create(2) with MFD_CLOEXEC | MFD_ALLOW_SEALING. */
static inline int loghost_memfd(const char *name) {
    return (int)syscall(SYS_memfd_create, name, 0x1u | 0x2u);
}

/* Forbids every further change: F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE. */
static inline int loghost_seal(int descriptor) {
    return fcntl(descriptor, 1033 /* F_ADD_SEALS */, 0x1 | 0x2 | 0x4 | 0x8);
}

/* epoll_create1(2), close-on-exec. */
static inline int loghost_epoll(void) { return epoll_create1(EPOLL_CLOEXEC); }

/* epoll_ctl(2), EPOLL_CTL_ADD with a number to know the descriptor by. */
static inline int loghost_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t number) {
    struct epoll_event event = {.events = events, .data = {.u64 = number}};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

/* epoll_ctl(2), EPOLL_CTL_DEL. */
static inline int loghost_epoll_remove(int epoll, int descriptor) {
    return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, (struct epoll_event *)0);
}

/* epoll_wait(2) for one event, without end: 1 with `number` and `events` filled, else 0 or -1. */
static inline int loghost_epoll_wait(int epoll, uint64_t *number, uint32_t *events) {
    struct epoll_event event;
    int count = epoll_wait(epoll, &event, 1, -1);
    if (count == 1) {
        *number = event.data.u64;
        *events = event.events;
    }
    return count;
}

/* eventfd(2), close-on-exec, not blocking. */
static inline int loghost_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

#endif
