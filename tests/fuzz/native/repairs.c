/* Forward error correction: what is recovered of honest packets is what was sent, and no other input leads astray. */
#include "fec.h"
#include "rtp.h"
#include "world.h"

#define KEPT 256

static struct fec_sender sender[2];
static struct fec_receiver honest[2], hostile[2];
static struct { struct input packet; uint16_t number; } sent[2][KEPT];
static bool begun;
static uint16_t next[2];
static bool losing;

static void begin(int form)
{
    fec_begin_sender(&sender[form], (enum fec_form)form, chance(1000));
    fec_begin_receiver(&honest[form], (enum fec_form)form);
    fec_begin_receiver(&hostile[form], (enum fec_form)form);
    hostile[form].mutable.ids[hostile[form].mutable.count++] = (uint8_t)(1 + chance(14));
    next[form] = (uint16_t)chance(65536);
}

/* All that can be known now; with ``true_to`` it has to be what was sent. */
static void recover(struct fec_receiver *receiver, int form, bool true_to)
{
    uint8_t *out = malloc(FEC_LONGEST);
    REQUIRE(out != NULL);
    for (size_t length; (length = fec_recover(receiver, out)) > 0;) {
        REQUIRE(length >= 12 && length <= FEC_LONGEST && rtp_header_length(out, length) > 0);
        uint16_t number = get16(out + 2);
        const struct input *packet = &sent[form][number % KEPT].packet;
        if (true_to)
            REQUIRE(sent[form][number % KEPT].number == number && packet->length == length &&
                    memcmp(packet->data, out, length) == 0);
    }
    free(out);
}

static void give(int form, const struct input *data, bool is_repair)
{
    losing = chance(16) < (losing ? 12u : 1u);
    if (!losing) {
        if (is_repair ? fec_solve(&honest[form], data->data, data->length)
                      : fec_received(&honest[form], data->data, data->length))
            recover(&honest[form], form, true);
    }
    struct input changed = one_in(4) ? make_any() : copy_of(data->data, data->length, 0);
    if (one_in(2))
        damage(&changed);
    if (one_in(8) ? !is_repair : is_repair)
        fec_solve(&hostile[form], changed.data, changed.length);
    else
        fec_received(&hostile[form], changed.data, changed.length);
    recover(&hostile[form], form, false);
    free(changed.data);
}

void fuzz_repairs(void)
{
    int form = (int)chance(2);
    if (!begun || one_in(5000)) {
        begun = true;
        begin(0);
        begin(1);
    }
    if (one_in(3000))
        next[form] = (uint16_t)(next[form] + 2000 + chance(20000));
    struct input packet = make_rtp(7, next[form]);
    /* Padding that is wrong makes no difference to us. */
    if (fec_protect(&sender[form], packet.data, packet.length)) {
        int place = next[form] % KEPT;
        free(sent[form][place].packet.data);
        sent[form][place].packet = copy_of(packet.data, packet.length, 0);
        sent[form][place].number = next[form]++;
        give(form, &packet, false);
    }
    free(packet.data);
    if (one_in(2)) {
        struct input made = {malloc(FEC_MAX_HEADER + FEC_BODY), 0};
        REQUIRE(made.data != NULL);
        made.length = fec_repair(&sender[form], 1 + chance(60), made.data);
        if (made.length > 0)
            give(form, &made, true);
        free(made.data);
    }
    if (one_in(500)) { /* anything else that is sent: nothing honest comes of it, so all begins again */
        struct input other = make_any();
        if (fec_protect(&sender[form], other.data, other.length))
            REQUIRE(other.length >= 12 && other.length <= FEC_LONGEST);
        uint8_t *out = malloc(FEC_MAX_HEADER + FEC_BODY);
        REQUIRE(out != NULL && fec_repair(&sender[form], 1 + chance(60), out) <= FEC_MAX_HEADER + FEC_BODY);
        free(out);
        free(other.data);
        begin(form);
    }
}

void end_repairs(void)
{
    for (int form = 0; form < 2; form++)
        for (int i = 0; i < KEPT; i++)
            free(sent[form][i].packet.data);
}
