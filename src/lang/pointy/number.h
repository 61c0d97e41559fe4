/* number.h - whole numbers, durations, sizes and versions, for text and YAML alike.
 *
 * Owns        nothing.
 * May include base.
 * Threads     any.
 */
#pragma once

#include "base/slice.h"

enum skn_number_result {
    SKN_NUMBER_OK,
    SKN_NUMBER_MALFORMED,
    SKN_NUMBER_TOO_LARGE, /* well formed, but over its limit */
};

/* Digits only. */
enum skn_number_result skn_number_whole(struct skn_slice text, uint64_t max, uint64_t *out);

/* Digits with an optional sign, inside 64 bits. */
enum skn_number_result skn_number_int(struct skn_slice text, int64_t *out);

/* INT and one of ms s m h d. */
enum skn_number_result skn_number_duration(struct skn_slice text, uint64_t *out_ms);

/* A number of seconds, whole or with a fraction (of which milliseconds count), no exponent. */
enum skn_number_result skn_number_seconds(struct skn_slice text, uint64_t *out_ms);

/* Digits and up to three behind a point, times 1000. */
enum skn_number_result skn_number_milli(struct skn_slice text, uint64_t max, uint64_t *out_milli);

/* INT and one of B KiB MiB GiB TiB. */
enum skn_number_result skn_number_size(struct skn_slice text, uint64_t *out_bytes);

/* [ "v" ] INT [ "." INT [ "." INT ] ]; missing parts are 0. */
enum skn_number_result skn_number_version(struct skn_slice text, uint32_t out[3]);

/* A JSON number that is no int: fraction, exponent or both, sign allowed. */
bool skn_number_is_float(struct skn_slice text);
