/* ``FecSender`` and ``FecReceiver``: forward error correction for Python. */
#include "fec_type.h"

#include <structmember.h>

#include "fec.h"
#include "names.h"
#include "objects.h"

/* Repair packets that one call may ask for: one for each of the packets that are protected at most. */
#define MAX_REPAIRS FEC_WINDOW

typedef struct {
    PyObject_HEAD
    struct fec_sender fec;
    bool begun, busy;
    unsigned long long unprotected;
} SenderObject;

typedef struct {
    PyObject_HEAD
    struct fec_receiver *fec;
    bool busy;
} ReceiverObject;

static bool form_of_name(const char *name, enum fec_form *form)
{
    *form = strcmp(name, "ulpfec") == 0 ? FEC_ULP : FEC_FLEX;
    if (*form == FEC_ULP || strcmp(name, "flexfec-03") == 0)
        return true;
    PyErr_Format(PyExc_ValueError, "no form of repair packets: %s", name);
    return false;
}

bool fec_read_extensions(PyObject *numbers, struct fec_extensions *extensions)
{
    PyObject *list = numbers == NULL ? PyTuple_New(0) : PySequence_Tuple(numbers);
    if (list == NULL)
        return false;
    extensions->count = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(list); i++) {
        long number = PyLong_AsLong(PyTuple_GET_ITEM(list, i));
        if (!PyErr_Occurred() && (number < 1 || number > 255 || i >= FEC_MUTABLE))
            PyErr_Format(PyExc_ValueError, "at most %d header extensions, from 1 to 255", FEC_MUTABLE);
        if (PyErr_Occurred())
            break;
        extensions->ids[extensions->count++] = (uint8_t)number;
    }
    Py_DECREF(list);
    return !PyErr_Occurred();
}

static int sender_init(SenderObject *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"form", "seed", "mutable", NULL};
    const char *name;
    unsigned long long seed;
    PyObject *mutable = NULL;
    enum fec_form form;
    struct fec_extensions extensions;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "sK|O", names, &name, &seed, &mutable) ||
        !form_of_name(name, &form) || !fec_read_extensions(mutable, &extensions) || is_in_use(self->busy))
        return -1;
    fec_begin_sender(&self->fec, form, seed);
    self->fec.mutable = extensions;
    self->begun = true;
    return 0;
}

static PyObject *protect(PyObject *object, PyObject *arguments)
{
    SenderObject *self = (SenderObject *)object;
    PyObject *packets;
    struct udp_out *in;
    Py_ssize_t repairs, window;
    if (!PyArg_ParseTuple(arguments, "Onn", &packets, &repairs, &window))
        return NULL;
    if (repairs < 0 || repairs > MAX_REPAIRS || window < 1)
        return PyErr_Format(PyExc_ValueError, "0 to %d repair packets, for one packet at least", MAX_REPAIRS);
    PyObject *batch = batch_of(packets, &in), *list = NULL;
    if (batch == NULL)
        return NULL;
    size_t count = (size_t)PyTuple_GET_SIZE(batch), made = 0;
    size_t room = FEC_MAX_HEADER + FEC_BODY;
    size_t *lengths = PyMem_Calloc((size_t)repairs + 1, sizeof *lengths);
    uint8_t *out = PyMem_Malloc((size_t)repairs * room + 1);
    if (lengths == NULL || out == NULL) {
        PyErr_NoMemory();
    } else if (!self->begun) {
        PyErr_SetString(PyExc_RuntimeError, "not begun");
    } else if (!is_in_use(self->busy)) {
        self->busy = true;
        Py_BEGIN_ALLOW_THREADS;
        for (size_t i = 0; i < count; i++)
            self->unprotected += !fec_protect(&self->fec, in[i].data, in[i].length);
        for (; made < (size_t)repairs; made++)
            if ((lengths[made] = fec_repair(&self->fec, (size_t)window, out + made * room)) == 0)
                break;
        Py_END_ALLOW_THREADS;
        self->busy = false;
        list = PyList_New((Py_ssize_t)made);
        for (size_t i = 0; list != NULL && i < made; i++) {
            PyObject *one = bytes_of(out + i * room, lengths[i]);
            if (one == NULL)
                Py_CLEAR(list);
            else
                PyList_SET_ITEM(list, (Py_ssize_t)i, one);
        }
    }
    PyMem_Free(lengths);
    PyMem_Free(out);
    PyMem_Free(in);
    Py_DECREF(batch);
    return list;
}

static int receiver_init(ReceiverObject *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"form", "mutable", NULL};
    const char *name;
    PyObject *mutable = NULL;
    enum fec_form form;
    struct fec_extensions extensions;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "s|O", names, &name, &mutable) ||
        !form_of_name(name, &form) || !fec_read_extensions(mutable, &extensions) || is_in_use(self->busy))
        return -1;
    if (self->fec == NULL && (self->fec = PyMem_Calloc(1, sizeof *self->fec)) == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    fec_begin_receiver(self->fec, form);
    self->fec->mutable = extensions;
    return 0;
}

static void receiver_dealloc(ReceiverObject *self)
{
    PyMem_Free(self->fec);
    object_free((PyObject *)self);
}

/* The packets that have become known. */
static PyObject *recovered(struct fec_receiver *fec)
{
    uint8_t packet[FEC_LONGEST];
    PyObject *list = PyList_New(0);
    for (size_t length; list != NULL && (length = fec_recover(fec, packet)) > 0;)
        append(&list, bytes_of(packet, length));
    return list;
}

static PyObject *take(PyObject *object, PyObject *data, bool (*work)(struct fec_receiver *, const uint8_t *, size_t))
{
    ReceiverObject *self = (ReceiverObject *)object;
    char *octets;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize(data, &octets, &length) < 0 || is_in_use(self->busy))
        return NULL;
    if (self->fec == NULL)
        return PyErr_Format(PyExc_RuntimeError, "not begun");
    bool more;
    self->busy = true;
    if (work == fec_received) { /* one copy as a rule */
        more = work(self->fec, (const uint8_t *)octets, (size_t)length);
    } else {
        Py_BEGIN_ALLOW_THREADS;
        more = work(self->fec, (const uint8_t *)octets, (size_t)length);
        Py_END_ALLOW_THREADS;
    }
    PyObject *list = more ? recovered(self->fec) : PyList_New(0);
    self->busy = false;
    return list;
}

static PyObject *received(PyObject *self, PyObject *packet) { return take(self, packet, fec_received); }
static PyObject *repair(PyObject *self, PyObject *payload) { return take(self, payload, fec_solve); }

static PyObject *counters(PyObject *object, PyObject *Py_UNUSED(nothing))
{
    const struct fec_receiver *fec = ((ReceiverObject *)object)->fec;
    if (fec == NULL)
        return PyErr_Format(PyExc_RuntimeError, "not begun");
    return Py_BuildValue("(KKKK)", fec->repairs, fec->recovered, fec->useless, fec->malformed);
}

static PyMethodDef sender_methods[] = {{"protect", protect, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};

static PyMemberDef sender_members[] = {
    {"unprotected", T_ULONGLONG, offsetof(SenderObject, unprotected), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef receiver_methods[] = {
    {"received", received, METH_O, NULL},
    {"repair", repair, METH_O, NULL},
    {"counters", counters, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot sender_slots[] = {
    {Py_tp_init, sender_init}, {Py_tp_dealloc, object_free}, {Py_tp_methods, sender_methods},
    {Py_tp_members, sender_members}, {Py_tp_new, PyType_GenericNew}, {0, NULL},
};

static PyType_Slot receiver_slots[] = {
    {Py_tp_init, receiver_init}, {Py_tp_dealloc, receiver_dealloc}, {Py_tp_methods, receiver_methods},
    {Py_tp_new, PyType_GenericNew}, {0, NULL},
};

static PyType_Spec sender_spec = {
    .name = "mcu.media.packets._native.FecSender",
    .basicsize = sizeof(SenderObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = sender_slots,
};

static PyType_Spec receiver_spec = {
    .name = "mcu.media.packets._native.FecReceiver",
    .basicsize = sizeof(ReceiverObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = receiver_slots,
};

int add_fec_types(PyObject *module)
{
    return add_type(module, &sender_spec) == NULL || add_type(module, &receiver_spec) == NULL ? -1 : 0;
}
