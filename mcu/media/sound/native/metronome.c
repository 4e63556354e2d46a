/* Waiting for the next tick of sound: module ``mcu.media.sound._metronome``.

   Who wakes in time still has to wait for the interpreter's lock. The thread that has it may be one of pictures, which
   the system has put off in favour of other programs; then sound, however high its own priority, waits for those. So
   whoever holds the lock is lent the priority of sound until it lets go, which is at most the interpreter's switch
   interval later. */
#define PY_SSIZE_T_CLEAN
#define _GNU_SOURCE
#include <Python.h>

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    MOST_THREADS = 512, /* that are known; those beyond are lent nothing */
    LENT_PRIORITY = 1,
};

static const double LONGEST_WAIT = 60.0; /* seconds; a tick is 20 ms */
static const double SECOND = 1e9;

/* A thread that may hold the lock: the interpreter's name for it, never looked into, and the system's. */
typedef struct {
    const PyThreadState *state;
    pid_t thread;
} Enrolled;

static Enrolled enrolled[MOST_THREADS];
static pthread_mutex_t enrolled_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t leaving;

static pid_t own_id(void)
{
    return (pid_t)syscall(SYS_gettid);
}

static void strike_off(void *unused)
{
    (void)unused;
    pid_t thread = own_id();
    pthread_mutex_lock(&enrolled_lock);
    for (int index = 0; index < MOST_THREADS; index++)
        if (enrolled[index].thread == thread)
            enrolled[index] = (Enrolled){NULL, 0};
    pthread_mutex_unlock(&enrolled_lock);
}

static PyObject *enrol(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    const PyThreadState *state = PyThreadState_Get();
    pid_t thread = own_id();
    int place = -1;
    pthread_mutex_lock(&enrolled_lock);
    for (int index = MOST_THREADS - 1; index >= 0; index--) {
        if (enrolled[index].state == state) {
            place = index;
            break;
        }
        if (enrolled[index].state == NULL)
            place = index;
    }
    if (place >= 0)
        enrolled[place] = (Enrolled){state, thread};
    pthread_mutex_unlock(&enrolled_lock);
    pthread_setspecific(leaving, &enrolled); /* any value but NULL: have strike_off called when the thread ends */
    Py_RETURN_NONE;
}

/* The thread that holds the interpreter's lock, if it is enrolled; else 0. To be called without the lock. */
static pid_t holder(void)
{
#if PY_VERSION_HEX < 0x030C0000
    const PyThreadState *state = _PyThreadState_UncheckedGet(); /* until 3.11, of whichever thread runs */
    if (state == NULL)
        return 0;
    pid_t found = 0;
    pthread_mutex_lock(&enrolled_lock);
    for (int index = 0; index < MOST_THREADS && found == 0; index++)
        if (enrolled[index].state == state)
            found = enrolled[index].thread;
    pthread_mutex_unlock(&enrolled_lock);
    return found;
#else
    return 0;
#endif
}

/* Whether the thread runs at ordinary priority and now has that of sound. */
static bool lend(pid_t thread)
{
    const struct sched_param parameters = {.sched_priority = LENT_PRIORITY};
    return (sched_getscheduler(thread) & ~SCHED_RESET_ON_FORK) == SCHED_OTHER &&
           sched_setscheduler(thread, SCHED_RR | SCHED_RESET_ON_FORK, &parameters) == 0;
}

static void take_back(pid_t thread)
{
    const struct sched_param parameters = {.sched_priority = 0};
    /* The flag stays, for to take it away would need a greater right. A thread that is gone does not mind. */
    (void)sched_setscheduler(thread, SCHED_OTHER | SCHED_RESET_ON_FORK, &parameters);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / SECOND;
}

static PyObject *wait_until(PyObject *module, PyObject *arguments)
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
    pid_t borrower = 0;
    PyThreadState *own = PyEval_SaveThread();
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
    }
    if (lending) {
        borrower = holder();
        if (borrower != 0 && !lend(borrower))
            borrower = 0;
    }
    PyEval_RestoreThread(own);
    if (borrower != 0)
        take_back(borrower);
    return PyBool_FromLong(borrower != 0);
}

static PyMethodDef functions[] = {
    {"enrol", enrol, METH_NOARGS, NULL},
    {"wait_until", wait_until, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_metronome",
    .m_doc = "Waiting for the next tick of sound; see the stub file for what is here.",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit__metronome(void)
{
    if (pthread_key_create(&leaving, strike_off) != 0)
        return PyErr_NoMemory();
    return PyModule_Create(&definition);
}
