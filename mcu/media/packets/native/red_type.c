#include "red_type.h"

#include "objects.h"
#include "red.h"
#include "rtp_type.h"

static PyObject *raise_red_fault(enum red_fault fault)
{
    const char *texts[] = {
        [RED_SOUND] = "", [RED_CUT] = "RED header is cut off", [RED_MANY] = "RED packet of too many blocks",
        [RED_SHORT] = "RED block runs past the end of the packet",
    };
    PyErr_SetString(payload_error, texts[fault]);
    return NULL;
}

static PyObject *unpack_red(PyObject *Py_UNUSED(module), PyObject *data)
{
    struct red_block blocks[RED_BLOCKS];
    size_t count;
    char *payload;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(data, &payload, &size) < 0)
        return NULL;
    enum red_fault fault = red_read((const uint8_t *)payload, (size_t)size, blocks, &count);
    if (fault != RED_SOUND)
        return raise_red_fault(fault);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *block = Py_BuildValue("(iiy#)", blocks[i].payload_type, blocks[i].offset, (const char *)blocks[i].data,
                                        (Py_ssize_t)blocks[i].size);
        if (block == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, block);
    }
    return list;
}

/* One block of a tuple, whose octets stay where they are; false with TypeError or ValueError set. */
static bool read_block(PyObject *tuple, bool newest, struct red_block *block)
{
    int payload_type, offset;
    const char *data;
    Py_ssize_t size;
    if (!PyTuple_Check(tuple)) {
        PyErr_SetString(PyExc_TypeError, "a block is a tuple of two numbers and bytes");
        return false;
    }
    if (!PyArg_ParseTuple(tuple, "iiy#", &payload_type, &offset, &data, &size))
        return false;
    if (payload_type < 0 || payload_type > 127 || (!newest && (offset < 0 || offset > RED_OFFSET || size > RED_LENGTH))) {
        PyErr_SetString(PyExc_ValueError, "block is too old or too long");
        return false;
    }
    *block = (struct red_block){(uint8_t)payload_type, (uint16_t)offset, (const uint8_t *)data, (size_t)size};
    return true;
}

static PyObject *pack_red(PyObject *Py_UNUSED(module), PyObject *given)
{
    struct red_block blocks[RED_BLOCKS];
    PyObject *tuples = PySequence_Tuple(given), *payload = NULL; /* keeps the octets */
    if (tuples == NULL)
        return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(tuples), read = 0;
    if (count < 1 || count > RED_BLOCKS)
        PyErr_Format(PyExc_ValueError, "1 to %d blocks", RED_BLOCKS);
    else
        while (read < count && read_block(PyTuple_GET_ITEM(tuples, read), read + 1 == count, &blocks[read]))
            read++;
    if (read == count && count > 0)
        payload = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)red_size(blocks, (size_t)count));
    if (payload != NULL)
        red_write(blocks, (size_t)count, (uint8_t *)PyBytes_AS_STRING(payload));
    Py_DECREF(tuples);
    return payload;
}

static PyMethodDef functions[] = {
    {"pack_red", pack_red, METH_O, NULL}, {"unpack_red", unpack_red, METH_O, NULL}, {NULL, NULL, 0, NULL},
};

int add_red_functions(PyObject *module) { return PyModule_AddFunctions(module, functions); }
