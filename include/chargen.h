/*
 * chargen: generates text, character by character, from a small recurrent neural network.
 *
 * INTRODUCTION
 *
 * The `trainer` command turns a text into a model, one `.cgw` file. This library loads such a file and streams
 * characters from it. A complete program:
 *
 *     #include <chargen.h>
 *     #include <stdio.h>
 *
 *     int main(void) {
 *         chargen_model *model;
 *         chargen_session *session;
 *         char text[1000];
 *         size_t length;
 *         if (chargen_model_load_file("model.cgw", &model) != CHARGEN_OK
 *             || chargen_session_create(model, &session) != CHARGEN_OK
 *             || chargen_session_generate(session, 200, text, sizeof text, &length) != CHARGEN_OK) {
 *             fprintf(stderr, "%s\n", chargen_error_message());
 *             return 1;
 *         }
 *         fwrite(text, 1, length, stdout);
 *         chargen_session_free(session);
 *         chargen_model_free(model);
 *         return 0;
 *     }
 *
 * Compile it with `-lchargen`. Longer examples stand in examples/c, a guide in docs/c-guide.md.
 *
 * LIFETIMES
 *
 * A model is what a file holds: immutable. A session is one stream of text from a model: the text so far, the settings,
 * the random generator. Whoever loads a model or creates a session frees it, once; freeing NULL does nothing. The two
 * may be freed in any order, because a session keeps what it needs of its model. A freed handle must not be used.
 *
 * A session's memory is allocated when it is created. Feeding and generating text allocate nothing; a failing call may
 * allocate a little for its message.
 *
 * MANY AT ONCE
 *
 * A character costs one pass over the model's weights. A batch takes many sessions through the network together, so that
 * one pass serves all: 32 streams of a large model take a few times as long as one. Each session gives the same text as
 * it would alone. See chargen_batch_next().
 *
 * THREADS
 *
 * Any number of threads may use the same model at once, and create sessions of it. A session or a batch must be used by
 * one thread at a time; it may move from one to another. Different sessions are independent. A model, a session or a
 * batch must not be freed while another thread is in a call that takes it.
 *
 * The library starts no thread unless asked to, by chargen_session_set_threads() or chargen_batch_create(). Threads that
 * it has started block all signals, wait when there is nothing to do, and end with their session or batch. After fork()
 * the child may free a session or a batch with more than one thread, but must not use it otherwise.
 *
 * ERRORS
 *
 * A function that can fail returns a chargen_status, and gives its result through a pointer, which points to NULL or 0
 * after a failure. chargen_error_message() has the words. After any failure the session is as it was before the call.
 *
 * A NULL argument gives CHARGEN_INVALID_ARGUMENT unless it is allowed below. A question that returns its answer
 * directly answers NULL with 0 or "". A pointer that is neither NULL nor valid cannot be detected.
 *
 * The library prints nothing and installs no signal handler. Whatever a file, an argument or the order of calls is, it
 * never ends the process; nor does a system that refuses the large blocks of a model or a session. Only a system so
 * short of memory that it refuses the small ones does that: some hundred bytes, or while a model is loaded as much as its
 * provenance and its list of characters take.
 *
 * TEXT
 *
 * A character is a Unicode scalar value. Text is UTF-8 with a length in bytes and no terminating NUL, which is a
 * character like any other; a length of 0 may go with a NULL pointer. Text goes in and out in whole characters.
 *
 * A model of one long text writes on for ever. A model of many documents (names, messages, paragraphs) also writes
 * the ends of documents, and so a name is as long as a name is: see chargen_model_has_end_of_document().
 *
 * The same model file, seed, settings and text fed give the same text, on every processor, alone or in a batch, on any
 * number of threads. This holds in the usual floating-point environment: rounding to nearest, subnormal numbers kept,
 * exceptions masked. A program that changes it (as -ffast-math may, at its start) may get other text.
 *
 * ENVIRONMENT
 *
 * CHARGEN_BACKEND, if set and not empty, forces the kernels that models use which are loaded from then on: `portable`,
 * `avx2` or `avx512`. It is for tests and measurements: the text is the same, the speed is not.
 */
#ifndef CHARGEN_H
#define CHARGEN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Version ---- */

/*
 * The version of this header. In a released version the suffix is "".
 *
 * A program need not be recompiled for a newer library with the same soname, libchargen.so.2. The
 * soname's number counts incompatible changes of this interface.
 */
#define CHARGEN_VERSION_MAJOR 0
#define CHARGEN_VERSION_MINOR 2
#define CHARGEN_VERSION_PATCH 0
#define CHARGEN_VERSION_SUFFIX "-dev"

/* The version as one number, to compare: 200 for 0.2.0. The suffix does not count. */
#define CHARGEN_VERSION \
    (CHARGEN_VERSION_MAJOR * 10000 + CHARGEN_VERSION_MINOR * 100 + CHARGEN_VERSION_PATCH)

/*
 * Returns the version of the library in use, such as "0.2.0-dev". Never NULL; valid forever. Any
 * thread.
 */
const char *chargen_version(void);

/*
 * Returns the version of the library in use as a number, formed like CHARGEN_VERSION. Any thread.
 */
int32_t chargen_version_number(void);

/* ---- Errors ---- */

/* What a call came to. 0 is success; a value never changes its meaning, and new ones may be added. */
typedef int32_t chargen_status;

enum {
    CHARGEN_OK = 0,
    /* An argument is NULL or outside its range. */
    CHARGEN_INVALID_ARGUMENT = 1,
    /* The system refused memory, or a thread. */
    CHARGEN_OUT_OF_MEMORY = 2,
    /* A file could not be opened or read. */
    CHARGEN_FILE_ACCESS = 3,
    /* The bytes are not a .cgw file, or not an intact one. */
    CHARGEN_INVALID_MODEL = 4,
    /* The file needs a newer version of the library. */
    CHARGEN_UNSUPPORTED_VERSION = 5,
    /* A text is not UTF-8. */
    CHARGEN_INVALID_UTF8 = 6,
    /* A text has a character that the model does not know. */
    CHARGEN_UNKNOWN_CHARACTER = 7,
    /* The buffer may not hold even one character. */
    CHARGEN_BUFFER_TOO_SMALL = 8,
    /* CHARGEN_BACKEND names kernels that do not exist or that this processor cannot run. */
    CHARGEN_UNSUPPORTED_BACKEND = 9
};

/*
 * Returns the words for the last failure on this thread: what was wrong, where, and what would be right.
 *
 * Never NULL; "" before the first failure. UTF-8, ended by a NUL, at most 511 bytes. Valid and unchanged until the next
 * call on this thread that fails, or until the thread ends; the library owns it. A call that succeeds leaves it as it is.
 */
const char *chargen_error_message(void);

/* ---- Models ---- */

typedef struct chargen_model chargen_model;

/*
 * Loads a model from a .cgw file.
 *
 * path:  the file's name as the system has it, ended by a NUL.
 * model: receives the model, to be freed with chargen_model_free(); NULL on failure.
 *
 * The file is read whole and closed again. It is checked to the last byte: a damaged or hostile file gives an error.
 *
 * Errors: INVALID_ARGUMENT, FILE_ACCESS, INVALID_MODEL, UNSUPPORTED_VERSION, UNSUPPORTED_BACKEND, OUT_OF_MEMORY.
 * Any thread; reads the environment variable CHARGEN_BACKEND.
 */
chargen_status chargen_model_load_file(const char *path, chargen_model **model);

/*
 * Loads a model from the bytes of a .cgw file in memory. They are not needed any more when the call returns.
 *
 * Otherwise like chargen_model_load_file(), and never gives FILE_ACCESS.
 */
chargen_status chargen_model_load_memory(const void *bytes, size_t length, chargen_model **model);

/*
 * Frees a model. Its sessions go on working. Pointers that chargen_model_provenance() returned become invalid.
 *
 * NULL does nothing. The model must not be freed twice, nor while another thread uses it.
 */
void chargen_model_free(chargen_model *model);

/* The questions about a model cannot fail unless said otherwise. Any thread, also at the same time. */

/* Returns the kind of recurrent cell: "rnn", "gru" or "lstm". Valid for ever. "" for NULL. */
const char *chargen_model_cell(const chargen_model *model);

/* Returns the kernels in use: "portable", "avx2" or "avx512". Valid for ever. "" for NULL. */
const char *chargen_model_backend(const chargen_model *model);

/*
 * Returns how the weights between the layers are stored: "f32", "bf16", "int8" or "int4". Fewer bits make a smaller file
 * and a faster model; the trainer's export says what they cost in exactness. Valid for ever. "" for NULL.
 */
const char *chargen_model_weight_type(const chargen_model *model);

/* Returns the number of recurrent layers, at least 1. 0 for NULL. */
size_t chargen_model_layer_count(const chargen_model *model);

/* Returns the number of units of each layer, at least 1. 0 for NULL. */
size_t chargen_model_hidden_size(const chargen_model *model);

/* Returns the number of weights and biases. 0 for NULL. */
size_t chargen_model_parameter_count(const chargen_model *model);

/*
 * Returns where the model comes from: a JSON object that the trainer wrote, in UTF-8 and ended by a NUL.
 *
 * length: receives the number of bytes, without the NUL; 0 for a NULL model. May be NULL.
 *
 * The text is not checked to be JSON. Valid until the model is freed; the library owns it. "" for NULL.
 */
const char *chargen_model_provenance(const chargen_model *model, size_t *length);

/* Returns the number of characters that the model knows, at least 1. 0 for NULL. */
size_t chargen_model_character_count(const chargen_model *model);

/*
 * Gives one of the characters that the model knows.
 *
 * index:     0 to chargen_model_character_count() - 1; the characters are in ascending order.
 * character: receives the Unicode scalar value; 0 on failure.
 *
 * Errors: INVALID_ARGUMENT.
 */
chargen_status chargen_model_character(const chargen_model *model, size_t index, uint32_t *character);

/* Returns 1 if the model knows the character (a Unicode scalar value), otherwise 0. 0 for NULL. */
int32_t chargen_model_knows(const chargen_model *model, uint32_t character);

/* Returns the most bytes of UTF-8 that one of the model's characters takes, 1 to 4. 0 for NULL. */
size_t chargen_model_max_character_bytes(const chargen_model *model);

/* Returns 1 if the model has learned where documents end, otherwise 0. 0 for NULL. */
int32_t chargen_model_has_end_of_document(const chargen_model *model);

/* ---- Sessions ---- */

typedef struct chargen_session chargen_session;

/*
 * Creates a session at the beginning of a text, with temperature 1, seed 0, and unknown characters refused.
 *
 * session: receives the session, to be freed with chargen_session_free(); NULL on failure.
 *
 * Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. Any thread, also at the same time with the same model.
 */
chargen_status chargen_session_create(const chargen_model *model, chargen_session **session);

/* Every function below is to be called by one thread at a time for the same session. */

/* Frees a session. NULL does nothing. A session must not be freed twice, nor in its own callback. */
void chargen_session_free(chargen_session *session);

/*
 * Goes back to the beginning: forgets all text and restarts the random generator from its seed, so that the same calls
 * give the same text again. The settings stay; chargen_session_ended() answers 0.
 *
 * Errors: INVALID_ARGUMENT.
 */
chargen_status chargen_session_reset(chargen_session *session);

/*
 * Sets the temperature: 0, or from 0.001 to 1000.
 *
 * Below 1 the likely characters become likelier, above 1 the text grows wilder. 0 is greedy: always the likeliest
 * character, and the seed does not matter. The random generator stays where it is.
 *
 * Errors: INVALID_ARGUMENT, also for a value that is not a number.
 */
chargen_status chargen_session_set_temperature(chargen_session *session, float temperature);

/*
 * Restarts the random generator from a seed; any value is as good as any other. The text so far stays.
 *
 * A session begins with seed 0: for another text every time, set the time of day, or a counter.
 *
 * Errors: INVALID_ARGUMENT.
 */
chargen_status chargen_session_set_seed(chargen_session *session, uint64_t seed);

/* What chargen_session_feed() does with a character that the model does not know. */
typedef int32_t chargen_unknown;

enum {
    /* Refuse the text with CHARGEN_UNKNOWN_CHARACTER. */
    CHARGEN_UNKNOWN_FAIL = 0,
    /* Read the text as if the character were not there. */
    CHARGEN_UNKNOWN_SKIP = 1
};

/* Sets what happens to unknown characters. Errors: INVALID_ARGUMENT. */
chargen_status chargen_session_set_unknown(chargen_session *session, chargen_unknown unknown);

/*
 * Sets the number of threads that work on each character, the calling one included: 1, as at first, to 64.
 *
 * Two threads pay for models that take more than some 20 microseconds a character; more than the processor has cores
 * never pay, and no more are started than have something to do. The text is the same. The threads wait for the next call
 * in a loop for some time, then sleep.
 *
 * Errors: INVALID_ARGUMENT, OUT_OF_MEMORY; the number is then as before.
 */
chargen_status chargen_session_set_threads(chargen_session *session, size_t threads);

/*
 * Reads text as if the session had written it, so that what follows continues it: a prompt.
 *
 * text: whole characters of UTF-8; not needed any more when the call returns. May be NULL if length is 0.
 *
 * Takes no longer than generating the same text; with more than one layer, less.
 *
 * Errors: INVALID_ARGUMENT, INVALID_UTF8 with the byte offset from 0, UNKNOWN_CHARACTER with the character, its
 * number from 1 and its byte offset from 0.
 */
chargen_status chargen_session_feed(chargen_session *session, const char *text, size_t length);

/*
 * Reads text as chargen_session_feed() does, and tells how probable it was. At the beginning of a text it first reads
 * what chargen_session_next() would, a line break if the model has learned no end of documents.
 *
 * log_probability: receives the sum of the natural logarithms of the probability of each character after those before
 *                  it, at temperature 1: 0 for certainty, below 0 otherwise. Divided by -0.6931 times the number of
 *                  characters it gives bits per character. Negative infinity or not a number if the model's weights are so
 *                  large that its output overflows; 0 on failure.
 * characters:      receives the number of characters that count: all but the unknown ones that are skipped. May be
 *                  NULL; 0 on failure.
 *
 * Takes no longer than generating the same text.
 *
 * Errors: as chargen_session_feed().
 */
chargen_status chargen_session_score(chargen_session *session, const char *text, size_t length,
                                     double *log_probability, size_t *characters);

/* What chargen_session_next() gives at the end of a document. Not a Unicode scalar value. */
#define CHARGEN_END_OF_DOCUMENT 0xFFFFFFFFu

/*
 * Generates the next character.
 *
 * character: receives a Unicode scalar value, or CHARGEN_END_OF_DOCUMENT; 0 on failure. After the end of a document the
 *            next call begins another one.
 *
 * Errors: INVALID_ARGUMENT.
 */
chargen_status chargen_session_next(chargen_session *session, uint32_t *character);

/*
 * Generates text into a buffer, up to the end of a document, max_characters, or the room in the buffer.
 *
 * max_characters: the most characters to generate; SIZE_MAX for no such limit.
 * buffer:         receives UTF-8, whole characters, no NUL after them.
 * capacity:       the bytes at buffer. Text stops where fewer than chargen_model_max_character_bytes() are left.
 * length:         receives the number of bytes written; 0 on failure.
 *
 * chargen_session_ended() tells whether a document ended. Nothing is lost in between: a further call writes on.
 *
 * Errors: INVALID_ARGUMENT, BUFFER_TOO_SMALL if capacity is less than chargen_model_max_character_bytes().
 */
chargen_status chargen_session_generate(chargen_session *session, size_t max_characters, char *buffer,
                                        size_t capacity, size_t *length);

/*
 * Receives one character from chargen_session_stream().
 *
 * character: its UTF-8, ended by a NUL. Valid during the call; the library owns it.
 * length:    its bytes, 1 to 4, without the NUL.
 * user:      the pointer given to chargen_session_stream().
 *
 * Returns 0 to go on, anything else to stop. It may call any function, with this session too, but must not free this
 * session, and must return: no longjmp(), no C++ exception out of it.
 */
typedef int32_t (*chargen_character_callback)(const char *character, size_t length, void *user);

/*
 * Generates text and calls back with each character as soon as it is there.
 *
 * max_characters: the most characters to generate; SIZE_MAX for no such limit.
 * callback:       called on this thread. The session has read the character by then, also the one it stops at. What
 *                 the callback itself generates, feeds or resets changes how the text goes on, but does not count
 *                 towards max_characters.
 * user:           passed on to callback. May be NULL.
 *
 * Also stops at the end of a document, which chargen_session_ended() then tells. A stop is not a failure.
 *
 * Errors: INVALID_ARGUMENT.
 */
chargen_status chargen_session_stream(chargen_session *session, size_t max_characters,
                                      chargen_character_callback callback, void *user);

/* Returns 1 if the end of a document was generated last, and no character fed nor the session reset since; otherwise 0. */
int32_t chargen_session_ended(const chargen_session *session);

/* ---- Batches ---- */

typedef struct chargen_batch chargen_batch;

/*
 * Creates a batch, which takes many sessions of one model through the network together.
 *
 * model:    the model of the sessions.
 * capacity: the most sessions in a call, 1 to 65536. The batch takes memory for them.
 * threads:  the number of threads that share the work, the calling one included: 1 to 64.
 * batch:    receives the batch, to be freed with chargen_batch_free(); NULL on failure.
 *
 * A batch owns no session: each call names those that take part, which may be others each time, in any order. Their
 * settings, prompts and lengths are their own. A batch and its model and sessions may be freed in any order.
 *
 * Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. Any thread.
 */
chargen_status chargen_batch_create(const chargen_model *model, size_t capacity, size_t threads,
                                    chargen_batch **batch);

/*
 * Every function below is to be called by one thread at a time for the same batch, and no session in the call may be in
 * use elsewhere. `sessions` are `count` sessions, each another one, all of the batch's model, and not more than its
 * capacity; anything else gives INVALID_ARGUMENT. After a failure all sessions are as they were, and results are 0; but
 * nothing is written if the batch is NULL or `count` exceeds its capacity. With a count of 0 nothing happens.
 */

/* Frees a batch, and ends its threads. NULL does nothing. A batch must not be freed twice. */
void chargen_batch_free(chargen_batch *batch);

/*
 * Generates the next character of each session, as chargen_session_next() does.
 *
 * characters: receives `count` Unicode scalar values, or CHARGEN_END_OF_DOCUMENT; all 0 on failure.
 *
 * Errors: INVALID_ARGUMENT.
 */
chargen_status chargen_batch_next(chargen_batch *batch, chargen_session *const *sessions, size_t count,
                                  uint32_t *characters);

/*
 * Has each session read a text of its own, as chargen_session_feed() does.
 *
 * texts:   `count` pointers to UTF-8. A pointer may be NULL if its length is 0.
 * lengths: their lengths in bytes.
 *
 * Errors: as chargen_session_feed(); the message begins with "session N: ", counted from 0.
 */
chargen_status chargen_batch_feed(chargen_batch *batch, chargen_session *const *sessions, size_t count,
                                  const char *const *texts, const size_t *lengths);

/*
 * Has each session read a text of its own, and tells how probable each was, as chargen_session_score() does.
 *
 * log_probabilities: receives `count` sums of natural logarithms; all 0 on failure.
 *
 * Errors: as chargen_batch_feed().
 */
chargen_status chargen_batch_score(chargen_batch *batch, chargen_session *const *sessions, size_t count,
                                   const char *const *texts, const size_t *lengths, double *log_probabilities);

#ifdef __cplusplus
}
#endif

#endif
