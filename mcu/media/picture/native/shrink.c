/* Pictures made smaller by averaging the area that each sample stands for: module ``mcu.media.picture._shrink``.

   Rows are averaged first, so that the dearer way along a row is gone for the rows of the result only, which halves the
   work at half the size. Weights are in 128ths, and those of a sample sum up to 128, so an even area stays as it is. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define HAVE_AVX2_CODE 1
#include <immintrin.h>
#endif

enum {
    ONE = 128,
    ROUNDING = 64,
    SHIFT = 7,
    MOST_TAPS = 8,    /* samples of a row that one sample of the result is made of */
    REGISTER = 16,    /* bytes of a row that are looked at at once */
    AT_ONCE = 8,      /* samples of the result that are made at once */
    AHEAD = 6,        /* rows after those in work that are called for, so that they are there in time */
    BAND = 32,        /* rows that all sizes are made of before the next ones: they are still in the cache then */
    MOST_SIZES = 64,  /* of one picture at once: more than there are tiles of different size */
    LARGEST = 16384,  /* samples in a row or column */
};

/* By how much a picture may become smaller: beyond it the area of one sample is wider than a register's share. */
static const double SMALLEST_SHARE = 1.0 / 7.0;

/* Which samples of a row or column make up one of the result, and their weights. */
typedef struct {
    int first;
    int count;
    int8_t weights[MOST_TAPS];
} Area;

/* One direction of one plane. ``offsets``, ``shuffles`` and ``weights`` are for whole registers of a row. */
typedef struct {
    int from;
    int to;
    Area *areas;
} Axis;

typedef struct {
    int registers;
    int taps;
    int32_t *offsets;
    uint8_t *shuffles;
    int8_t *weights;
} RowPlan;

typedef struct {
    Axis rows;
    Axis columns;
    RowPlan plan;
} PlanePlan;

typedef struct {
    PyObject_HEAD
    PlanePlan luma;
    PlanePlan chroma;
} Shrinker;

static bool make_axis(Axis *axis, int from, int to)
{
    axis->from = from;
    axis->to = to;
    axis->areas = PyMem_Calloc(to, sizeof(Area));
    if (axis->areas == NULL)
        return false;
    double ratio = (double)from / to;
    for (int index = 0; index < to; index++) {
        Area *area = &axis->areas[index];
        double begin = index * ratio, end = begin + ratio;
        int first = (int)begin, last = (int)(end - 1e-9);
        if (last >= from)
            last = from - 1;
        area->first = first;
        area->count = last - first + 1;
        double sum = 0;
        int given = 0;
        for (int tap = 0; tap < area->count; tap++) {
            double left = first + tap > begin ? first + tap : begin;
            double right = first + tap + 1 < end ? first + tap + 1 : end;
            sum += right - left;
            /* Rounding the sums and not the weights makes them come out at ONE. */
            int upto = tap == area->count - 1 ? ONE : (int)(sum / ratio * ONE + 0.5);
            /* A weight of ONE does not fit a byte; the last 128th of such a sample goes to the next or the one before. */
            int weight = upto - given < ONE ? upto - given : ONE - 1;
            area->weights[tap] = (int8_t)weight;
            given += weight;
        }
        if (given < ONE) {
            if (area->count == 1) {
                if (first > 0)
                    area->first--;
                area->count = 2;
                area->weights[1] = first > 0 ? area->weights[0] : 1;
                area->weights[0] = first > 0 ? 1 : area->weights[0];
            } else {
                area->weights[area->count - 2]++;
            }
        }
    }
    return true;
}

static bool make_row_plan(RowPlan *plan, const Axis *axis)
{
    int widest = 0;
    for (int index = 0; index < axis->to; index++)
        widest = axis->areas[index].count > widest ? axis->areas[index].count : widest;
    plan->taps = widest <= MOST_TAPS / 2 ? MOST_TAPS / 2 : MOST_TAPS;
    int each = REGISTER / plan->taps;
    plan->registers = (axis->to + AT_ONCE - 1) / AT_ONCE * (AT_ONCE / each);
    plan->offsets = PyMem_Calloc(plan->registers, sizeof(int32_t));
    plan->shuffles = PyMem_Calloc(plan->registers, REGISTER);
    plan->weights = PyMem_Calloc(plan->registers, REGISTER);
    if (plan->offsets == NULL || plan->shuffles == NULL || plan->weights == NULL)
        return false;
    for (int number = 0; number < plan->registers; number++) {
        int begin = number * each;
        plan->offsets[number] = begin < axis->to ? axis->areas[begin].first : 0;
        for (int index = begin; index < begin + each && index < axis->to; index++) {
            const Area *area = &axis->areas[index];
            for (int tap = 0; tap < area->count; tap++) {
                int place = (index - begin) * plan->taps + tap;
                plan->shuffles[number * REGISTER + place] = (uint8_t)(area->first + tap - plan->offsets[number]);
                plan->weights[number * REGISTER + place] = area->weights[tap];
            }
        }
    }
    return true;
}

static bool make_plane(PlanePlan *plane, int width, int height, int to_width, int to_height)
{
    return make_axis(&plane->columns, width, to_width) && make_axis(&plane->rows, height, to_height) &&
           make_row_plan(&plane->plan, &plane->columns);
}

static void free_plane(PlanePlan *plane)
{
    PyMem_Free(plane->rows.areas);
    PyMem_Free(plane->columns.areas);
    PyMem_Free(plane->plan.offsets);
    PyMem_Free(plane->plan.shuffles);
    PyMem_Free(plane->plan.weights);
}

#ifdef HAVE_AVX2_CODE

static int pair_of(const Area *area, int tap)
{
    int second = tap + 1 < area->count ? (uint8_t)area->weights[tap + 1] : 0;
    return (uint8_t)area->weights[tap] | second << 8;
}

/* The average of some rows, two and two. Returns where it stopped before the end of the row. */
__attribute__((target("avx2"), always_inline)) static inline int average_pairs(
    const uint8_t *source, Py_ssize_t stride, const Area *area, int pairs, int width, uint8_t *result)
{
    const __m256i rounding = _mm256_set1_epi16(ROUNDING);
    __m256i weights[MOST_TAPS / 2];
    const uint8_t *upper[MOST_TAPS / 2], *lower[MOST_TAPS / 2];
    for (int pair = 0; pair < pairs; pair++) {
        int tap = 2 * pair;
        weights[pair] = _mm256_set1_epi16((short)pair_of(area, tap));
        upper[pair] = source + tap * stride;
        lower[pair] = tap + 1 < area->count ? upper[pair] + stride : upper[pair];
    }
    int x = 0;
    for (; x + 32 <= width; x += 32) {
        __m256i low = rounding, high = rounding;
        /* Beyond the last row nothing is read: a call for memory that is not ours does nothing. */
        for (int row = AHEAD; row < AHEAD + area->count; row++)
            _mm_prefetch((const void *)((uintptr_t)source + row * stride + x), _MM_HINT_T0);
        for (int pair = 0; pair < pairs; pair++) {
            __m256i one = _mm256_loadu_si256((const __m256i *)(upper[pair] + x));
            __m256i two = _mm256_loadu_si256((const __m256i *)(lower[pair] + x));
            low = _mm256_add_epi16(low, _mm256_maddubs_epi16(_mm256_unpacklo_epi8(one, two), weights[pair]));
            high = _mm256_add_epi16(high, _mm256_maddubs_epi16(_mm256_unpackhi_epi8(one, two), weights[pair]));
        }
        __m256i packed = _mm256_packus_epi16(_mm256_srli_epi16(low, SHIFT), _mm256_srli_epi16(high, SHIFT));
        _mm256_storeu_si256((__m256i *)(result + x), packed);
    }
    return x;
}

__attribute__((target("avx2"))) static void average_rows(
    const uint8_t *source, Py_ssize_t stride, const Area *area, int width, uint8_t *result)
{
    /* The commonest numbers are told to the compiler. */
    int pairs = (area->count + 1) / 2, x;
    if (pairs == 1)
        x = average_pairs(source, stride, area, 1, width, result);
    else if (pairs == 2)
        x = average_pairs(source, stride, area, 2, width, result);
    else
        x = average_pairs(source, stride, area, pairs, width, result);
    for (; x < width; x++) {
        int sum = ROUNDING;
        for (int tap = 0; tap < area->count; tap++)
            sum += source[tap * stride + x] * area->weights[tap];
        result[x] = (uint8_t)(sum >> SHIFT);
    }
}

__attribute__((target("avx2"))) static inline __m128i weighted(const RowPlan *plan, int number, const uint8_t *row)
{
    __m128i samples = _mm_loadu_si128((const __m128i *)(row + plan->offsets[number]));
    __m128i order = _mm_loadu_si128((const __m128i *)(plan->shuffles + number * REGISTER));
    __m128i weights = _mm_loadu_si128((const __m128i *)(plan->weights + number * REGISTER));
    return _mm_maddubs_epi16(_mm_shuffle_epi8(samples, order), weights);
}

/* The averages along a row. ``row`` has REGISTER bytes more, ``result`` place for whole eights. */
__attribute__((target("avx2"))) static void average_columns(const RowPlan *plan, const uint8_t *row, uint8_t *result)
{
    const __m128i rounding = _mm_set1_epi16(ROUNDING);
    int step = plan->taps == MOST_TAPS ? 4 : 2;
    for (int number = 0; number < plan->registers; number += step, result += AT_ONCE) {
        __m128i sums;
        if (step == 2) {
            sums = _mm_hadd_epi16(weighted(plan, number, row), weighted(plan, number + 1, row));
        } else {
            __m128i front = _mm_hadd_epi16(weighted(plan, number, row), weighted(plan, number + 1, row));
            __m128i back = _mm_hadd_epi16(weighted(plan, number + 2, row), weighted(plan, number + 3, row));
            sums = _mm_hadd_epi16(front, back);
        }
        sums = _mm_srli_epi16(_mm_add_epi16(sums, rounding), SHIFT);
        _mm_storel_epi64((__m128i *)result, _mm_packus_epi16(sums, sums));
    }
}

static void shrink_fast(const PlanePlan *plane, const uint8_t *source, Py_ssize_t stride, uint8_t *result, int y, int end)
{
    uint8_t row[LARGEST + REGISTER], made[LARGEST + AT_ONCE];
    memset(row + plane->columns.from, 0, REGISTER);
    for (; y < end; y++) {
        const Area *area = &plane->rows.areas[y];
        average_rows(source + area->first * stride, stride, area, plane->columns.from, row);
        average_columns(&plane->plan, row, made);
        memcpy(result + (Py_ssize_t)y * plane->columns.to, made, plane->columns.to);
    }
}

#endif

static void shrink_plainly(const PlanePlan *plane, const uint8_t *source, Py_ssize_t stride, uint8_t *result, int y,
                           int end)
{
    uint8_t row[LARGEST];
    result += (Py_ssize_t)y * plane->columns.to;
    for (; y < end; y++) {
        const Area *area = &plane->rows.areas[y];
        for (int x = 0; x < plane->columns.from; x++) {
            int sum = ROUNDING;
            for (int tap = 0; tap < area->count; tap++)
                sum += source[(area->first + tap) * stride + x] * area->weights[tap];
            row[x] = (uint8_t)(sum >> SHIFT);
        }
        for (int x = 0; x < plane->columns.to; x++) {
            const Area *part = &plane->columns.areas[x];
            int sum = ROUNDING;
            for (int tap = 0; tap < part->count; tap++)
                sum += row[part->first + tap] * part->weights[tap];
            *result++ = (uint8_t)(sum >> SHIFT);
        }
    }
}

static bool is_fast(void)
{
#ifdef HAVE_AVX2_CODE
    return __builtin_cpu_supports("avx2");
#else
    return false;
#endif
}

/* Rows of the result from ``y`` to before ``end``. */
static void shrink_rows(const PlanePlan *plane, const uint8_t *source, Py_ssize_t stride, uint8_t *result, int y,
                        int end)
{
#ifdef HAVE_AVX2_CODE
    if (is_fast()) {
        shrink_fast(plane, source, stride, result, y, end);
        return;
    }
#endif
    shrink_plainly(plane, source, stride, result, y, end);
}

/* One plane in several sizes, from one passage through it. */
static void shrink_plane(const PlanePlan *const *planes, uint8_t *const *results, int count, const uint8_t *source,
                         Py_ssize_t stride)
{
    int made[MOST_SIZES] = {0}, rows = planes[0]->rows.from;
    for (int read = BAND;; read += BAND) {
        if (read > rows || count == 1)
            read = rows;
        for (int index = 0; index < count; index++) {
            const Axis *axis = &planes[index]->rows;
            int end = made[index];
            while (end < axis->to && axis->areas[end].first + axis->areas[end].count <= read)
                end++;
            shrink_rows(planes[index], source, stride, results[index], made[index], end);
            made[index] = end;
        }
        if (read == rows)
            return;
    }
}

static PyObject *shrinker_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"width", "height", "to_width", "to_height", NULL};
    int width, height, to_width, to_height;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "iiii", names, &width, &height, &to_width, &to_height))
        return NULL;
    if ((width | height | to_width | to_height) & 1 || to_width < 2 || to_height < 2 || width < 4 || height < 4 || width > LARGEST ||
        height > LARGEST || to_width > width || to_height > height || to_width < width * SMALLEST_SHARE ||
        to_height < height * SMALLEST_SHARE) {
        PyErr_SetString(PyExc_ValueError, "sizes have to be even, the larger one at least 4 and the smaller one a seventh of it");
        return NULL;
    }
    Shrinker *self = (Shrinker *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    if (!make_plane(&self->luma, width, height, to_width, to_height) ||
        !make_plane(&self->chroma, width / 2, height / 2, to_width / 2, to_height / 2)) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static void shrinker_dealloc(Shrinker *self)
{
    free_plane(&self->luma);
    free_plane(&self->chroma);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static bool holds(const PlanePlan *plane, const Py_buffer *source, Py_ssize_t stride)
{
    return stride >= plane->columns.from && source->len / stride >= plane->rows.from - 1 &&
           source->len >= stride * (plane->rows.from - 1) + plane->columns.from;
}

static PyTypeObject shrinker_type;

/* The sizes that are wanted, and where they go. */
typedef struct {
    int count;
    Shrinker *shrinkers[MOST_SIZES];
    Py_buffer results[MOST_SIZES];
} Wanted;

static Py_ssize_t samples_of(const Shrinker *shrinker)
{
    const PlanePlan *planes[3] = {&shrinker->luma, &shrinker->chroma, &shrinker->chroma};
    Py_ssize_t samples = 0;
    for (int index = 0; index < 3; index++)
        samples += (Py_ssize_t)planes[index]->columns.to * planes[index]->rows.to;
    return samples;
}

static bool same_source(const Shrinker *one, const Shrinker *other)
{
    return one->luma.columns.from == other->luma.columns.from && one->luma.rows.from == other->luma.rows.from;
}

/* False with an exception set; ``wanted->count`` results are to be released in any case. ``pairs`` stays alive. */
static bool read_wanted(PyObject *pairs, Wanted *wanted)
{
    wanted->count = 0;
    Py_ssize_t count = PyTuple_GET_SIZE(pairs);
    if (count < 1 || count > MOST_SIZES) {
        PyErr_Format(PyExc_ValueError, "between 1 and %d sizes, not %zd", MOST_SIZES, count);
        return false;
    }
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *pair = PyTuple_GET_ITEM(pairs, index);
        Shrinker *shrinker;
        if (!PyTuple_Check(pair)) {
            PyErr_SetString(PyExc_TypeError, "each size is a pair of a shrinker and a buffer");
            return false;
        }
        if (!PyArg_ParseTuple(pair, "O!w*", &shrinker_type, &shrinker, &wanted->results[index]))
            return false;
        wanted->shrinkers[index] = shrinker;
        wanted->count++;
        if (!same_source(shrinker, wanted->shrinkers[0]) || wanted->results[index].len != samples_of(shrinker)) {
            PyErr_SetString(PyExc_ValueError, "a result is not of the size that was said, or of another picture's");
            return false;
        }
    }
    return true;
}

static void shrink_wanted(const Wanted *wanted, const Py_buffer *sources, const Py_ssize_t *strides)
{
    uint8_t *places[MOST_SIZES];
    for (int index = 0; index < wanted->count; index++)
        places[index] = wanted->results[index].buf;
    for (int number = 0; number < 3; number++) {
        const PlanePlan *planes[MOST_SIZES];
        for (int index = 0; index < wanted->count; index++)
            planes[index] = number ? &wanted->shrinkers[index]->chroma : &wanted->shrinkers[index]->luma;
        shrink_plane(planes, places, wanted->count, sources[number].buf, strides[number]);
        for (int index = 0; index < wanted->count; index++)
            places[index] += (Py_ssize_t)planes[index]->columns.to * planes[index]->rows.to;
    }
}

static PyObject *shrink(PyObject *module, PyObject *arguments)
{
    (void)module;
    Py_buffer sources[3];
    Py_ssize_t strides[3];
    PyObject *pairs;
    if (!PyArg_ParseTuple(arguments, "y*ny*ny*nO!", &sources[0], &strides[0], &sources[1], &strides[1], &sources[2],
                          &strides[2], &PyTuple_Type, &pairs))
        return NULL;
    Wanted wanted;
    bool fits = read_wanted(pairs, &wanted);
    if (fits) {
        const Shrinker *first = wanted.shrinkers[0];
        const PlanePlan *planes[3] = {&first->luma, &first->chroma, &first->chroma};
        for (int index = 0; index < 3; index++)
            fits = fits && holds(planes[index], &sources[index], strides[index]);
        if (!fits)
            PyErr_SetString(PyExc_ValueError, "a plane is not of the size that was said");
    }
    if (fits) {
        Py_BEGIN_ALLOW_THREADS
        shrink_wanted(&wanted, sources, strides);
        Py_END_ALLOW_THREADS
    }
    for (int index = 0; index < 3; index++)
        PyBuffer_Release(&sources[index]);
    for (int index = 0; index < wanted.count; index++)
        PyBuffer_Release(&wanted.results[index]);
    if (!fits)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"shrink", shrink, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject shrinker_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "mcu.media.picture._shrink.Shrinker",
    .tp_basicsize = sizeof(Shrinker),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = shrinker_new,
    .tp_dealloc = (destructor)shrinker_dealloc,
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_shrink",
    .m_doc = "Pictures made smaller in compiled code; see the stub file for what is here.",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit__shrink(void)
{
    if (PyType_Ready(&shrinker_type) < 0)
        return NULL;
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL)
        return NULL;
    if (PyModule_AddObjectRef(module, "Shrinker", (PyObject *)&shrinker_type) < 0 ||
        PyModule_AddObjectRef(module, "FAST", is_fast() ? Py_True : Py_False) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
