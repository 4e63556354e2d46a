/* Waiting for the next tick of sound. */
#include "metronome.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "lock.h"

static const double LONGEST_WAIT = 60.0; /* seconds; a tick is 20 ms */
static const double SECOND = 1e9;
static const double LOOK = 0.001; /* seconds between two looks whether the event loop has got the lock */

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / SECOND;
}

static void sleep_until(double deadline)
{
    const double whole = floor(deadline);
    const struct timespec until = {.tv_sec = (time_t)whole, .tv_nsec = (long)((deadline - whole) * SECOND)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
    }
}

static bool unread(int descriptor)
{
    struct pollfd asked = {.fd = descriptor, .events = POLLIN};
    return poll(&asked, 1, 0) == 1 && (asked.revents & POLLIN) != 0;
}

/* While the event loop has not come to what it was woken for, it may be waiting for the lock: whoever has that is lent
   priority. */
static void watch(int descriptor, double deadline)
{
    pid_t borrower = 0;
    for (double next = now() + LOOK; next < deadline; next += LOOK) {
        sleep_until(next);
        if (!unread(descriptor))
            break;
        borrower = lock_lend(borrower);
    }
    lock_take_back(borrower);
}

PyObject *metronome_wake(PyObject *module, PyObject *argument)
{
    (void)module;
    const long descriptor = PyLong_AsLong(argument);
    if (descriptor == -1 && PyErr_Occurred() != NULL)
        return NULL;
    if (descriptor < 0 || descriptor > INT_MAX) {
        PyErr_SetString(PyExc_ValueError, "no descriptor");
        return NULL;
    }
    const uint64_t one = 1;
    /* Full means that it is to be read already; closed, that nobody will. */
    const ssize_t written = write((int)descriptor, &one, sizeof one);
    return PyBool_FromLong(written == (ssize_t)sizeof one);
}

PyObject *metronome_wait_until(PyObject *module, PyObject *arguments)
{
    (void)module;
    double deadline;
    int lending, watched = -1;
    if (!PyArg_ParseTuple(arguments, "dp|i", &deadline, &lending, &watched))
        return NULL;
    if (!isfinite(deadline) || deadline < 0.0 || deadline > now() + LONGEST_WAIT) {
        PyErr_SetString(PyExc_ValueError, "no time to wait for");
        return NULL;
    }
    PyThreadState *own = PyEval_SaveThread();
    if (lending && watched >= 0)
        watch(watched, deadline);
    sleep_until(deadline);
    return PyBool_FromLong(lock_take(own, lending != 0));
}
