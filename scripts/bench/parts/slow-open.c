/* LD_PRELOAD: each open of a file below SLOW_OPEN_UNDER (paths with ':' between them) takes SLOW_OPEN_MS longer, as on
 * a parallel file system whose metadata servers are busy. Relative names count as below it: cp opens so. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_slow(const char *path, int flags) {
  const char *under = getenv("SLOW_OPEN_UNDER");
  if (under == NULL || (flags & (O_CREAT | O_DIRECTORY))) return 0;
  if (path[0] != '/') return 1;
  while (*under) {
    size_t length = strcspn(under, ":");
    if (length > 0 && strncmp(path, under, length) == 0) return 1;
    under += length + (under[length] == ':');
  }
  return 0;
}

static void wait_for_it(const char *path, int flags) {
  const char *ms = getenv("SLOW_OPEN_MS");
  if (ms != NULL && is_slow(path, flags)) usleep((useconds_t)(atof(ms) * 1000));
}

#define OPEN(name)                                                            \
  int name(const char *path, int flags, ...) {                                \
    va_list list;                                                             \
    va_start(list, flags);                                                    \
    mode_t mode = va_arg(list, mode_t);                                       \
    va_end(list);                                                             \
    wait_for_it(path, flags);                                                 \
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, #name);            \
    return real(path, flags, mode);                                           \
  }
#define OPENAT(name)                                                          \
  int name(int folder, const char *path, int flags, ...) {                    \
    va_list list;                                                             \
    va_start(list, flags);                                                    \
    mode_t mode = va_arg(list, mode_t);                                       \
    va_end(list);                                                             \
    wait_for_it(path, flags);                                                 \
    int (*real)(int, const char *, int, ...) = dlsym(RTLD_NEXT, #name);       \
    return real(folder, path, flags, mode);                                   \
  }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
