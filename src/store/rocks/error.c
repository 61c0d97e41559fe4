/* error.c - texts of RocksDB as our codes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rocks/rocks_internal.h"

#include <string.h>

/* The first that is found in the text decides. The C interface gives texts and nothing else; these
 * are Status::ToString's beginnings and strerror's words, the same in 7.8 and in 9.10. */
static const struct {
    const char *words;
    enum skn_rc rc;
} meanings[] = {
    {"Result incomplete:", SKN_ELATER},
    {"No space left on device", SKN_EDISKFULL},
    {"Disk quota exceeded", SKN_EDISKFULL},
    {"lock hold by current process", SKN_EBUSY},
    {"While lock file", SKN_EBUSY},
    {"Permission denied", SKN_EPERM},
    {"Read-only file system", SKN_EPERM},
    {"Input/output error", SKN_EIO},
    /* Which of its files a folder must have RocksDB knows: one that is not there was lost. */
    {"No such file or directory", SKN_ECORRUPT},
    {"does not exist", SKN_ECORRUPT},
    {"Corruption:", SKN_ECORRUPT},
    {"Not implemented:", SKN_ECORRUPT},  /* a table format or checksum that nothing writes */
    {"Invalid argument:", SKN_ECORRUPT}, /* about files: options of ours are constants */
};

enum skn_rc skn_rocks_classify(const char *text)
{
    for (size_t i = 0; i < SKN_ARRAY_LEN(meanings); i++)
        if (strstr(text, meanings[i].words)) return meanings[i].rc;
    return SKN_EIO;
}

enum skn_rc skn_rocks_failed(const struct skn_rocks *r,
                             const char *what,
                             char *taken_text,
                             struct skn_diag *diag)
{
    SKN_ASSERT(taken_text);
    enum skn_rc rc = skn_rocks_classify(taken_text);
    if (rc == SKN_ECORRUPT)
        (void)SKN_CORRUPT(diag, "could not %s in \"%s\": %s", what, r->dir, taken_text);
    else
        (void)SKN_FAIL(diag, rc, "could not %s in \"%s\": %s", what, r->dir, taken_text);
    r->lib.free(taken_text);
    return rc;
}
