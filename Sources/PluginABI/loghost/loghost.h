/* LogHost plugin ABI, major version 1: everything a plugin needs, in reading order.
 *
 * A plugin is one shared library that exports one function, `loghost_plugin_v1` (plugin.h). The host calls it
 * once, gets a static descriptor, creates one instance per configured name and asks that instance for what it
 * can do: a log source (source.h), an output encoder (encoder.h), an authorizer (authorizer.h), or several of
 * these.
 *
 * COMPATIBILITY POLICY
 * 1. A released entity never changes its meaning: no field, constant or function is removed, reordered or
 *    reused.
 * 2. Structs that begin with `size` grow at their end. Whoever provides the memory of one, be it to hand
 *    something over (query, opened, resolution) or to have it filled in (error, result, needs), sets `size`
 *    to its own sizeof and zeroes the rest. The other side never changes `size` and may leave fields it does
 *    not use; before it reads or writes a field younger than version 1.0 it checks with LOGHOST_HAS.
 *    An `error` to be filled in is never NULL. The elements of one array have the same size, by which the
 *    reader steps.
 * 3. Structs without `size` (bytes, field, entry, match, clause and other members of arrays) never grow.
 * 4. New abilities arrive as new extension ids ("loghost.source/2"). An unknown id answers NULL, and that is
 *    no error. A host serves every extension version it ever released.
 * 5. Enumerations may grow. A reader treats an unknown value as its documentation says, else as an error.
 * 6. Whatever cannot be done under these rules is another major version: another exported symbol name. A host
 *    that does not speak it says which versions the library exports and which it speaks.
 *
 * THREADS. Every function carries one of these tags:
 *   [init]       the host's start and stop; never two at a time in one instance, never beside another call
 *                into it
 *   [worker]     a thread of the host's bounded pool. May block on a local disk, never on the network, never
 *                for news. Calls with the same reader, byte stream or encoder state never overlap; different
 *                ones may.
 *   [any-thread] any thread at any time, also concurrently
 *   [must not block]  returns within microseconds: no system call that can sleep, no lock held across one
 *
 * ORDER. create -> get_extension -> routes / encodings -> start -> (resolve -> open -> read ... -> close)* ->
 * stop -> destroy. A call out of this order is a bug of the caller; a debug build of the host checks its own
 * calls and the plugin's.
 *
 * OWNERSHIP. Nothing allocated on one side is freed by the other. A pointer handed over is borrowed until the
 * moment its comment names. No text is NUL-terminated unless its name ends in `_z`. Bytes may hold any value,
 * NUL included; where a comment says "text" they are UTF-8.
 *
 * TABLES. A function that may be NULL says so in its comment; without another one a plugin is refused.
 *
 * FAULTS. No C++ exception, Swift error, longjmp or abort crosses the boundary. Every call that can fail
 * takes a loghost_error.
 */
#ifndef LOGHOST_LOGHOST_H
#define LOGHOST_LOGHOST_H

#include "base.h"
#include "error.h"
#include "entry.h"
#include "filter.h"
#include "query.h"
#include "route.h"
#include "request.h"
#include "resolution.h"
#include "host.h"
#include "host_log.h"
#include "host_metrics.h"
#include "host_clock.h"
#include "host_fd.h"
#include "host_http.h"
#include "plugin.h"
#include "source.h"
#include "encoder.h"
#include "authorizer.h"
#include "health.h"
#include "explain.h"

#endif
