/* Opus for all listeners of a tick at once: the interpreter's lock is let go once, and taken once. */
#include "opus.h"

#include <stdint.h>

#include "lock.h"

enum {
    MOST_JOBS = 4096,
    MOST_SAMPLES = 5760, /* 120 ms at 48 kHz (RFC 6716 section 3.2.5) */
    MOST_CHANNELS = 2,
};

/* opus_encode_float of <opus.h>. */
typedef int32_t (*Encode)(void *encoder, const float *sound, int samples, unsigned char *data, int32_t most);

typedef struct {
    void *encoder;
    int samples;
    int32_t result;
    Py_buffer sound;
    Py_buffer data;
} Job;

/* Read one job; false, with an exception, when it does not fit together. */
static bool read_job(PyObject *item, Job *job)
{
    unsigned long long encoder;
    PyObject *sound, *data;
    int channels;
    if (!PyTuple_Check(item)) {
        PyErr_SetString(PyExc_TypeError, "a job is a tuple");
        return false;
    }
    if (!PyArg_ParseTuple(item, "KiOO", &encoder, &channels, &sound, &data))
        return false;
    if (PyObject_GetBuffer(sound, &job->sound, PyBUF_C_CONTIGUOUS) < 0)
        return false;
    if (PyObject_GetBuffer(data, &job->data, PyBUF_WRITABLE) < 0) {
        PyBuffer_Release(&job->sound);
        return false;
    }
    const Py_ssize_t size = (Py_ssize_t)sizeof(float) * channels;
    const bool fits = encoder != 0 && channels >= 1 && channels <= MOST_CHANNELS && job->sound.len % size == 0 &&
                      job->sound.len / size <= MOST_SAMPLES && job->data.len > 0 && job->data.len <= INT32_MAX;
    if (!fits) {
        PyBuffer_Release(&job->sound);
        PyBuffer_Release(&job->data);
        PyErr_SetString(PyExc_ValueError, "a job does not fit together");
        return false;
    }
    job->encoder = (void *)(uintptr_t)encoder;
    job->samples = (int)(job->sound.len / size);
    return true;
}

static void release(Job *jobs, Py_ssize_t count)
{
    for (Py_ssize_t index = 0; index < count; index++) {
        PyBuffer_Release(&jobs[index].sound);
        PyBuffer_Release(&jobs[index].data);
    }
    PyMem_Free(jobs);
}

static PyObject *results_of(const Job *jobs, Py_ssize_t count)
{
    PyObject *results = PyList_New(count);
    for (Py_ssize_t index = 0; results != NULL && index < count; index++) {
        PyObject *result = PyLong_FromLong(jobs[index].result);
        if (result == NULL)
            Py_CLEAR(results);
        else
            PyList_SET_ITEM(results, index, result);
    }
    return results;
}

PyObject *opus_encode_all(PyObject *module, PyObject *arguments)
{
    (void)module;
    unsigned long long address;
    PyObject *items;
    if (!PyArg_ParseTuple(arguments, "KO!", &address, &PyList_Type, &items))
        return NULL;
    const Py_ssize_t count = PyList_GET_SIZE(items);
    if (address == 0 || count > MOST_JOBS) {
        PyErr_SetString(PyExc_ValueError, "no function, or too many jobs");
        return NULL;
    }
    const Encode encode = (Encode)(uintptr_t)address;
    Job *jobs = PyMem_Calloc(count > 0 ? (size_t)count : 1, sizeof(Job));
    if (jobs == NULL)
        return PyErr_NoMemory();
    for (Py_ssize_t index = 0; index < count; index++) {
        if (!read_job(PyList_GET_ITEM(items, index), &jobs[index])) {
            release(jobs, index);
            return NULL;
        }
    }
    if (count > 0) {
        PyThreadState *own = PyEval_SaveThread();
        for (Py_ssize_t index = 0; index < count; index++) {
            Job *job = &jobs[index];
            job->result = encode(job->encoder, job->sound.buf, job->samples, job->data.buf, (int32_t)job->data.len);
        }
        (void)lock_take(own, true);
    }
    PyObject *results = results_of(jobs, count);
    release(jobs, count);
    return results;
}
