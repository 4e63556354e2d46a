/* ``Srtp``: one direction of SRTP for Python, a batch of packets at a time. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <string.h>

#include "names.h"
#include "objects.h"
#include "srtp.h"
#include "srtp_type.h"

typedef struct {
    PyObject_HEAD
    struct srtp srtp;
    bool begun, busy;
    unsigned long long malformed, forged, replayed, exhausted;
} SrtpObject;

static int srtp_init(SrtpObject *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"suite", "material", "inbound", NULL};
    const char *name;
    Py_buffer material;
    int inbound;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "sy*$p", names, &name, &material, &inbound))
        return -1;
    int result = -1;
    enum srtp_suite suite;
    if (self->begun)
        PyErr_SetString(PyExc_RuntimeError, "keys are given once");
    else if (suite_of_name(name, (size_t)material.len, &suite)) {
        if (srtp_begin(&self->srtp, suite, material.buf, inbound))
            result = 0, self->begun = true;
        else
            PyErr_NoMemory();
    }
    PyBuffer_Release(&material);
    return result;
}

static void srtp_dealloc(SrtpObject *self)
{
    if (self->begun)
        srtp_end(&self->srtp);
    object_free((PyObject *)self);
}

static bool ready(SrtpObject *self)
{
    if (!self->begun)
        PyErr_SetString(PyExc_RuntimeError, "there are no keys");
    return self->begun && !is_in_use(self->busy);
}

static void count(SrtpObject *self, enum srtp_result result)
{
    self->malformed += result == SRTP_MALFORMED;
    self->forged += result == SRTP_FORGED;
    self->replayed += result == SRTP_REPLAYED;
    self->exhausted += result == SRTP_EXHAUSTED;
}

PyObject *srtp_run(struct srtp *srtp, PyObject *packets, srtp_operation *work, size_t overhead,
                   enum srtp_result **results)
{
    struct udp_out *in;
    PyObject *batch = batch_of(packets, &in), *list = NULL;
    if (batch == NULL)
        return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(batch);
    struct job { uint8_t *out; size_t length; } *jobs = PyMem_Calloc((size_t)count + 1, sizeof *jobs);
    *results = PyMem_Calloc((size_t)count + 1, sizeof **results);
    if (jobs == NULL || *results == NULL || (list = PyList_New(count)) == NULL)
        goto failed;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *out = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(in[i].length + overhead));
        if (out == NULL)
            goto failed;
        jobs[i].out = (uint8_t *)PyBytes_AS_STRING(out);
        jobs[i].length = in[i].length;
        memcpy(jobs[i].out, in[i].data, in[i].length);
        PyList_SET_ITEM(list, i, out);
    }
    Py_BEGIN_ALLOW_THREADS;
    for (Py_ssize_t i = 0; i < count; i++)
        (*results)[i] = work(srtp, jobs[i].out, &jobs[i].length);
    Py_END_ALLOW_THREADS;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *out = PyList_GET_ITEM(list, i);
        if ((*results)[i] != SRTP_OK) {
            Py_DECREF(out);
            out = Py_NewRef(Py_None);
        } else if (_PyBytes_Resize(&out, (Py_ssize_t)jobs[i].length) < 0) { /* the list's alone so far */
            PyList_SET_ITEM(list, i, NULL);
            goto failed;
        }
        PyList_SET_ITEM(list, i, out);
    }
    PyMem_Free(in);
    PyMem_Free(jobs);
    Py_DECREF(batch);
    return list;
failed:
    if (!PyErr_Occurred())
        PyErr_NoMemory();
    PyMem_Free(in);
    PyMem_Free(jobs);
    PyMem_Free(*results);
    Py_DECREF(batch);
    Py_XDECREF(list);
    return NULL;
}

/* Run ``work`` on a copy of each packet. The result has None for what could not be done; such packets are counted. */
static PyObject *run(SrtpObject *self, PyObject *packets, srtp_operation *work, size_t overhead)
{
    enum srtp_result *results;
    if (!ready(self))
        return NULL;
    self->busy = true;
    PyObject *list = srtp_run(&self->srtp, packets, work, overhead, &results);
    self->busy = false;
    if (list == NULL)
        return NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++)
        count(self, results[i]);
    PyMem_Free(results);
    return list;
}

static PyObject *protect_rtp(PyObject *self, PyObject *packets)
{
    return run((SrtpObject *)self, packets, srtp_protect, SRTP_MAX_OVERHEAD);
}

static PyObject *protect_rtcp(PyObject *self, PyObject *packets)
{
    return run((SrtpObject *)self, packets, srtp_protect_rtcp, SRTP_MAX_OVERHEAD);
}

static PyObject *unprotect_rtp(PyObject *self, PyObject *packets)
{
    return run((SrtpObject *)self, packets, srtp_unprotect, 0);
}

static PyObject *unprotect_rtcp(PyObject *self, PyObject *packets)
{
    return run((SrtpObject *)self, packets, srtp_unprotect_rtcp, 0);
}

PyObject *srtp_sources(const struct srtp *srtp)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < srtp->source_count; i++) {
        const struct srtp_source *source = &srtp->sources[i];
        PyObject *entry = source->begun
                              ? Py_BuildValue("(kkik)", (unsigned long)source->ssrc, (unsigned long)source->rollovers,
                                              (int)source->highest, (unsigned long)source->rtcp_index)
                              : Py_BuildValue("(kkOk)", (unsigned long)source->ssrc, (unsigned long)source->rollovers,
                                              Py_None, (unsigned long)source->rtcp_index);
        append(&list, entry);
    }
    return list;
}

bool srtp_resume(struct srtp *srtp, unsigned long ssrc, unsigned long rollovers, PyObject *highest,
                 unsigned long rtcp_index)
{
    long sequence = highest == Py_None ? 0 : PyLong_AsLong(highest);
    if (PyErr_Occurred())
        return false;
    if (ssrc > UINT32_MAX || rollovers > UINT32_MAX || sequence < 0 || sequence > UINT16_MAX || rtcp_index >> 31) {
        PyErr_SetString(PyExc_ValueError, "out of range");
        return false;
    }
    struct srtp_source *source = srtp_source(srtp, (uint32_t)ssrc);
    if (source == NULL) {
        PyErr_SetString(PyExc_ValueError, "too many sources");
        return false;
    }
    source->rollovers = (uint32_t)rollovers;
    source->highest = (uint16_t)sequence;
    source->begun = highest != Py_None;
    source->rtcp_index = (uint32_t)rtcp_index;
    source->rtcp_begun = srtp->inbound && rtcp_index > 0;
    if (srtp->inbound) {
        /* What came before is not known packet by packet: all of it counts as seen. */
        memset(source->window, source->begun ? 0xff : 0, sizeof source->window);
        memset(source->rtcp_window, source->rtcp_begun ? 0xff : 0, sizeof source->rtcp_window);
    }
    return true;
}

static PyObject *sources(PyObject *object, PyObject *Py_UNUSED(nothing))
{
    SrtpObject *self = (SrtpObject *)object;
    return ready(self) ? srtp_sources(&self->srtp) : NULL;
}

static PyObject *resume(PyObject *object, PyObject *arguments)
{
    SrtpObject *self = (SrtpObject *)object;
    unsigned long ssrc, rollovers, rtcp_index;
    PyObject *highest;
    if (!PyArg_ParseTuple(arguments, "kkOk", &ssrc, &rollovers, &highest, &rtcp_index) || !ready(self) ||
        !srtp_resume(&self->srtp, ssrc, rollovers, highest, rtcp_index))
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"protect_rtp", protect_rtp, METH_O, NULL},
    {"protect_rtcp", protect_rtcp, METH_O, NULL},
    {"unprotect_rtp", unprotect_rtp, METH_O, NULL},
    {"unprotect_rtcp", unprotect_rtcp, METH_O, NULL},
    {"sources", sources, METH_NOARGS, NULL},
    {"resume", resume, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    {"malformed", T_ULONGLONG, offsetof(SrtpObject, malformed), READONLY, NULL},
    {"forged", T_ULONGLONG, offsetof(SrtpObject, forged), READONLY, NULL},
    {"replayed", T_ULONGLONG, offsetof(SrtpObject, replayed), READONLY, NULL},
    {"exhausted", T_ULONGLONG, offsetof(SrtpObject, exhausted), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_init, srtp_init}, {Py_tp_dealloc, srtp_dealloc}, {Py_tp_methods, methods}, {Py_tp_members, members},
    {Py_tp_new, PyType_GenericNew}, {0, NULL},
};

static PyType_Spec spec = {
    .name = "mcu.media.packets._native.Srtp",
    .basicsize = sizeof(SrtpObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

int add_srtp_type(PyObject *module)
{
    return add_type(module, &spec) == NULL ? -1 : 0;
}
