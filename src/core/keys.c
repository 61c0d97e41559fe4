/* keys.c - the keys of the core's rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/look.h"
#include "core/rows_internal.h"

#include <endian.h>

enum { SHARD = 1, DOMAIN_ROWS = 2 };
enum { SHARD_EPOCH = 1, SHARD_SECRET = 2 };
enum {
    DOMAIN_META = 1,
    DOMAIN_TIMER = 2,
    DOMAIN_DEAD = 3,
    DOMAIN_EXCEPTION = 4,
    DOMAIN_RANGE = 5,
    DOMAIN_INDEX = 6,
    DOMAIN_CALL = 7,
    DOMAIN_KEPT = 8,
    DOMAIN_KEPT_BY = 9,
    DOMAIN_OWN = 0x10
};

static inline void put(struct skn_key *key, struct skn_slice bytes)
{
    SKN_ASSERT(bytes.len <= sizeof key->bytes - key->len);
    if (bytes.len > 0) memcpy(key->bytes + key->len, bytes.ptr, bytes.len);
    key->len += bytes.len;
}

static inline void put_u8(struct skn_key *key, uint8_t byte)
{
    SKN_ASSERT(key->len < sizeof key->bytes);
    key->bytes[key->len++] = byte;
}

static inline void put_be64(struct skn_key *key, uint64_t n)
{
    n = htobe64(n);
    put(key, skn_slice(&n, sizeof n));
}

void skn_key_shard(struct skn_key *key, uint8_t kind)
{
    key->len = 0;
    put_u8(key, SHARD);
    put_u8(key, kind);
    put_u8(key, 0);
}

void skn_key_epoch(struct skn_key *key)
{
    skn_key_shard(key, SHARD_EPOCH);
}

void skn_key_secret(struct skn_key *key)
{
    skn_key_shard(key, SHARD_SECRET);
}

void skn_key_timer_index(struct skn_key *key,
                         uint64_t due_stamp,
                         uint64_t number,
                         struct skn_slice address)
{
    skn_key_shard(key, SKN_SHARD_TIMERS);
    put_be64(key, due_stamp);
    put_be64(key, number);
    put(key, address);
}

void skn_key_mailbox(struct skn_key *key, struct skn_slice address)
{
    skn_key_shard(key, SKN_SHARD_MAIL);
    put(key, address);
    put_u8(key, 0);
}

void skn_key_mail_lane(struct skn_key *key, struct skn_slice address, enum skn_priority lane)
{
    skn_key_mailbox(key, address);
    put_u8(key, (uint8_t)lane);
}

void skn_key_mail(struct skn_key *key,
                  struct skn_slice address,
                  enum skn_priority lane,
                  uint64_t number)
{
    skn_key_mail_lane(key, address, lane);
    put_be64(key, number);
}

void skn_key_intents(struct skn_key *key, struct skn_slice address)
{
    skn_key_shard(key, SKN_SHARD_INTENTS);
    put(key, address);
    put_u8(key, 0);
}

void skn_key_intent(struct skn_key *key, struct skn_slice address, uint64_t number)
{
    skn_key_intents(key, address);
    put_be64(key, number);
}

void skn_key_request(struct skn_key *key,
                     struct skn_slice target,
                     struct skn_slice caller,
                     struct skn_slice id)
{
    skn_key_requests(key, target);
    put(key, caller);
    put_u8(key, 0);
    put(key, id);
}

void skn_key_requests(struct skn_key *key, struct skn_slice target)
{
    skn_key_shard(key, SKN_SHARD_REQUESTS);
    put(key, target);
    put_u8(key, 0);
}

void skn_key_caller(struct skn_key *key, struct skn_slice caller)
{
    skn_key_shard(key, SKN_SHARD_CALLERS);
    put(key, caller);
}

void skn_key_sweep(struct skn_key *key)
{
    skn_key_shard(key, SKN_SHARD_SWEEP);
}

void skn_key_domain(struct skn_key *key, struct skn_slice address)
{
    skn_key_shard(key, SKN_SHARD_DOMAINS);
    put(key, address);
}

static void put_be32(struct skn_key *key, uint32_t n)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        put_u8(key, (uint8_t)(n >> shift));
}

static void stream(struct skn_key *key, uint8_t kind, uint32_t shard, unsigned lane)
{
    skn_key_shard(key, kind);
    put_be32(key, shard);
    put_u8(key, (uint8_t)lane);
}

void skn_key_outbox(struct skn_key *key, uint32_t to, unsigned lane, uint64_t number)
{
    stream(key, SKN_SHARD_OUTBOX, to, lane);
    put_be64(key, number);
}

void skn_key_acked(struct skn_key *key, uint32_t to, unsigned lane)
{
    stream(key, SKN_SHARD_ACKED, to, lane);
}

void skn_key_seen(struct skn_key *key, uint32_t from, unsigned lane)
{
    stream(key, SKN_SHARD_SEEN, from, lane);
}

void skn_key_waiting_lane(struct skn_key *key, struct skn_slice target, enum skn_priority lane)
{
    skn_key_shard(key, SKN_SHARD_WAITING);
    put(key, target);
    put_u8(key, 0);
    put_u8(key, (uint8_t)lane);
}

void skn_key_waiting(struct skn_key *key,
                     struct skn_slice target,
                     enum skn_priority lane,
                     uint64_t stamp,
                     struct skn_slice sender,
                     uint64_t number)
{
    skn_key_waiting_lane(key, target, lane);
    put_be64(key, stamp);
    put(key, sender);
    put_u8(key, 0);
    put_be64(key, number);
}

void skn_key_counter(struct skn_key *key, struct skn_slice target, struct skn_slice sender)
{
    skn_key_shard(key, SKN_SHARD_COUNTERS);
    put(key, target);
    put_u8(key, 0);
    put(key, sender);
}

void skn_key_faulted(struct skn_key *key, struct skn_slice target)
{
    skn_key_shard(key, SKN_SHARD_FAULTED);
    put(key, target);
}

void skn_key_lease(struct skn_key *key, struct skn_slice hash)
{
    skn_key_shard(key, SKN_SHARD_LEASES);
    SKN_ASSERT(hash.len == SKN_VALUE_HASH_BYTES);
    memcpy(key->bytes + key->len, hash.ptr, hash.len);
    key->len += hash.len;
}

void skn_key_sealing(struct skn_key *key)
{
    skn_key_shard(key, SKN_SHARD_SEALING);
}

void skn_key_sealed(struct skn_key *key, struct skn_slice address)
{
    skn_key_shard(key, SKN_SHARD_SEALED);
    put(key, address);
}

void skn_key_busy(struct skn_key *key, struct skn_slice address)
{
    skn_key_shard(key, SKN_SHARD_BUSY);
    put(key, address);
}

static void domain(struct skn_key *key, struct skn_slice address, uint8_t kind)
{
    key->len = 0;
    put_u8(key, DOMAIN_ROWS);
    put(key, address);
    put_u8(key, 0);
    put_u8(key, kind);
}

void skn_key_meta(struct skn_key *key, struct skn_slice address)
{
    domain(key, address, DOMAIN_META);
}

void skn_key_timers(struct skn_key *key, struct skn_slice address)
{
    domain(key, address, DOMAIN_TIMER);
}

void skn_key_timer(struct skn_key *key, struct skn_slice address, uint64_t number)
{
    skn_key_timers(key, address);
    put_be64(key, number);
}

void skn_key_kept_all(struct skn_key *key, struct skn_slice address)
{
    domain(key, address, DOMAIN_KEPT);
}

void skn_key_kept(struct skn_key *key, struct skn_slice address, uint64_t number)
{
    skn_key_kept_all(key, address);
    put_be64(key, number);
}

void skn_key_kept_by(struct skn_key *key,
                     struct skn_slice address,
                     struct skn_slice caller,
                     uint64_t number,
                     uint64_t called)
{
    domain(key, address, DOMAIN_KEPT_BY);
    put(key, caller);
    put_u8(key, 0);
    put_be64(key, number);
    put_be64(key, called);
}

void skn_key_calls(struct skn_key *key, struct skn_slice address)
{
    domain(key, address, DOMAIN_CALL);
}

void skn_key_call(struct skn_key *key, struct skn_slice address, uint64_t number)
{
    domain(key, address, DOMAIN_CALL);
    put_be64(key, number);
}

void skn_key_dead(struct skn_key *key, struct skn_slice address, uint64_t number)
{
    domain(key, address, DOMAIN_DEAD);
    put_be64(key, number);
}

void skn_key_range(struct skn_key *key, struct skn_slice address, uint64_t number)
{
    domain(key, address, DOMAIN_RANGE);
    put_be64(key, number);
}

void skn_key_exception(struct skn_key *key,
                       struct skn_slice address,
                       uint64_t number,
                       struct skn_slice own)
{
    domain(key, address, DOMAIN_EXCEPTION);
    put_be64(key, number);
    put(key, own);
}

void skn_key_dead_payload(struct skn_key *key)
{
    put_u8(key, 1);
}

void skn_key_own(struct skn_key *key, struct skn_slice address, struct skn_slice own)
{
    domain(key, address, DOMAIN_OWN);
    put(key, own);
}

void skn_key_index(struct skn_key *key, struct skn_slice address, uint8_t index)
{
    domain(key, address, DOMAIN_INDEX);
    put_u8(key, index);
}

bool skn_key_is_index(struct skn_slice key, struct skn_slice *out_address)
{
    if (key.len < 3 || key.ptr[0] != DOMAIN_ROWS) return false;
    const uint8_t *zero = memchr(key.ptr + 1, 0, key.len - 1);
    if (!zero || zero + 1 == key.ptr + key.len || zero[1] != DOMAIN_INDEX) return false;
    *out_address = skn_slice(key.ptr + 1, (size_t)(zero - key.ptr) - 1);
    return true;
}

void skn_key_end(struct skn_key *key)
{
    while (key->len > 0 && key->bytes[key->len - 1] == 0xff)
        key->len--;
    SKN_ASSERT(key->len > 0);
    key->bytes[key->len - 1]++;
}

struct skn_slice skn_key_after(struct skn_arena *arena, struct skn_slice prefix)
{
    /* Every key begins with a byte below 0xff, so the step up never runs out of bytes. */
    while (prefix.len > 0 && prefix.ptr[prefix.len - 1] == 0xff)
        prefix.len--;
    SKN_ASSERT(prefix.len > 0);
    uint8_t *bytes = skn_arena_alloc(arena, prefix.len);
    memcpy(bytes, prefix.ptr, prefix.len);
    bytes[prefix.len - 1]++;
    return skn_slice(bytes, prefix.len);
}

enum skn_rc skn_key_split(struct skn_slice key,
                          struct skn_slice *out_address,
                          struct skn_slice *out_rest,
                          struct skn_diag *diag)
{
    if (key.len <= SKN_SHARD_HEAD)
        return SKN_CORRUPT(diag, "a row has a key of %zu bytes", key.len);
    struct skn_slice behind = skn_slice_from(key, SKN_SHARD_HEAD);
    const uint8_t *zero = memchr(behind.ptr, 0, behind.len);
    if (!zero) return SKN_CORRUPT(diag, "a row has a key without an end of its address");
    size_t len = (size_t)(zero - behind.ptr);
    *out_address = skn_slice(behind.ptr, len);
    *out_rest = skn_slice_from(behind, len + 1);
    return SKN_OK;
}

/* The number behind an address, where a key has it and nothing else. */
static bool read_number(struct skn_slice rest, size_t skip, struct skn_key_info *out)
{
    if (rest.len != skip + 8) return false;
    out->number = 0;
    for (size_t i = skip; i < rest.len; i++)
        out->number = out->number << 8 | rest.ptr[i];
    return true;
}

/* lane:1 stamp:8 sender 00 number:8, behind the target. */
static bool read_waiting(struct skn_slice rest, struct skn_key_info *out)
{
    if (rest.len < 18 || rest.ptr[0] >= SKN_PRIORITIES) return false;
    out->lane = (enum skn_priority)rest.ptr[0];
    return read_number(skn_slice_from(rest, rest.len - 8), 0, out);
}

/* to:4 lane:1 number:8, without an address; notes have a lane of their own. */
static bool read_outbox(struct skn_slice key, struct skn_key_info *out)
{
    if (key.len != SKN_SHARD_HEAD + 13 || key.ptr[SKN_SHARD_HEAD + 4] >= SKN_PRIORITIES)
        return false;
    out->lane = (enum skn_priority)key.ptr[SKN_SHARD_HEAD + 4];
    return read_number(skn_slice_from(key, SKN_SHARD_HEAD + 5), 0, out);
}

static enum skn_key_kind
read_shard_key(uint8_t kind, struct skn_slice rest, struct skn_key_info *out)
{
    if (kind == SKN_SHARD_WAITING && read_waiting(rest, out)) return SKN_KEY_WAITING;
    if (kind == SKN_SHARD_REQUESTS) return SKN_KEY_REQUEST;
    if (kind == SKN_SHARD_INTENTS && read_number(rest, 0, out)) return SKN_KEY_INTENT;
    if (kind != SKN_SHARD_MAIL || !read_number(rest, 1, out)) return SKN_KEY_OTHER;
    if (rest.ptr[0] >= SKN_LANES) return SKN_KEY_OTHER;
    out->lane = (enum skn_priority)rest.ptr[0];
    return SKN_KEY_MAIL;
}

static enum skn_key_kind
read_domain_key(uint8_t kind, struct skn_slice rest, struct skn_key_info *out)
{
    if (kind == DOMAIN_META && rest.len == 0) return SKN_KEY_META;
    if (kind == DOMAIN_TIMER && read_number(rest, 0, out)) return SKN_KEY_TIMER;
    if (kind == DOMAIN_DEAD && read_number(rest, 0, out)) return SKN_KEY_DEAD;
    if (kind == DOMAIN_CALL && read_number(rest, 0, out)) return SKN_KEY_CALL;
    if (kind != DOMAIN_OWN) return SKN_KEY_OTHER;
    out->own = rest;
    return SKN_KEY_OWN;
}

void skn_key_read(struct skn_slice key, struct skn_key_info *out)
{
    *out = (struct skn_key_info){.kind = SKN_KEY_OTHER};
    if (key.len > SKN_SHARD_HEAD && key.ptr[0] == SHARD && key.ptr[1] == SKN_SHARD_OUTBOX) {
        if (read_outbox(key, out)) out->kind = SKN_KEY_OUTBOX;
        return;
    }
    /* In front of the address. */
    size_t skip = key.len > SKN_SHARD_HEAD && key.ptr[0] == SHARD ? SKN_SHARD_HEAD : 1;
    if (key.len <= skip || (key.ptr[0] != SHARD && key.ptr[0] != DOMAIN_ROWS)) return;
    const uint8_t *zero = memchr(key.ptr + skip, 0, key.len - skip);
    if (!zero) return;
    struct skn_slice address = skn_slice(key.ptr + skip, (size_t)(zero - key.ptr) - skip);
    struct skn_slice rest = skn_slice_from(key, skip + address.len + 1);
    if (key.ptr[0] == SHARD)
        out->kind = read_shard_key(key.ptr[1], rest, out);
    else if (rest.len > 0)
        out->kind = read_domain_key(rest.ptr[0], skn_slice_from(rest, 1), out);
    if (out->kind != SKN_KEY_OTHER) out->address = address;
}
