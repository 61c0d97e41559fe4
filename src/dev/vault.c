/* vault.c - Vault: keeps secrets, compares them, and hands them on. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dev/dev.h"

#include "dev/dev_internal.h"

#include "base/pure.h"

/* Rows: "s" and a name: {secret, size}. */
enum { NAME_MAX_BYTES = 200 };

static struct skn_slice name_of(const struct skn_message *message)
{
    struct skn_slice name = {0};
    return dev_text(message->payload, "name", NAME_MAX_BYTES, &name) ? name : (struct skn_slice){0};
}

/* The secret under a name; none where there is none. */
static struct skn_value secret_in(struct skn_cx *cx, struct skn_slice name)
{
    struct skn_slice bytes;
    if (skn_cx_get(cx, dev_key(cx, 's', name), &bytes) != SKN_OK) return skn_value_none();
    struct skn_value v = dev_member(skn_value_view(bytes), "secret");
    return skn_value_is(v, SKN_T_SECRET) ? v : skn_value_none();
}

static struct skn_slice text_in(struct skn_value secret)
{
    struct skn_value v = skn_value_none();
    if (skn_value_is(secret, SKN_T_SECRET)) v = skn_value_as_secret(secret);
    return skn_value_is(v, SKN_T_STRING) ? skn_value_as_text(v) : (struct skn_slice){0};
}

static struct skn_value
pair(struct skn_cx *cx, const char *key, struct skn_value value, struct skn_value secret)
{
    struct skn_builder *b = dev_map_begin(cx);
    skn_build_key(b, skn_slice_str(key));
    skn_build_value(b, value);
    skn_build_key(b, SKN_LIT("secret"));
    skn_build_value(b, secret);
    return dev_map_end(cx, b);
}

static enum skn_rc put(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    struct skn_slice name = name_of(message);
    struct skn_value secret = dev_member(message->payload, "secret");
    if (name.len == 0 || text_in(secret).len == 0)
        return dev_refuse(cx, message, "{name, secret: a secret text}");
    struct skn_value size = skn_value_int((int64_t)text_in(secret).len);
    skn_cx_put_value(cx, dev_key(cx, 's', name), pair(cx, "size", size, secret));
    skn_cx_reply(cx, secret); /* of which nothing arrives */
    return dev_end(cx, message, diag);
}

static enum skn_rc pass(struct skn_cx *cx, const struct skn_message *message)
{
    struct skn_slice name = name_of(message), to;
    struct skn_value secret = secret_in(cx, name);
    if (!dev_text(message->payload, "to", SKN_ADDRESS_MAX, &to) ||
        !skn_value_is(secret, SKN_T_SECRET))
        return dev_refuse(cx, message, "{name, to}, of a secret that is there");
    struct skn_value payload = pair(cx, "name", skn_value_string(name), secret);
    skn_cx_send(cx, to, message->priority, SKN_LIT("put"), payload);
    return skn_cx_rc(cx);
}

static enum skn_rc check(struct skn_cx *cx, const struct skn_message *message)
{
    struct skn_value secret = dev_member(message->payload, "secret");
    struct skn_slice given = text_in(secret), kept = text_in(secret_in(cx, name_of(message)));
    if (given.len == 0) return dev_refuse(cx, message, "{name, secret: a secret text}");
    skn_cx_reply(cx, skn_value_bool(skn_slice_eq(given, kept)));
    return skn_cx_rc(cx);
}

static enum skn_rc
handle(struct skn_cx *cx, void *warm, const struct skn_message *message, struct skn_diag *diag)
{
    (void)warm;
    if (dev_is(message->name, "put")) return put(cx, message, diag);
    if (dev_is(message->name, "pass")) return pass(cx, message);
    if (dev_is(message->name, "check")) return check(cx, message);
    if (!dev_is(message->name, "get"))
        return dev_refuse(cx, message, "that of put, pass, check or get");
    struct skn_value secret = secret_in(cx, name_of(message));
    skn_cx_reply(cx, secret);
    return skn_cx_rc(cx);
}

const struct skn_program skn_dev_vault = {
    .type = "Vault", .module = 207, .takes_secrets = true, .handle = handle};
