/* Memory that runs out when it is told to: module ``_exhausted``, linked into a test's build of compiled code.
 *
 * All that this code asks for is counted: from Python's allocators, from malloc (the linker's --wrap leads it here), and
 * from OpenSSL. While a call runs, the n-th request fails, or all from there on.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static long requests, failing = -1; /* requests of the call that runs; which of them fails, -1 for none */
static bool armed, onwards;
static Py_ssize_t blocks; /* that are held, of all that went through here */

static bool fails(void)
{
    if (!armed)
        return false;
    long number = requests++;
    bool failed = failing >= 0 && (onwards ? number >= failing : number == failing);
    if (failed)
        errno = ENOMEM;
    return failed;
}

static void *counted(void *block)
{
    blocks += block != NULL;
    return block;
}

/* The linker's side */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);

void *__wrap_malloc(size_t size) { return fails() ? NULL : counted(__real_malloc(size)); }

void *__wrap_calloc(size_t count, size_t size) { return fails() ? NULL : counted(__real_calloc(count, size)); }

void *__wrap_realloc(void *block, size_t size)
{
    if (fails())
        return NULL;
    void *made = __real_realloc(block, size);
    return block == NULL ? counted(made) : made;
}

void __wrap_free(void *block)
{
    blocks -= block != NULL;
    __real_free(block);
}

/* OpenSSL's side, where that is linked */

int CRYPTO_set_mem_functions(void *(*)(size_t, const char *, int), void *(*)(void *, size_t, const char *, int),
                             void (*)(void *, const char *, int)) __attribute__((weak));

static void *crypto_malloc(size_t size, const char *Py_UNUSED(file), int Py_UNUSED(line)) { return __wrap_malloc(size); }

static void *crypto_realloc(void *block, size_t size, const char *Py_UNUSED(file), int Py_UNUSED(line))
{
    return __wrap_realloc(block, size);
}

static void crypto_free(void *block, const char *Py_UNUSED(file), int Py_UNUSED(line)) { __wrap_free(block); }

/* Python's side */

static PyMemAllocatorEx before[3];

static void *python_malloc(void *context, size_t size)
{
    PyMemAllocatorEx *real = context;
    return fails() ? NULL : counted(real->malloc(real->ctx, size));
}

static void *python_calloc(void *context, size_t count, size_t size)
{
    PyMemAllocatorEx *real = context;
    return fails() ? NULL : counted(real->calloc(real->ctx, count, size));
}

static void *python_realloc(void *context, void *block, size_t size)
{
    PyMemAllocatorEx *real = context;
    if (fails())
        return NULL;
    void *made = real->realloc(real->ctx, block, size);
    return block == NULL ? counted(made) : made;
}

static void python_free(void *context, void *block)
{
    PyMemAllocatorEx *real = context;
    blocks -= block != NULL;
    real->free(real->ctx, block);
}

/* The module */

/* (n, onwards, function, *arguments): call it while request n fails, and with ``onwards`` all that follow; -1 for none.
 * Returns the result, and how many requests there were. */
static PyObject *call(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (count < 3)
        return PyErr_Format(PyExc_TypeError, "call takes a number, whether it goes on so, and what to call");
    long number = PyLong_AsLong(arguments[0]);
    int all = PyObject_IsTrue(arguments[1]);
    if (PyErr_Occurred())
        return NULL;
    requests = 0, failing = number, onwards = all, armed = true;
    PyObject *result = PyObject_Vectorcall(arguments[2], arguments + 3, (size_t)count - 3, NULL);
    armed = false;
    return result == NULL ? NULL : Py_BuildValue("Nl", result, requests);
}

static PyObject *held(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing)) { return PyLong_FromSsize_t(blocks); }

static PyMethodDef functions[] = {
    {"call", (PyCFunction)(void (*)(void))call, METH_FASTCALL, NULL},
    {"held", held, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_exhausted", .m_size = -1, .m_methods = functions,
};

PyMODINIT_FUNC PyInit__exhausted(void)
{
    static const PyMemAllocatorDomain domains[] = {PYMEM_DOMAIN_RAW, PYMEM_DOMAIN_MEM, PYMEM_DOMAIN_OBJ};
    if (CRYPTO_set_mem_functions != NULL && !CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free)) {
        PyErr_SetString(PyExc_RuntimeError, "OpenSSL is in use already");
        return NULL;
    }
    for (int i = 0; i < 3; i++) {
        PyMem_GetAllocator(domains[i], &before[i]);
        PyMemAllocatorEx ours = {&before[i], python_malloc, python_calloc, python_realloc, python_free};
        PyMem_SetAllocator(domains[i], &ours);
    }
    return PyModule_Create(&definition);
}
