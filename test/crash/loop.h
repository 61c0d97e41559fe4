/* loop.h - a real file system on a loop device, whose power can fail.
 *
 * Needs CAP_SYS_ADMIN and loop devices. The mounts are in a name space of our own and the loop device
 * detaches itself when nobody has it open: both are gone when this process is, however it ends.
 */
#pragma once

#include "lib/folder.h"

#include <errno.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>

enum { LOOP_BYTES = 512 << 20, LOOP_NO_LOG_FLUSH = 2 };

/* The same number for ext4 (EXT4_IOC_SHUTDOWN) and xfs (XFS_IOC_GOINGDOWN). */
#define LOOP_SHUT_DOWN _IOR('X', 125, uint32_t)

struct loop {
    struct folder folder; /* image and mount point */
    char image[FOLDER_PATH_MAX], at[FOLDER_PATH_MAX], device[32];
    const char *type; /* "ext4" or "xfs" */
    int fd;
    bool is_mounted;
};

static bool attach(struct loop *d)
{
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    int image = open(d->image, O_RDWR | O_CLOEXEC);
    assert_true(image >= 0);
    d->fd = -1;
    for (int i = 0; control >= 0 && d->fd < 0 && i < 20; i++) {
        int number = ioctl(control, LOOP_CTL_GET_FREE);
        if (number < 0) break;
        (void)snprintf(d->device, sizeof d->device, "/dev/loop%d", number);
        int fd = open(d->device, O_RDWR | O_CLOEXEC);
        const struct loop_config config = {.fd = (uint32_t)image,
                                           .info.lo_flags = LO_FLAGS_AUTOCLEAR};
        if (fd < 0) break;
        if (ioctl(fd, LOOP_CONFIGURE, &config) == 0)
            d->fd = fd;
        else
            (void)close(fd); /* another process was faster */
    }
    (void)close(image);
    if (control >= 0) (void)close(control);
    return d->fd >= 0;
}

static bool format(const struct loop *d)
{
    char program[16];
    const char *force = strcmp(d->type, "xfs") == 0 ? "-f" : "-F";
    int status;
    (void)snprintf(program, sizeof program, "mkfs.%s", d->type);
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_RDWR);
        if (null < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0) _exit(121);
        (void)setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
        (void)execlp(program, program, "-q", force, d->image, (char *)NULL);
        _exit(123);
    }
    return waitpid(child, &status, 0) == child && status == 0;
}

static bool mounts(struct loop *d)
{
    d->is_mounted = mount(d->device, d->at, d->type, 0, NULL) == 0;
    return d->is_mounted;
}

static void unmounts(struct loop *d)
{
    for (int i = 0; d->is_mounted && i < 100; i++) {
        d->is_mounted = umount(d->at) != 0;
        if (d->is_mounted) (void)usleep(20000);
    }
    if (d->is_mounted) fail_msg("could not unmount %s: %s", d->at, strerror(errno));
}

/* The file system stops where it stands: what it has not written is gone. Whoever works on it is frozen. */
static void cuts_power(struct loop *d)
{
    uint32_t how = LOOP_NO_LOG_FLUSH;
    int at = open(d->at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(at >= 0);
    if (ioctl(at, LOOP_SHUT_DOWN, &how) != 0) fail_msg("no shutdown: %s", strerror(errno));
    (void)close(at);
}

static void mounts_again(struct loop *d)
{
    unmounts(d);
    if (!mounts(d)) fail_msg("could not mount again: %s", strerror(errno));
}

static void loop_fini(struct loop *d)
{
    if (d->is_mounted) (void)umount2(d->at, MNT_DETACH);
    if (d->fd >= 0) (void)close(d->fd);
    folder_remove(&d->folder);
}

/* NULL, or why it cannot be. */
static const char *loop_init(struct loop *d, const char *type)
{
    *d = (struct loop){.type = type, .fd = -1};
    folder_make(&d->folder);
    folder_mkdir(&d->folder, "at");
    (void)snprintf(d->at, sizeof d->at, "%s", folder_at(&d->folder, "at"));
    (void)snprintf(d->image, sizeof d->image, "%s", folder_at(&d->folder, "image"));
    int fd = open(d->image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && ftruncate(fd, LOOP_BYTES) == 0);
    (void)close(fd);
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return "no right to mount";
    if (!format(d)) return "no mkfs for this file system";
    if (!attach(d)) return "no loop device";
    if (!mounts(d)) return "the kernel does not mount it";
    return NULL;
}
