/* Waiting for the next tick of sound. */
#include "metronome.h"

#include <errno.h>
#include <math.h>
#include <time.h>

#include "lock.h"

static const double LONGEST_WAIT = 60.0; /* seconds; a tick is 20 ms */
static const double SECOND = 1e9;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / SECOND;
}

PyObject *metronome_wait_until(PyObject *module, PyObject *arguments)
{
    (void)module;
    double deadline;
    int lending;
    if (!PyArg_ParseTuple(arguments, "dp", &deadline, &lending))
        return NULL;
    if (!isfinite(deadline) || deadline < 0.0 || deadline > now() + LONGEST_WAIT) {
        PyErr_SetString(PyExc_ValueError, "no time to wait for");
        return NULL;
    }
    const double whole = floor(deadline);
    const struct timespec until = {.tv_sec = (time_t)whole, .tv_nsec = (long)((deadline - whole) * SECOND)};
    PyThreadState *own = PyEval_SaveThread();
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
    }
    return PyBool_FromLong(lock_take(own, lending != 0));
}
