/*
 * Compresses text with a model, without loss:
 *
 *     compress MODEL <TEXT >FILE
 *     compress -d MODEL <FILE >TEXT
 *
 * The better the model predicts the text, the smaller the file. Arithmetic coding (Witten, Neal and
 * Cleary, "Arithmetic coding for data compression", 1987) spends log2(1/p) bits on a character of
 * probability p. The library gives the same bits for p on every processor, so that one machine
 * decompresses what another has compressed, with the same model. Any bytes can be compressed.
 */
#include <chargen.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What follows the escape symbol, in 21 bits: a character that the model does not know, or one of
   these. */
enum { RAW_BYTE = 0x110000, END_OF_TEXT = 0x1FFFFF };
/* A probability of 1, as a frequency. Each symbol has one more, so that none is impossible. */
enum { ONE = 1 << 22 };
/* What a file begins with. */
static const char magic[] = "cgc1";

/* The interval of 32 bits that the text so far leads to, and the byte that is written or read. */
struct coder {
    int decodes;
    uint32_t low, high;
    uint32_t value;   /* of a decoder: the next bits of the file */
    uint32_t pending; /* of an encoder: how many bits are the opposite of the next one */
    int byte, bit_count;
    int past_end; /* how many bytes a decoder has read after the last one */
};

struct text_model {
    chargen_model *model;
    chargen_session *session;
    size_t characters;   /* how many the model knows */
    size_t symbols;      /* those, the unknown symbol and the end of a document */
    size_t escape;       /* the symbol of what the model does not know */
    uint32_t line_break; /* how the model knows it: as the end of a document, if those are lines */
    uint32_t checksum;   /* of the text: FNV-1a */
};

static int failed(void) {
    fprintf(stderr, "compress: %s\n", chargen_error_message());
    return -1;
}

static int broken(void) {
    fprintf(stderr, "compress: the file is damaged, or was compressed with another model\n");
    return -1;
}

/* ---- Arithmetic coding ---- */

static void put_bit(struct coder *coder, int bit) {
    coder->byte = coder->byte << 1 | bit;
    if (++coder->bit_count == 8) {
        putchar(coder->byte & 0xFF);
        coder->bit_count = 0;
    }
}

/* Puts a bit and those that depend on it. */
static void put_bits(struct coder *coder, int bit) {
    put_bit(coder, bit);
    for (; coder->pending > 0; coder->pending--) {
        put_bit(coder, !bit);
    }
}

/* Bits after the end of the file are 0. */
static uint32_t get_bit(struct coder *coder) {
    if (coder->bit_count == 0) {
        coder->byte = getchar();
        if (coder->byte == EOF) {
            coder->byte = 0;
            coder->past_end++;
        }
        coder->bit_count = 8;
    }
    return (uint32_t)coder->byte >> --coder->bit_count & 1;
}

static void begin(struct coder *coder, int decodes) {
    int i;
    memset(coder, 0, sizeof *coder);
    coder->high = UINT32_MAX;
    coder->decodes = decodes;
    for (i = 0; decodes && i < 32; i++) {
        coder->value = coder->value << 1 | get_bit(coder);
    }
}

/* Takes the part of the interval from `start` to `start + frequency`, of `total`. */
static void narrow(struct coder *coder, uint32_t start, uint32_t frequency, uint32_t total) {
    uint64_t range = (uint64_t)coder->high - coder->low + 1;
    coder->high = (uint32_t)(coder->low + range * (start + frequency) / total - 1);
    coder->low = (uint32_t)(coder->low + range * start / total);
    while (1) {
        uint32_t offset; /* of the half, or the middle half, that the interval is in */
        if ((coder->low ^ coder->high) >> 31 == 0) {
            offset = coder->low & 0x80000000u;
            if (!coder->decodes) {
                put_bits(coder, offset != 0);
            }
        } else if (coder->low >= 0x40000000u && coder->high < 0xC0000000u) {
            offset = 0x40000000u;
            coder->pending++;
        } else {
            return;
        }
        coder->low = (coder->low - offset) << 1;
        coder->high = (coder->high - offset) << 1 | 1;
        if (coder->decodes) {
            coder->value = (coder->value - offset) << 1 | get_bit(coder);
        }
    }
}

/* Where a decoder's value lies in a total. */
static uint32_t position(const struct coder *coder, uint32_t total) {
    uint64_t range = (uint64_t)coder->high - coder->low + 1;
    return (uint32_t)((((uint64_t)coder->value - coder->low + 1) * total - 1) / range);
}

/* Writes enough of the interval for a decoder to find it. */
static void finish(struct coder *coder) {
    coder->pending++;
    put_bits(coder, coder->low >= 0x40000000u);
    while (coder->bit_count > 0) {
        put_bit(coder, 0);
    }
}

/* Codes a number of `bits` bits, all equally likely. */
static uint32_t code_number(struct coder *coder, uint32_t number, int bits) {
    uint32_t result = 0;
    int shift;
    for (shift = bits - 1; shift >= 0; shift--) {
        uint32_t bit = coder->decodes ? position(coder, 2) : number >> shift & 1;
        narrow(coder, bit, 1, 2);
        result = result << 1 | bit;
    }
    return result;
}

/* ---- The model ---- */

/* Exact in any floating-point arithmetic: a product by a power of 2, and an integer part. */
static uint32_t frequency(float probability) {
    return 1 + (probability > 0 ? (uint32_t)(probability * (float)ONE) : 0);
}

/* Codes the symbol that comes next, the escape symbol included. Returns -1 on failure. */
static int code_symbol(struct text_model *text, struct coder *coder, size_t *symbol) {
    const float *probabilities;
    size_t count, i;
    uint32_t total = 0, start = 0, target;
    if (chargen_session_probabilities(text->session, &probabilities, &count) != CHARGEN_OK) {
        return failed();
    }
    for (i = 0; i < count; i++) {
        total += frequency(probabilities[i]);
    }
    total += text->escape == count; /* a symbol that the model does not have */
    target = coder->decodes ? position(coder, total) : 0;
    for (i = 0; i < count; i++) {
        uint32_t part = frequency(probabilities[i]);
        if (coder->decodes ? target < start + part : i == *symbol) {
            *symbol = i;
            narrow(coder, start, part, total);
            return 0;
        }
        start += part;
    }
    *symbol = text->escape;
    narrow(coder, start, 1, total);
    return 0;
}

/* The symbol of a character, or the escape symbol. */
static size_t find_symbol(const struct text_model *text, uint32_t character) {
    size_t low = 0, high = text->characters;
    uint32_t other;
    if (character == CHARGEN_END_OF_DOCUMENT) {
        return text->symbols - 1;
    }
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (chargen_model_character(text->model, middle, &other) == CHARGEN_OK && other < character) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return chargen_model_knows(text->model, character) ? low : text->escape;
}

/* Codes a character, a raw byte, or the end of the text, and has the model read it. Returns -1 on
   failure. */
static int code_character(struct text_model *text, struct coder *coder, uint32_t *character) {
    size_t symbol = coder->decodes ? 0 : find_symbol(text, *character);
    if (code_symbol(text, coder, &symbol) != 0) {
        return -1;
    }
    if (symbol == text->escape) {
        *character = code_number(coder, *character, 21);
        /* Without an unknown symbol the model reads nothing. */
        if (!chargen_model_has_unknown(text->model) || *character >= RAW_BYTE) {
            return 0;
        }
    } else if (symbol < text->characters) {
        if (chargen_model_character(text->model, symbol, character) != CHARGEN_OK) {
            return failed();
        }
    } else {
        *character = CHARGEN_END_OF_DOCUMENT;
    }
    return chargen_session_feed_character(text->session, *character) == CHARGEN_OK ? 0 : failed();
}

static void add_to_checksum(struct text_model *text, const char *bytes, size_t length) {
    size_t i;
    for (i = 0; i < length; i++) {
        text->checksum = (text->checksum ^ (unsigned char)bytes[i]) * 16777619u;
    }
}

/* ---- Text ---- */

/* Reads the first character of a text, or the first byte where the text is not UTF-8. Returns its
   length in bytes. */
static size_t first_character(const char *text, size_t length, uint32_t *character) {
    unsigned char first = (unsigned char)text[0];
    size_t count = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    uint32_t value = count == 1 ? first : first & (0x7Fu >> count);
    char encoded[5];
    size_t i;
    for (i = 1; i < count && i < length; i++) {
        value = value << 6 | ((unsigned char)text[i] & 0x3F);
    }
    /* Only valid bytes are those of the character. */
    if (count <= length && chargen_encode(value, encoded) == count && memcmp(encoded, text, count) == 0) {
        *character = value;
        return count;
    }
    *character = RAW_BYTE + first;
    return 1;
}

static int compress(struct text_model *text) {
    struct coder coder;
    size_t length = 0, capacity = 0, place = 0;
    char *bytes = NULL;
    uint32_t character;
    int result = 0;
    while (!feof(stdin)) {
        char *more = (char *)realloc(bytes, capacity = 2 * capacity + 65536);
        if (more == NULL) {
            free(bytes);
            perror("compress");
            return -1;
        }
        bytes = more;
        length += fread(bytes + length, 1, capacity - length, stdin);
        if (ferror(stdin)) {
            free(bytes);
            perror("compress: cannot read");
            return -1;
        }
    }
    add_to_checksum(text, bytes, length);
    fwrite(magic, 1, 4, stdout);
    begin(&coder, 0);
    while (result == 0 && place < length) {
        place += first_character(bytes + place, length - place, &character);
        if (character == '\n') {
            character = text->line_break;
        }
        result = code_character(text, &coder, &character);
    }
    free(bytes);
    character = END_OF_TEXT;
    if (result == 0 && (result = code_character(text, &coder, &character)) == 0) {
        code_number(&coder, text->checksum >> 16, 16);
        code_number(&coder, text->checksum & 0xFFFF, 16);
        finish(&coder);
    }
    return result;
}

static int decompress(struct text_model *text) {
    struct coder coder;
    uint32_t character = 0, checksum;
    char start[4];
    if (fread(start, 1, 4, stdin) != 4 || memcmp(start, magic, 4) != 0) {
        return broken();
    }
    begin(&coder, 1);
    while (1) {
        char bytes[5];
        size_t length = 1;
        if (code_character(text, &coder, &character) != 0) {
            return -1;
        }
        if (character == END_OF_TEXT) {
            break;
        }
        if (coder.past_end > 4) { /* more than a decoder's 32 bits */
            return broken();
        }
        if (character == CHARGEN_END_OF_DOCUMENT) {
            bytes[0] = '\n';
        } else if (character >= RAW_BYTE) {
            bytes[0] = (char)(character - RAW_BYTE);
        } else {
            length = chargen_encode(character, bytes);
        }
        add_to_checksum(text, bytes, length);
        fwrite(bytes, 1, length, stdout);
    }
    checksum = code_number(&coder, 0, 16) << 16;
    checksum |= code_number(&coder, 0, 16);
    return checksum == text->checksum ? 0 : broken();
}

int main(int argc, char **argv) {
    struct text_model text;
    int decodes = argc == 3 && strcmp(argv[1], "-d") == 0;
    int result = -1;
    memset(&text, 0, sizeof text);
    if (argc != 2 + decodes) {
        fprintf(stderr, "usage: compress [-d] MODEL <INPUT >OUTPUT\n");
        return 2;
    }
    if (chargen_model_load_file(argv[1 + decodes], &text.model) != CHARGEN_OK
        || chargen_session_create(text.model, &text.session) != CHARGEN_OK) {
        failed();
    } else {
        int has_unknown = chargen_model_has_unknown(text.model), has_end = chargen_model_has_end_of_document(text.model);
        text.characters = chargen_model_character_count(text.model);
        text.symbols = text.characters + (size_t)has_unknown + (size_t)has_end;
        text.escape = has_unknown ? text.characters : text.symbols;
        text.line_break = has_end && !chargen_model_knows(text.model, '\n') ? CHARGEN_END_OF_DOCUMENT : '\n';
        text.checksum = 2166136261u;
        result = decodes ? decompress(&text) : compress(&text);
        if (fflush(stdout) != 0 || ferror(stdout) || ferror(stdin)) {
            perror("compress");
            result = -1;
        }
    }
    chargen_session_free(text.session);
    chargen_model_free(text.model);
    return result != 0;
}
