/* The interpreter's lock, as sound takes it.

   Who wakes in time still has to wait for the interpreter's lock. The thread that has it may be one of pictures, which
   the system has put off in favour of other programs; then sound, however high its own priority, waits for those. So
   whoever holds the lock is lent the priority of sound until it lets go, which is at most the interpreter's switch
   interval later. */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <sys/types.h>

/* Once, before all else; false when there is no memory. */
bool lock_prepare(void);

/* The calling thread, which has the lock, may be lent priority from now on, until it ends. */
void lock_enrol(void);

/* Lend whoever is enrolled and has the lock now, and take back from ``borrower``, who had it before, if that is another;
   0 stands for nobody. Returns who has borrowed now. To be called without the lock. */
pid_t lock_lend(pid_t borrower);
void lock_take_back(pid_t borrower);

/* Instead of PyEval_RestoreThread; with ``lending``, whoever is enrolled and has the lock is lent priority meanwhile.
   Returns whether there was one. */
bool lock_take(PyThreadState *own, bool lending);
