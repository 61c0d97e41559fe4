/* dev_internal.h - reading payloads, and rows that are numbers.
 *
 * May include base, value, core.
 * Threads     any.
 */
#pragma once

#include "core/cx.h"

static inline bool dev_is(struct skn_slice name, const char *text)
{
    return skn_slice_eq(name, skn_slice_str(text));
}

/* A number of the payload, `otherwise` when it is not there. False: it is no int within the bounds;
 * an `otherwise` outside of them makes it one that must be given. */
bool dev_int(struct skn_value payload,
             const char *name,
             int64_t min,
             int64_t max,
             int64_t otherwise,
             int64_t *out);

/* A text of the payload of 1 to `max` bytes. */
bool dev_text(struct skn_value payload, const char *name, size_t max, struct skn_slice *out);

/* A member, or none. */
struct skn_value dev_member(struct skn_value payload, const char *name);

/* The row's number; 0 when it is not there or no number. */
int64_t dev_row_get(struct skn_cx *cx, struct skn_slice key);
void dev_row_put(struct skn_cx *cx, struct skn_slice key, int64_t n);

/* Adds to a row and gives what it is then. SKN_EFAULT: the sum is no int64. */
enum skn_rc dev_row_add(
    struct skn_cx *cx, struct skn_slice key, int64_t n, int64_t *out, struct skn_diag *diag);

/* A kind and what it is of, in the slice's arena. */
struct skn_slice dev_key(struct skn_cx *cx, char kind, struct skn_slice rest);

/* A map being built in the scratch buffer. */
struct skn_builder *dev_map_begin(struct skn_cx *cx);
void dev_map_int(struct skn_builder *b, const char *name, int64_t n);
struct skn_value dev_map_end(struct skn_cx *cx, struct skn_builder *b);

/* Refuses the request: the payload of this message is not `wanted`. */
enum skn_rc dev_refuse(struct skn_cx *cx, const struct skn_message *message, const char *wanted);

/* SKN_OK, or the fault that the payload asks for. What a handler ends with. */
enum skn_rc dev_end(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag);
