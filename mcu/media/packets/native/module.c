/* The Python face of the packet layer: module ``mcu.media.packets._native``. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "fec_type.h"
#include "history_type.h"
#include "joiner_type.h"
#include "payload_types.h"
#include "port_type.h"
#include "red_type.h"
#include "rtp_type.h"
#include "srtp_type.h"
#include "udp_type.h"

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_native",
    .m_doc = "Packets in compiled code; see the stub file for what is here.",
    .m_size = -1,
};

PyMODINIT_FUNC PyInit__native(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL)
        return NULL;
    if (add_rtp_functions(module) < 0 || add_h264_types(module) < 0 || add_vp8_types(module) < 0 ||
        add_joiner_type(module) < 0 || add_reorder_type(module) < 0 || add_history_type(module) < 0 ||
        add_source_type(module) < 0 || add_red_functions(module) < 0 ||
        add_srtp_type(module) < 0 || add_udp_type(module) < 0 || add_port_type(module) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    if (add_fec_types(module) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
