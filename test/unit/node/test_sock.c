/* test_sock.c - the local socket: short and long paths, stale ones, nobody there. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/folder.h"
#include "node/sock_internal.h"

#include <sys/socket.h>

static int setup(void **state)
{
    struct folder *f = calloc(1, sizeof(*f));
    folder_make(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    folder_remove(*state);
    free(*state);
    return 0;
}

static void talk(const char *path)
{
    struct skn_data_dir dir;
    int listener, client;
    assert_int_equal(skn_data_dir_create(path, &dir, NULL), SKN_OK);
    assert_int_equal(skn_sock_connect(&dir, &client, NULL), SKN_ENOENT);
    assert_int_equal(skn_data_dir_lock(&dir, SKN_HOLD_EXCLUSIVE, NULL), SKN_OK);
    assert_int_equal(skn_sock_listen(&dir, &listener, NULL), SKN_OK);
    assert_int_equal(skn_sock_connect(&dir, &client, NULL), SKN_OK);
    int server = accept(listener, NULL, NULL);
    assert_true(server >= 0);
    assert_int_equal(write(client, "x", 1), 1);
    char byte;
    assert_int_equal(read(server, &byte, 1), 1);
    (void)close(server);
    (void)close(client);
    (void)close(listener); /* as a kill leaves it: the name stays */
    assert_int_equal(skn_sock_connect(&dir, &client, NULL), SKN_ENOENT);
    assert_int_equal(skn_sock_listen(&dir, &listener, NULL), SKN_OK);
    assert_int_equal(skn_sock_connect(&dir, &client, NULL), SKN_OK);
    (void)close(client);
    (void)close(listener);
    skn_data_dir_close(&dir);
}

static void a_stale_socket_is_replaced(void **state) /* [E80] */
{
    talk(folder_at(*state, ".skein"));
}

static void paths_of_every_length_work(void **state) /* [E80] */
{
    struct folder *f = *state;
    char name[300] = "";
    for (size_t i = 0; i < 250; i++) {
        name[i] = i % 60 == 59 ? '/' : 'd';
        if (name[i] == '/') {
            name[i] = 0;
            folder_mkdir(f, name);
            name[i] = '/';
        } else if (i > 60 && i < 90) {
            talk(folder_at(f, name)); /* the border between both ways of 100 bytes is in here */
        }
    }
    talk(folder_at(f, name));
}

static void a_full_queue_is_told_apart_from_nobody(void **state)
{
    struct folder *f = *state;
    struct skn_data_dir dir;
    int listener, clients[300];
    size_t count = 0;
    assert_int_equal(skn_data_dir_create(folder_at(f, ".skein"), &dir, NULL), SKN_OK);
    assert_int_equal(skn_data_dir_lock(&dir, SKN_HOLD_EXCLUSIVE, NULL), SKN_OK);
    assert_int_equal(skn_sock_listen(&dir, &listener, NULL), SKN_OK);
    enum skn_rc rc = SKN_OK;
    while (count < 300 && (rc = skn_sock_connect(&dir, &clients[count], NULL)) == SKN_OK)
        count++;
    assert_int_equal(rc, SKN_ELATER);
    assert_true(count >= 64);
    while (count > 0)
        (void)close(clients[--count]);
    (void)close(listener);
    skn_data_dir_close(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stale_socket_is_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(paths_of_every_length_work, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_queue_is_told_apart_from_nobody, setup, teardown),
    };
    return cmocka_run_group_tests_name("sock", tests, NULL, NULL);
}
