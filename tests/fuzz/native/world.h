/* Chance, input and checks that the parts of the fuzz program share. */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest input made; longer than any packet that is forwarded. */
#define LONGEST 1700

/* A copy of its own size exactly, so that the sanitizer sees a read behind its end. */
struct input { uint8_t *data; size_t length; };

uint32_t chance(uint32_t below);
bool one_in(uint32_t count);

/* An RTP packet that is one, of this SSRC and number, or something like it; to be freed. */
struct input make_rtp(uint32_t ssrc, uint16_t sequence);
/* Anything: corpus, RTP, RTCP, chance; damaged or not. To be freed. */
struct input make_any(void);
/* Damage it: bits, lengths, ends. */
void damage(struct input *input);
struct input copy_of(const uint8_t *data, size_t length, size_t room);

void fail(const char *what, int line);
#define REQUIRE(condition) do { if (!(condition)) fail(#condition, __LINE__); } while (0)

void fuzz_parsers(void);
void fuzz_srtp(void);
void fuzz_forward(void);
void fuzz_port(void);
void fuzz_repairs(void);
void fuzz_counted(void);
void fuzz_composed(void);
void fuzz_checks(void);

/* Free what the parts have kept, so that a leak is seen. */
void end_srtp(void);
void end_forward(void);
void end_port(void);
void end_repairs(void);
void end_counted(void);
void end_composed(void);

#endif
