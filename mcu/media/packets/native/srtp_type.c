/* ``Srtp``: one direction of SRTP for Python, a batch of packets at a time. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <string.h>

#include "srtp.h"
#include "srtp_type.h"

/* More packets than any run has; it bounds what one call may ask for. */
#define MAX_BATCH 65536

static const struct { const char *name; enum srtp_suite suite; } suites[] = {
    {"AES_CM_128_HMAC_SHA1_80", SRTP_AES_CM_128_HMAC_SHA1_80},
    {"AES_CM_128_HMAC_SHA1_32", SRTP_AES_CM_128_HMAC_SHA1_32},
    {"AEAD_AES_128_GCM", SRTP_AEAD_AES_128_GCM},
    {"AEAD_AES_256_GCM", SRTP_AEAD_AES_256_GCM},
};

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
    size_t index = 0;
    while (index < sizeof suites / sizeof *suites && strcmp(suites[index].name, name) != 0)
        index++;
    if (self->begun)
        PyErr_SetString(PyExc_RuntimeError, "keys are given once");
    else if (index == sizeof suites / sizeof *suites)
        PyErr_Format(PyExc_ValueError, "no such suite: %s", name);
    else if ((size_t)material.len != srtp_material_size(suites[index].suite))
        PyErr_Format(PyExc_ValueError, "%s takes %zu octets of key and salt, not %zd", name,
                     srtp_material_size(suites[index].suite), material.len);
    else if (!srtp_begin(&self->srtp, suites[index].suite, material.buf, inbound))
        PyErr_NoMemory();
    else
        result = 0, self->begun = true;
    PyBuffer_Release(&material);
    return result;
}

static void srtp_dealloc(SrtpObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (self->begun)
        srtp_end(&self->srtp);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static bool ready(SrtpObject *self)
{
    if (!self->begun)
        PyErr_SetString(PyExc_RuntimeError, "there are no keys");
    else if (self->busy)
        PyErr_SetString(PyExc_RuntimeError, "in use by another thread");
    else
        return true;
    return false;
}

static void count(SrtpObject *self, enum srtp_result result)
{
    self->malformed += result == SRTP_MALFORMED;
    self->forged += result == SRTP_FORGED;
    self->replayed += result == SRTP_REPLAYED;
    self->exhausted += result == SRTP_EXHAUSTED;
}

typedef enum srtp_result operation(struct srtp *, uint8_t *, size_t *);

/* What happens to one packet of a batch: worked on in ``out``, which starts as a copy of the packet. */
struct job { uint8_t *out; size_t length; enum srtp_result result; };

/* Run ``work`` on a copy of each packet. The result has None for what could not be done; such packets are counted. */
static PyObject *run(SrtpObject *self, PyObject *packets, operation *work, size_t overhead)
{
    if (!ready(self))
        return NULL;
    PyObject *batch = PySequence_Tuple(packets);
    if (batch == NULL)
        return NULL;
    Py_ssize_t total = PyTuple_GET_SIZE(batch), made = 0;
    struct job *jobs = total > MAX_BATCH ? NULL : PyMem_Calloc((size_t)total + 1, sizeof *jobs);
    PyObject *results = jobs == NULL ? NULL : PyList_New(total);
    if (jobs == NULL)
        PyErr_SetString(PyExc_ValueError, "too many packets at once");
    for (; results != NULL && made < total; made++) {
        char *data;
        Py_ssize_t length;
        if (PyBytes_AsStringAndSize(PyTuple_GET_ITEM(batch, made), &data, &length) < 0)
            goto failed;
        PyObject *out = PyBytes_FromStringAndSize(NULL, length + (Py_ssize_t)overhead);
        if (out == NULL)
            goto failed;
        jobs[made].out = (uint8_t *)PyBytes_AS_STRING(out);
        jobs[made].length = (size_t)length;
        memcpy(jobs[made].out, data, (size_t)length);
        PyList_SET_ITEM(results, made, out);
    }
    if (results != NULL) {
        self->busy = true;
        Py_BEGIN_ALLOW_THREADS;
        for (Py_ssize_t i = 0; i < total; i++)
            jobs[i].result = work(&self->srtp, jobs[i].out, &jobs[i].length);
        Py_END_ALLOW_THREADS;
        self->busy = false;
    }
    for (Py_ssize_t i = 0; results != NULL && i < total; i++) {
        PyObject *out = PyList_GET_ITEM(results, i);
        if (jobs[i].result == SRTP_OK) {
            /* Of the list alone so far, so it may be cut to length; this replaces the pointer. */
            if (_PyBytes_Resize(&out, (Py_ssize_t)jobs[i].length) < 0) {
                PyList_SET_ITEM(results, i, NULL);
                goto failed;
            }
        } else {
            count(self, jobs[i].result);
            Py_DECREF(out);
            out = Py_NewRef(Py_None);
        }
        PyList_SET_ITEM(results, i, out);
    }
    PyMem_Free(jobs);
    Py_DECREF(batch);
    return results;
failed:
    PyMem_Free(jobs);
    Py_DECREF(batch);
    Py_DECREF(results);
    return NULL;
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

static PyObject *sources(PyObject *object, PyObject *Py_UNUSED(nothing))
{
    SrtpObject *self = (SrtpObject *)object;
    if (!ready(self))
        return NULL;
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < self->srtp.source_count; i++) {
        const struct srtp_source *source = &self->srtp.sources[i];
        PyObject *entry = source->begun
                              ? Py_BuildValue("(kkik)", (unsigned long)source->ssrc, (unsigned long)source->rollovers,
                                              (int)source->highest, (unsigned long)source->rtcp_index)
                              : Py_BuildValue("(kkOk)", (unsigned long)source->ssrc, (unsigned long)source->rollovers,
                                              Py_None, (unsigned long)source->rtcp_index);
        if (entry == NULL || PyList_Append(list, entry) < 0)
            Py_CLEAR(list);
        Py_XDECREF(entry);
    }
    return list;
}

static PyObject *resume(PyObject *object, PyObject *arguments)
{
    SrtpObject *self = (SrtpObject *)object;
    unsigned long ssrc, rollovers, rtcp_index;
    PyObject *highest;
    if (!PyArg_ParseTuple(arguments, "kkOk", &ssrc, &rollovers, &highest, &rtcp_index) || !ready(self))
        return NULL;
    long sequence = highest == Py_None ? 0 : PyLong_AsLong(highest);
    if (PyErr_Occurred())
        return NULL;
    if (ssrc > UINT32_MAX || rollovers > UINT32_MAX || sequence < 0 || sequence > UINT16_MAX || rtcp_index >> 31) {
        PyErr_SetString(PyExc_ValueError, "out of range");
        return NULL;
    }
    struct srtp_source *source = srtp_source(&self->srtp, (uint32_t)ssrc);
    if (source == NULL) {
        PyErr_SetString(PyExc_ValueError, "too many sources");
        return NULL;
    }
    source->rollovers = (uint32_t)rollovers;
    source->highest = (uint16_t)sequence;
    source->begun = highest != Py_None;
    source->rtcp_index = (uint32_t)rtcp_index;
    source->rtcp_begun = self->srtp.inbound && rtcp_index > 0;
    if (self->srtp.inbound) {
        /* What came before is not known packet by packet: all of it counts as seen. */
        memset(source->window, source->begun ? 0xff : 0, sizeof source->window);
        memset(source->rtcp_window, source->rtcp_begun ? 0xff : 0, sizeof source->rtcp_window);
    }
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
    PyObject *type = PyType_FromSpec(&spec);
    int result = type == NULL ? -1 : PyModule_AddObjectRef(module, "Srtp", type);
    Py_XDECREF(type);
    return result;
}
