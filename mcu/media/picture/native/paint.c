/* Painting on pictures in YUV 4:2:0: module ``mcu.media.picture._paint``.

   All that a picture needs is given at once, so that the interpreter's lock is let go once for it. Every stroke is checked
   before the first one is painted. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__) && defined(__gnu_linux__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

enum {
    FILL,
    PASTE,
    BLEND,
    RELIEF,
    PLANES = 3,
    MOST_STROKES = 4096, /* of one picture: some 30 tiles with all that is on them take a few hundred */
    LET_GO = 65536,      /* samples; what is done sooner is not worth letting go of the lock */
    DARKEST = 16,        /* of studio range */
    BRIGHTEST = 235,
};

/* One plane: samples of ``size`` bytes. */
typedef struct {
    uint8_t *samples;
    Py_ssize_t stride;
    Py_ssize_t width;
    Py_ssize_t height;
} View;

/* What one stroke reads. PASTE: the planes. BLEND: for each plane what is added and what is kept. RELIEF: what is added. */
typedef struct {
    int kind;
    int x, y, width, height;
    int from_x, from_y;
    uint8_t colour[PLANES];
    int buffers;
    Py_buffer held[2 * PLANES];
    View views[2 * PLANES];
} Stroke;

static bool see(PyObject *object, int size, int flags, Py_buffer *held, View *view)
{
    if (PyObject_GetBuffer(object, held, PyBUF_STRIDES | flags) < 0)
        return false;
    bool fits = held->ndim == 2 && held->itemsize == size && held->strides[1] == size &&
                held->strides[0] >= held->shape[1] * size;
    if (!fits) {
        PyErr_SetString(PyExc_ValueError, "a plane is not two-dimensional, of whole rows, and of samples of the right size");
        PyBuffer_Release(held);
        return false;
    }
    *view = (View){held->buf, held->strides[0], held->shape[1], held->shape[0]};
    return true;
}

static bool inside(int x, int y, int width, int height, const View *view)
{
    return x >= 0 && y >= 0 && width >= 0 && height >= 0 && width <= view->width - x && height <= view->height - y;
}

static bool is_even(const Stroke *stroke)
{
    int all = stroke->x | stroke->y | stroke->width | stroke->height | stroke->from_x | stroke->from_y;
    return !(all & 1);
}

/* The planes of colour have half the size. */
static bool reads_inside(const Stroke *stroke)
{
    for (int index = 0; index < stroke->buffers; index++) {
        int plane = stroke->kind == BLEND ? index / 2 : index, half = plane > 0;
        if (!inside(stroke->from_x >> half, stroke->from_y >> half, stroke->width >> half, stroke->height >> half,
                    &stroke->views[index]))
            return false;
    }
    return true;
}

/* False with an exception set; ``stroke->buffers`` are to be released in any case. */
static bool read_stroke(PyObject *tuple, const View *picture, Stroke *stroke)
{
    PyObject *objects[2 * PLANES] = {NULL};
    int wanted = 0, size = 1;
    memset(stroke, 0, sizeof *stroke);
    if (!PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) < 1) {
        PyErr_SetString(PyExc_TypeError, "a stroke is a tuple");
        return false;
    }
    long kind = PyLong_AsLong(PyTuple_GET_ITEM(tuple, 0));
    if (kind == -1 && PyErr_Occurred())
        return false;
    int *place[] = {&stroke->x, &stroke->y, &stroke->width, &stroke->height, &stroke->from_x, &stroke->from_y};
    bool read;
    switch (kind) {
    case FILL:
        read = PyArg_ParseTuple(tuple, "iiiiibbb", &stroke->kind, place[0], place[1], place[2], place[3],
                                &stroke->colour[0], &stroke->colour[1], &stroke->colour[2]);
        break;
    case PASTE:
        wanted = PLANES;
        read = PyArg_ParseTuple(tuple, "iiiiiiiOOO", &stroke->kind, place[0], place[1], place[2], place[3], place[4],
                                place[5], &objects[0], &objects[1], &objects[2]);
        break;
    case BLEND:
        wanted = 2 * PLANES;
        size = 2;
        read = PyArg_ParseTuple(tuple, "iiiiiiiOOOOOO", &stroke->kind, place[0], place[1], place[2], place[3], place[4],
                                place[5], &objects[0], &objects[1], &objects[2], &objects[3], &objects[4], &objects[5]);
        break;
    case RELIEF:
        wanted = 1;
        read = PyArg_ParseTuple(tuple, "iiiiiiiO", &stroke->kind, place[0], place[1], place[2], place[3], place[4],
                                place[5], &objects[0]);
        break;
    default:
        PyErr_Format(PyExc_ValueError, "there is no stroke of kind %ld", kind);
        return false;
    }
    if (!read)
        return false;
    for (; stroke->buffers < wanted; stroke->buffers++)
        if (!see(objects[stroke->buffers], size, 0, &stroke->held[stroke->buffers], &stroke->views[stroke->buffers]))
            return false;
    if (!is_even(stroke) || !inside(stroke->x, stroke->y, stroke->width, stroke->height, picture) || !reads_inside(stroke)) {
        PyErr_SetString(PyExc_ValueError, "a stroke has to lie inside the picture and what it paints, at even places");
        return false;
    }
    return true;
}

/* ``kept`` 256ths of what is there shine through; ``added`` holds the rest, and a half so that the shift rounds. */
WIDE static void blend_row(uint8_t *restrict row, const uint16_t *restrict added, const uint16_t *restrict kept, int width)
{
    for (int x = 0; x < width; x++)
        row[x] = (uint8_t)((uint16_t)(row[x] * kept[x] + added[x]) >> 8);
}

/* ``added`` is modulo 256. What cameras send beyond the range would run over. */
WIDE static void raise_row(uint8_t *restrict row, const uint8_t *restrict added, int width)
{
    for (int x = 0; x < width; x++) {
        uint8_t sample = row[x] < DARKEST ? DARKEST : row[x];
        sample = sample > BRIGHTEST ? BRIGHTEST : sample;
        row[x] = (uint8_t)(sample + added[x]);
    }
}

static const uint8_t *row_of(const View *view, int x, int y, int size)
{
    return view->samples + y * view->stride + (Py_ssize_t)x * size;
}

static void paint_plane(const Stroke *stroke, int plane, const View *picture)
{
    int half = plane > 0, width = stroke->width >> half, height = stroke->height >> half;
    int x = stroke->x >> half, y = stroke->y >> half, from_x = stroke->from_x >> half, from_y = stroke->from_y >> half;
    uint8_t *row = picture->samples + y * picture->stride + x;
    for (int line = 0; line < height; line++, row += picture->stride) {
        int from = from_y + line;
        switch (stroke->kind) {
        case FILL:
            memset(row, stroke->colour[plane], (size_t)width);
            break;
        case PASTE:
            memcpy(row, row_of(&stroke->views[plane], from_x, from, 1), (size_t)width);
            break;
        case BLEND:
            blend_row(row, (const uint16_t *)row_of(&stroke->views[2 * plane], from_x, from, 2),
                      (const uint16_t *)row_of(&stroke->views[2 * plane + 1], from_x, from, 2), width);
            break;
        case RELIEF:
            raise_row(row, row_of(&stroke->views[0], from_x, from, 1), width);
            break;
        }
    }
}

static void paint_all(const Stroke *strokes, Py_ssize_t count, const View *picture)
{
    for (Py_ssize_t index = 0; index < count; index++)
        for (int plane = 0; plane < (strokes[index].kind == RELIEF ? 1 : PLANES); plane++)
            paint_plane(&strokes[index], plane, &picture[plane]);
}

static void release(Stroke *strokes, Py_ssize_t count)
{
    for (Py_ssize_t index = 0; index < count; index++)
        for (int buffer = 0; buffer < strokes[index].buffers; buffer++)
            PyBuffer_Release(&strokes[index].held[buffer]);
    PyMem_Free(strokes);
}

static bool is_picture(const View *picture)
{
    const View *y = &picture[0], *u = &picture[1], *v = &picture[2];
    return u->width == y->width / 2 && u->height == y->height / 2 && v->width == u->width && v->height == u->height &&
           !(y->width & 1) && !(y->height & 1);
}

/* False with an exception set. */
static bool paint_strokes(PyObject *list, const View *picture)
{
    Py_ssize_t count = PyList_GET_SIZE(list), read = 0, samples = 0;
    if (count > MOST_STROKES || !is_picture(picture)) {
        PyErr_SetString(PyExc_ValueError, "too many strokes, or planes that make no picture");
        return false;
    }
    Stroke *strokes = PyMem_Malloc((size_t)(count ? count : 1) * sizeof *strokes);
    if (strokes == NULL) {
        PyErr_NoMemory();
        return false;
    }
    bool fits = true;
    /* The list could change under our hands: numpy runs no code of Python to give a buffer, others may. */
    for (; fits && read < count; read++) {
        if (PyList_GET_SIZE(list) != count) {
            PyErr_SetString(PyExc_ValueError, "the strokes have changed");
            fits = false;
            break;
        }
        PyObject *tuple = Py_NewRef(PyList_GET_ITEM(list, read));
        fits = read_stroke(tuple, &picture[0], &strokes[read]);
        Py_DECREF(tuple);
        samples += (Py_ssize_t)strokes[read].width * strokes[read].height;
    }
    if (fits && samples < LET_GO) {
        paint_all(strokes, count, picture);
    } else if (fits) {
        Py_BEGIN_ALLOW_THREADS
        paint_all(strokes, count, picture);
        Py_END_ALLOW_THREADS
    }
    release(strokes, read);
    return fits;
}

static PyObject *paint(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *objects[PLANES], *list;
    if (!PyArg_ParseTuple(arguments, "OOOO!", &objects[0], &objects[1], &objects[2], &PyList_Type, &list))
        return NULL;
    Py_buffer held[PLANES];
    View picture[PLANES];
    int seen = 0;
    while (seen < PLANES && see(objects[seen], 1, PyBUF_WRITABLE, &held[seen], &picture[seen]))
        seen++;
    bool done = seen == PLANES && paint_strokes(list, picture);
    for (int index = 0; index < seen; index++)
        PyBuffer_Release(&held[index]);
    if (!done)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"paint", paint, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_paint",
    .m_doc = "Painting on pictures in compiled code; see the stub file for what is here.",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit__paint(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL)
        return NULL;
    if (PyModule_AddIntConstant(module, "FILL", FILL) < 0 || PyModule_AddIntConstant(module, "PASTE", PASTE) < 0 ||
        PyModule_AddIntConstant(module, "BLEND", BLEND) < 0 || PyModule_AddIntConstant(module, "RELIEF", RELIEF) < 0 ||
        PyModule_AddIntConstant(module, "MOST_STROKES", MOST_STROKES) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
