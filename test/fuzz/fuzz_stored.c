/* fuzz_stored.c - any bytes as those of a row: refused, or a value that opens or says why not; and as
 * those of a key file. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: base value seal */
/* libs: -lcrypto */
#include "fuzz/fuzz.h"
#include "seal/seal.h"
#include "value/json.h"

static void open_it(struct skn_value v, struct skn_slice bytes)
{
    static struct skn_keyring *ring;
    static struct skn_sealer *sealer;
    if (!ring) {
        uint8_t key[SKN_SEAL_KEY_BYTES];
        for (size_t i = 0; i < sizeof key; i++)
            key[i] = (uint8_t)(1 + i);
        ring = skn_keyring_create(key, 1);
        sealer = skn_sealer_create();
    }
    struct skn_buf plain, again;
    skn_buf_init(&plain, bytes.len + 16);
    skn_buf_init(&again, bytes.len);
    enum skn_rc rc = skn_unseal(sealer, ring, SKN_LIT("a place"), v, &plain, NULL);
    if (rc == SKN_OK) {
        /* What opens is what was sealed: nobody makes it without the key. */
        struct skn_value opened = skn_value_view(skn_buf_slice(&plain));
        rc = skn_seal(
            sealer, ring, skn_keyring_id(ring, 0), SKN_LIT("a place"), opened, &again, NULL);
        SKN_ASSERT(rc == SKN_OK);
        SKN_ASSERT(skn_slice_eq(skn_buf_slice(&again), bytes));
    } else {
        SKN_ASSERT(rc == SKN_ENOKEY || rc == SKN_ECORRUPT);
        SKN_ASSERT(plain.len == 0);
    }
    skn_buf_fini(&plain);
    skn_buf_fini(&again);
}

static void read_keys(struct skn_slice text)
{
    struct skn_keyring *ring = NULL;
    if (skn_keyring_parse(text, &ring, NULL) != SKN_OK) return;
    SKN_ASSERT(skn_keyring_count(ring) > 0 && skn_keyring_count(ring) <= SKN_SEAL_KEYS_MAX);
    skn_keyring_destroy(ring);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct skn_slice bytes = skn_slice(data, size);
    struct skn_value v = skn_value_none();
    read_keys(bytes);
    if (skn_stored_check(bytes, &v, NULL) != SKN_OK) return 0;
    struct skn_buf out;
    skn_buf_init(&out, 4 * size + 64);
    bool is_sealed = skn_stored_is_sealed(bytes);
    SKN_ASSERT(is_sealed == (skn_value_check(bytes, NULL) != SKN_OK));
    bool has_sealed = skn_is_sealed_by_others(v, 0) || skn_is_sealed_by_others(v, 1);
    SKN_ASSERT(has_sealed == is_sealed);
    if (is_sealed) open_it(v, bytes);
    /* Masked there is nothing left that only stored bytes may have. */
    SKN_ASSERT(skn_value_mask(v, &out) == SKN_OK);
    SKN_ASSERT(skn_value_check(skn_buf_slice(&out), NULL) == SKN_OK);
    skn_buf_fini(&out);
    return 0;
}
