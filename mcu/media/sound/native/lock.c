/* Threads of pictures that hold the interpreter's lock are lent the priority of sound while sound waits for it. */
#include "lock.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    MOST_THREADS = 512, /* that are known; those beyond are lent nothing */
    LENT_PRIORITY = 1,
};

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

void lock_enrol(void)
{
    const PyThreadState *state = PyThreadState_Get();
    pid_t thread = own_id();
    int place = -1;
    /* Any value but NULL: have strike_off called when the thread ends. Without, its place would go on to name it, and
       another thread that gets its number, of whatever program, would be lent priority. */
    if (pthread_setspecific(leaving, &enrolled) != 0)
        return;
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
}

/* The thread that holds the interpreter's lock, if it is enrolled; else 0. To be called without the lock. */
static pid_t holder(void)
{
#if PY_VERSION_HEX < 0x030C0000
    const PyThreadState *state = _PyThreadState_UncheckedGet(); /* until 3.11, of whichever thread runs */
    if (state == NULL)
        return 0;
    pid_t found = 0;
    if (pthread_mutex_trylock(&enrolled_lock) != 0)
        return 0; /* a thread begins or ends; sound waits for none of that */
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

bool lock_prepare(void)
{
    return pthread_key_create(&leaving, strike_off) == 0;
}

pid_t lock_lend(pid_t borrower)
{
    const pid_t found = holder();
    if (found == borrower)
        return borrower;
    if (borrower != 0)
        take_back(borrower);
    return found != 0 && lend(found) ? found : 0;
}

void lock_take_back(pid_t borrower)
{
    if (borrower != 0)
        take_back(borrower);
}

bool lock_take(PyThreadState *own, bool lending)
{
    const pid_t borrower = lending ? lock_lend(0) : 0;
    PyEval_RestoreThread(own);
    if (borrower != 0)
        take_back(borrower);
    return borrower != 0;
}
