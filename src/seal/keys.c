/* keys.c - the keys that secrets are sealed with. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"
#include "base/mem.h"
#include "seal/seal_internal.h"

/* As in core/read.c: without the look-up of an implementation, which costs a millisecond. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/mman.h>

enum { HEX_DIGITS = 2 * SKN_SEAL_KEY_BYTES };

struct skn_keyring {
    size_t count;
    uint64_t ids[SKN_SEAL_KEYS_MAX];
    uint8_t keys[SKN_SEAL_KEYS_MAX][SKN_SEAL_KEY_BYTES];
};

static uint64_t id_of(const uint8_t *key)
{
    static const char label[] = "skein sealing key"; /* with its NUL */
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256_CTX sha;
    (void)SHA256_Init(&sha);
    (void)SHA256_Update(&sha, label, sizeof label);
    (void)SHA256_Update(&sha, key, SKN_SEAL_KEY_BYTES);
    (void)SHA256_Final(digest, &sha);
    OPENSSL_cleanse(&sha, sizeof sha);
    uint64_t id = 0;
    for (size_t i = 8; i > 0; i--)
        id = id << 8 | digest[i - 1];
    return id;
}

struct skn_keyring *skn_keyring_create(const uint8_t *keys, size_t count)
{
    SKN_ASSERT(count > 0 && count <= SKN_SEAL_KEYS_MAX);
    /* Pages of its own, which stay in memory as far as the limits of the process allow it. */
    struct skn_keyring *ring =
        mmap(NULL, sizeof *ring, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SKN_ASSERT(ring != MAP_FAILED);
    (void)mlock(ring, sizeof *ring);
    (void)madvise(ring, sizeof *ring, MADV_DONTDUMP);
    ring->count = count;
    for (size_t i = 0; i < count; i++) {
        memcpy(ring->keys[i], keys + i * SKN_SEAL_KEY_BYTES, SKN_SEAL_KEY_BYTES);
        ring->ids[i] = id_of(ring->keys[i]);
    }
    return ring;
}

void skn_keyring_destroy(struct skn_keyring *ring)
{
    if (!ring) return;
    OPENSSL_cleanse(ring, sizeof *ring);
    (void)munmap(ring, sizeof *ring);
}

static int digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_key(struct skn_slice line, uint8_t *out)
{
    if (line.len != HEX_DIGITS) return false;
    for (size_t i = 0; i < line.len; i += 2) {
        int high = digit_of(line.ptr[i]), low = digit_of(line.ptr[i + 1]);
        if (high < 0 || low < 0) return false;
        out[i / 2] = (uint8_t)((unsigned)high << 4 | (unsigned)low);
    }
    return true;
}

/* The next line without the blanks around it. */
static bool take_line(struct skn_slice *text, struct skn_slice *out)
{
    if (text->len == 0) return false;
    const uint8_t *end = memchr(text->ptr, '\n', text->len);
    size_t len = end ? (size_t)(end - text->ptr) : text->len;
    struct skn_slice line = skn_slice(text->ptr, len);
    *text = skn_slice_from(*text, end ? len + 1 : len);
    while (line.len > 0 && strchr(" \t\r", line.ptr[line.len - 1]) && line.ptr[line.len - 1])
        line.len--;
    while (line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t'))
        line = skn_slice_from(line, 1);
    *out = line;
    return true;
}

enum skn_rc
skn_keyring_parse(struct skn_slice text, struct skn_keyring **out_ring, struct skn_diag *diag)
{
    uint8_t keys[SKN_SEAL_KEYS_MAX * SKN_SEAL_KEY_BYTES];
    size_t count = 0;
    unsigned number = 0;
    struct skn_slice line;
    enum skn_rc rc = SKN_OK;
    while (rc == SKN_OK && take_line(&text, &line)) {
        number++;
        if (line.len == 0 || line.ptr[0] == '#') continue;
        if (count == SKN_SEAL_KEYS_MAX)
            rc = SKN_FAIL(diag, SKN_ECONFIG, "there are more than %d keys", SKN_SEAL_KEYS_MAX);
        else if (read_key(line, keys + count * SKN_SEAL_KEY_BYTES))
            count++;
        else
            rc = SKN_FAIL(
                diag, SKN_ECONFIG, "line %u is no key: a key is %d hex digits", number, HEX_DIGITS);
    }
    if (rc == SKN_OK && count == 0) rc = SKN_FAIL(diag, SKN_ECONFIG, "there is no key");
    if (rc == SKN_OK) *out_ring = skn_keyring_create(keys, count);
    OPENSSL_cleanse(keys, sizeof keys);
    return rc;
}

size_t skn_keyring_count(const struct skn_keyring *ring)
{
    return ring->count;
}

uint64_t skn_keyring_id(const struct skn_keyring *ring, size_t index)
{
    SKN_ASSERT(index < ring->count);
    return ring->ids[index];
}

const uint8_t *skn_keyring_find(const struct skn_keyring *ring, uint64_t id)
{
    for (size_t i = 0; ring && i < ring->count; i++)
        if (ring->ids[i] == id) return ring->keys[i];
    return NULL;
}

bool skn_keyring_has(const struct skn_keyring *ring, uint64_t id)
{
    return skn_keyring_find(ring, id) != NULL;
}

void skn_seal_id_text(uint64_t id, char out[SKN_SEAL_ID_TEXT])
{
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(id >> (8 * i));
    skn_hex(bytes, sizeof bytes, out);
}
