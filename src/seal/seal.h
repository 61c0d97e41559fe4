/* seal.h - secrets at rest: what a secret in a value becomes before it is stored, and back [E46].
 *
 * Owns        the keys, in memory that is locked, left out of core files and wiped; in each sealer
 *             the last two that it used, ready for the cipher, which are wiped with it. Plain secrets
 *             are the caller's.
 * May include base, value.
 * Threads     a ring never changes: any thread. A sealer belongs to whoever holds it.
 * Invariants
 *   1. Sealing is deterministic (P4): key, context, place in the value and plain bytes give the
 *      sealed ones, by AES-256-SIV (RFC 5297).
 *   2. What was sealed in one context opens in no other; changed bytes open nowhere.
 *   3. No text that is given says anything of a key but its id, or of a secret but its size.
 *
 * A sealed value (tag 0x0e, value.h) holds, at level 1:
 *   at 0   8 bytes   id of the key: the first of SHA-256("skein sealing key", 00, key)
 *   at 8   16 bytes  synthetic IV
 *   at 24            as many bytes as the encoding of the value that the secret wraps
 * Associated data are two strings: the context (such as the key of the row), and the number of
 * sealed values in front of it in the same value, big-endian, 4 bytes.
 */
#pragma once

#include "base/base.h"
#include "base/buf.h"
#include "base/diag.h"
#include "value/value.h"

enum {
    SKN_SEAL_KEY_BYTES = 64, /* two of 256 bits: for the IV, and for the encryption */
    SKN_SEAL_KEYS_MAX = 8,
    SKN_SECRET_MAX = 65536, /* bytes of a text, or of the encoding of another value [E46] */
    SKN_SIV_BYTES = 16,
    SKN_SEALED_HEAD = 8 + SKN_SIV_BYTES,
};

/* --- keys --------------------------------------------------------------------------------------- */

struct skn_keyring;

/* `count` keys (1 to SKN_SEAL_KEYS_MAX) one behind the other, copied; the first is the one that new
 * data is sealed with. */
struct skn_keyring *skn_keyring_create(const uint8_t *keys, size_t count) SKN_MUST_USE;
void skn_keyring_destroy(struct skn_keyring *ring);

/* The text of a key file: a key per line as 128 hex digits, the current one first; empty lines, and
 * lines that begin with '#', are passed over. SKN_ECONFIG: it is anything else; `diag` names the
 * line and nothing of what stands there. */
SKN_MUST_USE enum skn_rc
skn_keyring_parse(struct skn_slice text, struct skn_keyring **out_ring, struct skn_diag *diag);

size_t skn_keyring_count(const struct skn_keyring *ring);
uint64_t skn_keyring_id(const struct skn_keyring *ring, size_t index);
/* `ring` may be NULL: nobody has a key. */
bool skn_keyring_has(const struct skn_keyring *ring, uint64_t id);

/* An id as people see it: 16 hex digits of its bytes, and a NUL. */
enum { SKN_SEAL_ID_TEXT = 17 };
void skn_seal_id_text(uint64_t id, char out[SKN_SEAL_ID_TEXT]);

/* --- sealing ------------------------------------------------------------------------------------ */

struct skn_sealer;

/* Looks up nothing until it is first used: that costs a cold process a millisecond. */
struct skn_sealer *skn_sealer_create(void) SKN_MUST_USE;
void skn_sealer_destroy(struct skn_sealer *sealer);

/* Appends what is stored of `v`, which has secrets: a mark, and the value with each sealed by the key
 * `id`. SKN_ENOKEY: the ring has no such key. SKN_ETOOLARGE: a secret over SKN_SECRET_MAX. SKN_EARGS:
 * something in it is sealed already. SKN_EFULL: the maximum of `out`. Nothing is appended then. */
SKN_MUST_USE enum skn_rc skn_seal(struct skn_sealer *sealer,
                                  const struct skn_keyring *ring,
                                  uint64_t id,
                                  struct skn_slice context,
                                  struct skn_value v,
                                  struct skn_buf *out,
                                  struct skn_diag *diag);

/* Appends `v`, a value behind a mark, with its secrets plain again. SKN_ENOKEY: the ring lacks a key,
 * `diag` says which. SKN_ECORRUPT: it was sealed in another context, or changed since. */
SKN_MUST_USE enum skn_rc skn_unseal(struct skn_sealer *sealer,
                                    const struct skn_keyring *ring,
                                    struct skn_slice context,
                                    struct skn_value v,
                                    struct skn_buf *out,
                                    struct skn_diag *diag);

/* SKN_ETOOLARGE: one of its secrets is over SKN_SECRET_MAX, or with what sealing adds it has more
 * than `size_max` bytes. */
SKN_MUST_USE enum skn_rc skn_seal_check(struct skn_value v, size_t size_max, struct skn_diag *diag);

/* Whether some part of `v` is sealed by another key than `id`. */
bool skn_is_sealed_by_others(struct skn_value v, uint64_t id);

/* --- the cipher itself ---------------------------------------------------------------------------- */

/* AES-SIV with a key of 32, 48 or 64 bytes over associated strings, none of them empty (libcrypto 3.0
 * leaves such out). `out` has room for SKN_SIV_BYTES more than `plain`, which is not empty. */
void skn_siv_seal(struct skn_sealer *sealer,
                  struct skn_slice key,
                  const struct skn_slice *strings,
                  size_t count,
                  struct skn_slice plain,
                  uint8_t *out);
/* False: it is not authentic, and `out` is wiped. `sealed` begins with the IV. */
bool skn_siv_open(struct skn_sealer *sealer,
                  struct skn_slice key,
                  const struct skn_slice *strings,
                  size_t count,
                  struct skn_slice sealed,
                  uint8_t *out) SKN_MUST_USE;
