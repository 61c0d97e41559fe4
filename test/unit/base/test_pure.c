/* test_pure.c - what base/pure.h forbids does not compile, and what it allows does. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/hash.h"
#include "base/hlc.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/omap.h"
#include "base/rc.h"
#include "base/rng.h"
#include "base/slice.h"
#include "lib/test.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Compiles a file that includes system headers, then pure.h, then says `use`. */
static bool compiles(const char *use)
{
    char path[] = "/tmp/skein-pure-XXXXXX.c";
    int fd = mkstemps(path, 2);
    assert_true(fd >= 0);
    assert_true(dprintf(fd,
                        "#include <fcntl.h>\n#include <pthread.h>\n#include <stdio.h>\n"
                        "#include <stdlib.h>\n#include <string.h>\n#include <time.h>\n"
                        "#include <unistd.h>\n#include \"base/map.h\"\n"
                        "#include \"base/mem.h\"\n#include \"base/pure.h\"\n%s\n",
                        use) > 0);
    assert_int_equal(close(fd), 0);
    /* Arrays, because posix_spawn takes pointers to bytes that it could change. */
    char cc[] = SKN_TEST_CC, standard[] = "-std=c17", gnu[] = "-D_GNU_SOURCE";
    char syntax[] = "-fsyntax-only", quietly[] = "-w", folder[] = "-I" SKN_TEST_SRC;
    char *const args[] = {cc, standard, gnu, syntax, quietly, folder, path, NULL};
    posix_spawn_file_actions_t quiet;
    assert_int_equal(posix_spawn_file_actions_init(&quiet), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0), 0);
    pid_t pid = 0;
    assert_int_equal(posix_spawnp(&pid, args[0], &quiet, NULL, args, environ), 0);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(posix_spawn_file_actions_destroy(&quiet), 0);
    assert_int_equal(unlink(path), 0);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status) == 0;
}

static void the_outside_world_does_not_compile(void **state)
{
    (void)state;
    static const char *const uses[] = {
        "void *f(void) { return malloc(1); }",
        "void f(void *p) { free(p); }",
        "char *f(const char *s) { return strdup(s); }",
        "long f(void) { return time(NULL); }",
        "int f(struct timespec *t) { return clock_gettime(CLOCK_REALTIME, t); }",
        "int f(void) { return rand(); }",
        "char *f(void) { return getenv(\"HOME\"); }",
        "int f(void) { return open(\"/\", O_RDONLY); }",
        "long f(char *p) { return read(0, p, 1); }",
        "long f(char *p) { return write(1, p, 1); }",
        "int f(void) { return printf(\"x\"); }",
        "int f(pthread_t *t, void *(*g)(void *)) { return pthread_create(t, NULL, g, NULL); }",
        "void f(void) { exit(1); }",
        "struct s { int time; };",
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(uses); i++)
        if (compiles(uses[i])) fail_msg("this compiles: %s", uses[i]);
}

static void what_a_pure_module_needs_compiles(void **state)
{
    (void)state;
    assert_true(compiles("void *f(void) { return skn_alloc(1); }\n"
                         "void g(void *p) { skn_free(p); SKN_ASSERT(p); SKN_DASSERT(p); }\n"
                         "int h(char *p, unsigned long n) { return snprintf(p, n, \"%d\", 1); }\n"
                         "int i(const void *p, const void *q) { return memcmp(p, q, 4); }\n"
                         "struct s { long now_ms; };\n"));
}

/* The headers of base stay usable behind it: this file itself is the other half of the test. */
#include "base/pure.h"

static void base_still_works_behind_it(void **state)
{
    (void)state;
    struct skn_hmap map;
    skn_hmap_init(&map, skn_hlc_next(1, 2, 3));
    assert_true(skn_hmap_add(&map, SKN_LIT("a"), NULL));
    SKN_HMAP_FOREACH (entry, &map)
        SKN_ASSERT(skn_slice_eq(entry->key, SKN_LIT("a")));
    skn_hmap_fini(&map);
    struct skn_diag diag;
    assert_int_equal(SKN_FAIL(&diag, SKN_ENOENT, "no \"%s\"", "a"), SKN_ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_outside_world_does_not_compile),
        cmocka_unit_test(what_a_pure_module_needs_compiles),
        cmocka_unit_test(base_still_works_behind_it),
    };
    return cmocka_run_group_tests_name("pure", tests, NULL, NULL);
}
