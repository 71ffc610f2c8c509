/* Linux calls that Swift's Glibc module does not import. Without _GNU_SOURCE, as that module: with it this one has another
 * fd_set, and the compiler refuses to see both. */
#ifndef LOGHOST_CLINUX_SHIM_H
#define LOGHOST_CLINUX_SHIM_H

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* memfd_create(2) with MFD_CLOEXEC | MFD_ALLOW_SEALING, and MFD_NOEXEC_SEAL where the kernel knows it (6.3).
 *
 * Rationale: vm.memfd_noexec=2 allows no other files, and mapping code needs no execute bit. */
static inline int loghost_memfd(const char *name) {
    int descriptor = (int)syscall(SYS_memfd_create, name, 0x1u | 0x2u | 0x8u);
    if (descriptor < 0 && errno == EINVAL) {
        descriptor = (int)syscall(SYS_memfd_create, name, 0x1u | 0x2u);
    }
    return descriptor;
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

/* What stat(2) says of a file, as far as it is asked for.
 *
 * Rationale: to Swift `struct stat` belongs to whichever module declares it first, and that changes with what else is imported. */
typedef struct loghost_file_status {
    uint64_t device;
    uint64_t inode;
    uint32_t mode;
    uint32_t owner;
    uint32_t group;
    int64_t size;
    int64_t modified_ns;
    int64_t changed_ns;
} loghost_file_status;

static inline int loghost_file_status_take(int result, const struct stat *from, loghost_file_status *to) {
    if (result == 0) {
        to->device = from->st_dev;
        to->inode = from->st_ino;
        to->mode = from->st_mode;
        to->owner = from->st_uid;
        to->group = from->st_gid;
        to->size = from->st_size;
        to->modified_ns = from->st_mtim.tv_sec * 1000000000 + from->st_mtim.tv_nsec;
        to->changed_ns = from->st_ctim.tv_sec * 1000000000 + from->st_ctim.tv_nsec;
    }
    return result;
}

/* stat(2), lstat(2), fstat(2); `status` stays as it is when they fail. */
static inline int loghost_stat(const char *path, loghost_file_status *status) {
    struct stat from;
    return loghost_file_status_take(stat(path, &from), &from, status);
}
static inline int loghost_lstat(const char *path, loghost_file_status *status) {
    struct stat from;
    return loghost_file_status_take(lstat(path, &from), &from, status);
}
static inline int loghost_fstat(int descriptor, loghost_file_status *status) {
    struct stat from;
    return loghost_file_status_take(fstat(descriptor, &from), &from, status);
}

/* glibc's Dl_info and dladdr1(3), under names of their own so that they do not meet glibc's declarations. */
typedef struct loghost_symbol {
    const char *file_z;
    void *file_base;
    const char *name_z;
    void *address;
} loghost_symbol;
extern int loghost_dladdr1(const void *address, loghost_symbol *symbol, void **extra, int flags) __asm__("dladdr1");

/* Tells whether an address given by dlsym(3) is data, which must not be called. 0 also where nothing is known of it. */
static inline int loghost_is_data_symbol(const void *address) {
    loghost_symbol symbol = {NULL, NULL, NULL, NULL};
    void *extra = NULL;
    if (loghost_dladdr1(address, &symbol, &extra, 1 /* RTLD_DL_SYMENT */) == 0 || extra == NULL
        || symbol.address != address) {
        return 0;
    }
    int type = ELF64_ST_TYPE(((const Elf64_Sym *)extra)->st_info);
    return type == STT_OBJECT || type == STT_TLS || type == STT_COMMON;
}

#endif
