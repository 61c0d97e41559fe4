/* lib.c - librocksdb, loaded when it is needed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rocks/lib_internal.h"

#include <dlfcn.h>
#include <string.h>

static enum skn_rc
find(void *handle, const char *name, void *out, size_t size, struct skn_diag *diag)
{
    void *address = dlsym(handle, name);
    if (!address)
        return SKN_FAIL(
            diag, SKN_ECONFIG, "%s has no function %s: another version?", SKN_ROCKS_SONAME, name);
    /* ISO C has no cast from an object's address to a function's; POSIX has them alike. */
    SKN_ASSERT(size == sizeof address);
    memcpy(out, &address, size);
    return SKN_OK;
}

enum skn_rc
skn_rocks_lib_load_from(const char *soname, struct skn_rocks_lib *out_lib, struct skn_diag *diag)
{
    void *handle = dlopen(soname, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle)
        return SKN_FAIL(diag,
                        SKN_ECONFIG,
                        "the library RocksDB cannot be loaded: %s. On Debian: apt install %s",
                        dlerror(),
                        SKN_ROCKS_PACKAGE);
    enum skn_rc rc = SKN_OK;
#define X(name)       \
    if (rc == SKN_OK) \
        rc = find(handle, "rocksdb_" #name, &out_lib->name, sizeof out_lib->name, diag);
    SKN_ROCKS_CALLS(X)
#undef X
    return rc;
}

enum skn_rc skn_rocks_lib_load(struct skn_rocks_lib *out_lib, struct skn_diag *diag)
{
    return skn_rocks_lib_load_from(SKN_ROCKS_SONAME, out_lib, diag);
}
