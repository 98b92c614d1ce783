/*
 * Hashes of chargen's arithmetic, part by part, so that another implementation finds where it
 * departs. docs/conformance.md says what is hashed, and has the hashes.
 *
 *     functions [EVERY]
 *
 * A hash is the CRC-32 (as in zlib) of the results, little-endian, in the order of their arguments;
 * any NaN counts as the one with the bits 7FC00000 or, as a double, 7FF8000000000000. With EVERY
 * only one in so many blocks of 65,536 arguments is computed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *conformance_backend(int32_t index);
void conformance_elementary(int32_t backend, int32_t function, float *values, size_t count);
void conformance_logarithm(const float *values, size_t count, double *results);
void conformance_quantise(int32_t backend, const float *values, size_t count, void *bytes);
void conformance_bfloat16(int32_t backend, const float *values, size_t count, float *results);
int32_t conformance_step(int32_t backend, int32_t cell, float *numbers, size_t width, float *results);
size_t conformance_sample(int32_t backend, const float *logits, size_t count, float inverse_temperature, size_t most,
                          uint64_t share, uint64_t word);

enum { BLOCK = 1 << 16, WIDTH = 64, SYMBOLS = 100 };

/* ---- CRC-32, eight bytes at a time ---- */

static uint32_t tables[8][256];

static void make_tables(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t value = byte;
        for (int bit = 0; bit < 8; bit++) value = (value & 1) != 0 ? value >> 1 ^ 0xEDB88320u : value >> 1;
        tables[0][byte] = value;
    }
    for (int table = 1; table < 8; table++)
        for (int byte = 0; byte < 256; byte++) {
            uint32_t previous = tables[table - 1][byte];
            tables[table][byte] = previous >> 8 ^ tables[0][previous & 255];
        }
}

/* Continues a CRC-32 with bytes, a multiple of 8 of them. */
static uint32_t crc(uint32_t crc, const void *bytes, size_t count) {
    const unsigned char *place = bytes;
    crc = ~crc;
    for (; count > 0; count -= 8, place += 8) {
        uint32_t low, high;
        memcpy(&low, place, 4);
        memcpy(&high, place + 4, 4);
        low ^= crc;
        crc = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^ tables[5][low >> 16 & 255] ^ tables[4][low >> 24] ^
              tables[3][high & 255] ^ tables[2][high >> 8 & 255] ^ tables[1][high >> 16 & 255] ^ tables[0][high >> 24];
    }
    return ~crc;
}

/* ---- All floats ---- */

static _Alignas(64) union {
    float floats[BLOCK];
    uint32_t bits[BLOCK];
} arguments, results;
static _Alignas(64) union {
    double doubles[BLOCK];
    uint64_t bits[BLOCK];
} logarithms;
static _Alignas(64) unsigned char bytes[BLOCK];

static uint32_t of_floats(uint32_t hash) {
    for (int i = 0; i < BLOCK; i++) results.bits[i] = (results.bits[i] & 0x7FFFFFFFu) > 0x7F800000u ? 0x7FC00000u : results.bits[i];
    return crc(hash, results.bits, sizeof results);
}

enum function { EXP, SIGMOID, TANH, INT8, BFLOAT16, LOG, FUNCTIONS };

static uint32_t block(uint32_t hash, int backend, enum function function) {
    switch (function) {
    case EXP:
    case SIGMOID:
    case TANH:
        memcpy(&results, &arguments, sizeof results);
        conformance_elementary(backend, function, results.floats, BLOCK);
        return of_floats(hash);
    case INT8:
        conformance_quantise(backend, arguments.floats, BLOCK, bytes);
        return crc(hash, bytes, sizeof bytes);
    case BFLOAT16:
        conformance_bfloat16(backend, arguments.floats, BLOCK, results.floats);
        return crc(hash, results.bits, sizeof results);
    default:
        conformance_logarithm(arguments.floats, BLOCK, logarithms.doubles);
        for (int i = 0; i < BLOCK; i++)
            if ((logarithms.bits[i] & INT64_MAX) > 0x7FF0000000000000) logarithms.bits[i] = 0x7FF8000000000000;
        return crc(hash, logarithms.bits, sizeof logarithms);
    }
}

/* A line of 16 hashes, of the floats whose bits begin with 0 to F; `-` where there are none. */
static void print_function(int backend, enum function function, uint32_t every) {
    static const char *const names[] = {"exp", "sigmoid", "tanh", "int8", "bfloat16", "log"};
    printf("%-8s", names[function]);
    for (uint32_t part = 0; part < 16; part++) {
        uint32_t hash = 0;
        int has_any = 0;
        for (uint32_t number = part << 12; number < (part + 1) << 12; number += every) {
            uint32_t first = number << 16;
            /* exp is of numbers that are not positive, the logarithm of those from 1 on. */
            if (function == EXP && first < 0x80000000u) continue;
            if (function == LOG && (first < 0x3F800000u || first >= 0x7F800000u)) continue;
            for (uint32_t i = 0; i < BLOCK; i++) arguments.bits[i] = first | i;
            hash = block(hash, backend, function);
            has_any = 1;
        }
        if (has_any) printf(" %08" PRIx32, hash);
        else printf(" -");
    }
    putchar('\n');
    fflush(stdout);
}

/* ---- Cells and the sampler ---- */

/* SplitMix64. */
static uint64_t next_word(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* A float from -8 to 8. */
static float next_float(uint64_t *state) { return (float)((int32_t)(next_word(state) >> 40) - (1 << 23)) * 0x1p-20f; }

/* The states after 10,000 steps, each of other numbers. */
static void print_cell(int backend, int cell) {
    static const char *const names[] = {"rnn", "gru", "lstm"};
    static const int blocks[] = {1, 4, 4};
    static _Alignas(64) float numbers[6 * WIDTH], states[3 * WIDTH];
    uint64_t state = 1;
    uint32_t hash = 0;
    for (int turn = 0; turn < 10000; turn++) {
        for (int i = 0; i < (blocks[cell] + 2) * WIDTH; i++) {
            numbers[i] = next_float(&state);
            /* The hidden state, which is never larger. */
            if (i / WIDTH == blocks[cell]) numbers[i] /= 8;
        }
        conformance_step(backend, cell, numbers, WIDTH, states);
        hash = crc(hash, states, (cell == 2 ? 2 : 1) * WIDTH * sizeof *states);
    }
    printf("%-8s %08" PRIx32 "\n", names[cell], hash);
}

/* 10,000 symbols, with other logits, temperatures, top-k and top-p each. */
static void print_sampler(int backend) {
    static _Alignas(64) float logits[128];
    uint64_t state = 1;
    uint32_t hash = 0;
    for (int turn = 0; turn < 10000; turn++) {
        for (int i = 0; i < SYMBOLS; i++) logits[i] = next_float(&state);
        float inverse_temperature = (float)(1 + next_word(&state) % 64) / 16;
        size_t most = 1 + next_word(&state) % SYMBOLS;
        uint64_t share = next_word(&state), word = next_word(&state);
        uint64_t symbol = conformance_sample(backend, logits, SYMBOLS, inverse_temperature, most, share, word);
        hash = crc(hash, &symbol, sizeof symbol);
    }
    printf("%-8s %08" PRIx32 "\n", "sampler", hash);
}

int main(int count, char **values) {
    uint32_t every = count > 1 ? (uint32_t)strtoul(values[1], NULL, 10) : 1;
    if (every == 0) return 2;
    make_tables();
    for (int backend = 0; conformance_backend(backend) != NULL; backend++) {
        printf("# %s\n", conformance_backend(backend));
        for (int cell = 0; cell < 3; cell++) print_cell(backend, cell);
        print_sampler(backend);
        for (int function = 0; function < FUNCTIONS; function++) print_function(backend, function, every);
    }
    return 0;
}
