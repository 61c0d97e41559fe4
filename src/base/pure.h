/* pure.h - forbids the outside world: included last by every file of a pure module.
 *
 * Owns        nothing.
 * May include nothing.
 * Threads     any.
 * Invariants
 *   1. A file that includes it last gives the same result on every machine and every run, as far
 *      as the compiler can tell: no clock, no randomness, no environment, no disk, no memory of
 *      its own, no order by address.
 *
 * Any use of these names behind this line does not compile, in gcc and in clang; as the name of a
 * member or a variable too, so say `now_ms` for `time`. Headers before it are not touched. What some
 * libc makes a macro (alloca, setjmp) cannot be listed: poisoning a macro is a warning.
 */
#pragma once

/* Memory: arenas and base/mem.h. */
#pragma GCC poison malloc calloc realloc reallocarray free aligned_alloc posix_memalign
#pragma GCC poison strdup strndup asprintf vasprintf getline getdelim

/* Time: the message's stamp. */
#pragma GCC poison time clock clock_gettime clock_getres gettimeofday timespec_get ftime times
#pragma GCC poison localtime localtime_r gmtime gmtime_r mktime timegm strftime
#pragma GCC poison sleep usleep nanosleep clock_nanosleep

/* Randomness: base/rng.h with a seed that was given. */
#pragma GCC poison rand rand_r srand random srandom drand48 lrand48 mrand48
#pragma GCC poison getrandom getentropy arc4random arc4random_uniform arc4random_buf

/* Where and as what it runs. */
#pragma GCC poison getenv secure_getenv setenv putenv unsetenv setlocale
#pragma GCC poison getpid getppid gettid getuid geteuid gethostname uname sysconf

/* Files, sockets, processes, threads. */
#pragma GCC poison open openat creat fopen fdopen freopen read pread readv write pwrite writev
#pragma GCC poison fread fwrite fprintf vfprintf printf vprintf puts fputs putchar perror
#pragma GCC poison fsync fdatasync sync_file_range ftruncate unlink mkdir opendir stat fstat lstat
#pragma GCC poison mmap munmap socket fork vfork execve execv execvp posix_spawn posix_spawnp
#pragma GCC poison waitpid kill raise pthread_create exit _exit _Exit quick_exit atexit

/* What ends a step other than by its result, or reads text by the machine's language. */
#pragma GCC poison longjmp siglongjmp
#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets atoi atol atof strcoll
