#include "names.h"

#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

PyObject *name_of_address(const struct sockaddr_storage *address)
{
    char text[INET6_ADDRSTRLEN];
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
    bool is_four = address->ss_family == AF_INET;
    /* What comes by IPv4 on a socket of both families is named as on any other. */
    bool is_mapped = !is_four && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr);
    const uint8_t *octets = six->sin6_addr.s6_addr + (is_mapped ? 12 : 0);
    const void *host = is_four ? (const void *)&four->sin_addr : octets;
    if (inet_ntop(is_mapped ? AF_INET : address->ss_family, host, text, sizeof text) == NULL)
        return PyErr_SetFromErrno(PyExc_OSError);
    return Py_BuildValue("(si)", text, (int)ntohs(is_four ? four->sin_port : six->sin6_port));
}

bool address_of_name(PyObject *name, int family, struct sockaddr_storage *address, socklen_t *length)
{
    const char *host;
    int port;
    if (!PyTuple_Check(name)) {
        PyErr_SetString(PyExc_TypeError, "an address is (host, port)");
        return false;
    }
    if (!PyArg_ParseTuple(name, "si", &host, &port))
        return false;
    memset(address, 0, sizeof *address);
    address->ss_family = (sa_family_t)family;
    struct sockaddr_in *four = (struct sockaddr_in *)address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)address;
    bool is_four = family == AF_INET;
    bool is_mapped = !is_four && strchr(host, ':') == NULL;
    void *place = is_four ? (void *)&four->sin_addr : (void *)&six->sin6_addr.s6_addr[is_mapped ? 12 : 0];
    if (is_mapped)
        memset(&six->sin6_addr.s6_addr[10], 0xff, 2);
    if (port < 1 || port > 65535 || inet_pton(is_mapped ? AF_INET : family, host, place) != 1) {
        PyErr_Format(PyExc_ValueError, "no address of this socket's family: %s port %d", host, port);
        return false;
    }
    if (is_four)
        four->sin_port = htons((uint16_t)port);
    else
        six->sin6_port = htons((uint16_t)port);
    *length = is_four ? sizeof *four : sizeof *six;
    return true;
}

static const struct { const char *name; enum srtp_suite suite; } suites[] = {
    {"AES_CM_128_HMAC_SHA1_80", SRTP_AES_CM_128_HMAC_SHA1_80},
    {"AES_CM_128_HMAC_SHA1_32", SRTP_AES_CM_128_HMAC_SHA1_32},
    {"AEAD_AES_128_GCM", SRTP_AEAD_AES_128_GCM},
    {"AEAD_AES_256_GCM", SRTP_AEAD_AES_256_GCM},
};

bool suite_of_name(const char *name, size_t size, enum srtp_suite *suite)
{
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
        if (strcmp(suites[i].name, name) == 0) {
            *suite = suites[i].suite;
            if (size == srtp_material_size(*suite))
                return true;
            PyErr_Format(PyExc_ValueError, "%s takes %zu octets of key and salt, not %zu", name,
                         srtp_material_size(*suite), size);
            return false;
        }
    PyErr_Format(PyExc_ValueError, "no such suite: %s", name);
    return false;
}

PyObject *batch_of(PyObject *packets, struct udp_out **out)
{
    PyObject *batch = PySequence_Tuple(packets);
    if (batch == NULL)
        return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(batch);
    *out = count > MAX_BATCH ? NULL : PyMem_Calloc((size_t)count + 1, sizeof **out);
    if (*out == NULL) {
        Py_DECREF(batch);
        return count > MAX_BATCH ? PyErr_Format(PyExc_ValueError, "too many packets at once") : PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        char *data;
        Py_ssize_t length;
        if (PyBytes_AsStringAndSize(PyTuple_GET_ITEM(batch, i), &data, &length) < 0) {
            PyMem_Free(*out);
            Py_DECREF(batch);
            return NULL;
        }
        (*out)[i] = (struct udp_out){(const uint8_t *)data, (size_t)length, NULL};
    }
    return batch;
}
