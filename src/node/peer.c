/* peer.c - one connection of the holder: frames in, answers out, both within limits. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/peer_internal.h"

#include "base/mem.h"
#include "node/answer_internal.h"
#include "node/frame_internal.h"
#include "value/json.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 64 << 10, ERROR_TEXT_MAX = 16 << 10 };

struct answer {
    struct skn_list link;
    struct skn_buf id; /* the encoded `id` of a view; empty for what is not one */
    size_t len;
    uint8_t json[];
};

struct skn_peer *skn_peer_create(int fd, uint64_t number)
{
    struct skn_peer *peer = skn_alloc(sizeof(*peer));
    *peer = (struct skn_peer){.fd = fd, .number = number};
    skn_list_init(&peer->link);
    skn_list_init(&peer->queue);
    skn_buf_init(&peer->in, SKN_FRAME_HEAD + (size_t)SKN_FRAME_MAX + READ_BYTES);
    skn_buf_init(&peer->out, SKN_FRAME_HEAD + (size_t)SKN_FRAME_MAX);
    return peer;
}

static void drop_answer(struct skn_peer *peer, struct answer *answer)
{
    skn_list_remove(&answer->link);
    peer->queue_count--;
    peer->queue_bytes -= answer->len;
    skn_buf_fini(&answer->id);
    skn_free(answer);
}

void skn_peer_destroy(struct skn_peer *peer)
{
    if (!peer) return;
    SKN_LIST_FOREACH_SAFE (link, after, &peer->queue)
        drop_answer(peer, SKN_CONTAINER_OF(link, struct answer, link));
    skn_list_remove(&peer->link);
    (void)close(peer->fd);
    skn_buf_fini(&peer->in);
    skn_buf_fini(&peer->out);
    skn_free(peer);
}

void skn_peer_read(struct skn_peer *peer)
{
    uint8_t *room = skn_buf_reserve(&peer->in, READ_BYTES);
    if (!room) {
        peer->gone = true; /* it has not read its answers, and asks on without waiting */
        return;
    }
    ssize_t n = recv(peer->fd, room, READ_BYTES, 0);
    if (n > 0) {
        skn_buf_commit(&peer->in, (size_t)n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        peer->gone = true;
    }
}

enum skn_rc skn_peer_next(struct skn_peer *peer, struct skn_buf *out, struct skn_diag *diag)
{
    struct skn_slice body;
    size_t used;
    enum skn_rc rc = skn_frame_next(skn_buf_slice(&peer->in), &body, &used, diag);
    if (rc != SKN_OK) return rc;
    skn_buf_reset(out);
    const struct skn_json_options options = {.text_max = SKN_FRAME_MAX};
    rc = skn_json_parse(body, &options, out, diag);
    size_t left = peer->in.len - used;
    memmove(peer->in.ptr, peer->in.ptr + used, left);
    peer->in.len = left;
    return rc == SKN_OK ? SKN_OK : SKN_ESYNTAX;
}

/* The id of an answer that shows a run and can be followed by a newer one; false for all others.
 * What the engine answers is JSON, so a failure to read it means that it is none of these. */
static bool is_view(struct skn_slice json, struct skn_buf *out_id, bool *out_is_final)
{
    struct skn_buf scratch;
    skn_buf_init(&scratch, SKN_PEER_QUEUE_BYTES_MAX);
    struct skn_value value, type, id = skn_value_none();
    bool is = skn_json_parse(json, NULL, &scratch, NULL) == SKN_OK;
    if (is) {
        value = skn_value_view(skn_buf_slice(&scratch));
        is = skn_map_get(value, SKN_LIT("type"), &type) && skn_value_is(type, SKN_T_STRING) &&
             skn_slice_eq(skn_value_as_text(type), SKN_LIT("run")) &&
             skn_map_get(value, SKN_LIT("id"), &id);
        if (is) skn_value_encode(id, out_id);
        *out_is_final = is && skn_answer_is_final(value);
    }
    skn_buf_fini(&scratch);
    return is;
}

static struct answer *waiting_view(const struct skn_peer *peer, struct skn_slice id)
{
    SKN_LIST_FOREACH (link, &peer->queue) {
        struct answer *answer = SKN_CONTAINER_OF(link, struct answer, link);
        if (answer->id.len > 0 && skn_slice_eq(skn_buf_slice(&answer->id), id)) return answer;
    }
    return NULL;
}

/* Puts an answer behind the others, or in place of the older view of the same request. */
static void enqueue(struct skn_peer *peer, struct skn_slice json)
{
    struct answer *answer = skn_alloc(sizeof(*answer) + json.len);
    answer->len = json.len;
    skn_list_init(&answer->link);
    skn_buf_init(&answer->id, SKN_FRAME_MAX);
    memcpy(answer->json, json.ptr, json.len);
    bool is_final = false;
    struct answer *older = NULL;
    /* Reading the answer costs; only one that has to wait is worth it. */
    if (skn_peer_wants_to_write(peer) && is_view(json, &answer->id, &is_final))
        older = waiting_view(peer, skn_buf_slice(&answer->id));
    if (is_final) skn_buf_reset(&answer->id);
    if (older) {
        skn_list_insert_after(&older->link, &answer->link);
        drop_answer(peer, older);
    } else {
        skn_list_push_back(&peer->queue, &answer->link);
    }
    peer->queue_count++;
    peer->queue_bytes += json.len;
}

void skn_peer_answer(struct skn_peer *peer, struct skn_slice json)
{
    if (peer->gone) return;
    if (json.len > SKN_FRAME_MAX) {
        peer->gone = true; /* the engine keeps answers below this; a client must not wait for it */
        return;
    }
    enqueue(peer, json);
    skn_peer_write(peer);
    if (peer->queue_count > SKN_PEER_QUEUE_MAX || peer->queue_bytes > SKN_PEER_QUEUE_BYTES_MAX)
        peer->gone = true;
}

void skn_peer_error(struct skn_peer *peer, struct skn_value id, const struct skn_diag *diag)
{
    const struct skn_rc_info *info = skn_rc_info(diag->rc);
    struct skn_buf text;
    struct skn_json_writer w;
    skn_buf_init(&text, ERROR_TEXT_MAX);
    skn_json_begin(&w, &text, SKN_JSON_PLAIN);
    skn_json_object_begin(&w);
    skn_json_key_str(&w, "type");
    skn_json_str(&w, "error");
    skn_json_key_str(&w, "id");
    skn_json_value(&w, id);
    skn_json_key_str(&w, "code");
    skn_json_str(&w, info->name);
    skn_json_key_str(&w, "message");
    skn_json_any_text(&w, skn_slice_str(diag->text[0] ? diag->text : info->text));
    skn_json_key_str(&w, "exit");
    skn_json_int(&w, info->exit_code);
    skn_json_object_end(&w);
    /* The id is the client's; one that cannot be written back gets no answer but the end. */
    if (skn_json_end(&w, NULL) == SKN_OK) {
        skn_peer_answer(peer, skn_buf_slice(&text));
    } else {
        peer->gone = true;
    }
    skn_buf_fini(&text);
}

/* The next answer becomes the frame that is written. */
static bool load_next(struct skn_peer *peer)
{
    struct skn_list *first = skn_list_first(&peer->queue);
    if (!first) return false;
    struct answer *answer = SKN_CONTAINER_OF(first, struct answer, link);
    skn_buf_reset(&peer->out);
    skn_frame_put(&peer->out, skn_slice(answer->json, answer->len));
    peer->out_at = 0;
    drop_answer(peer, answer);
    return true;
}

void skn_peer_write(struct skn_peer *peer)
{
    while (!peer->gone && (peer->out_at < peer->out.len || load_next(peer))) {
        ssize_t n = send(
            peer->fd, peer->out.ptr + peer->out_at, peer->out.len - peer->out_at, MSG_NOSIGNAL);
        if (n >= 0) {
            peer->out_at += (size_t)n;
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR) {
            peer->gone = true;
        }
    }
}
