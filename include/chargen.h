/*
 * chargen: generates text, character by character, with a small recurrent neural network.
 *
 * INTRODUCTION
 *
 * The `trainer` command trains a model on a text and exports it as one `.cgw` file. This library
 * loads such a file and generates text from it. A complete program:
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
 *             || chargen_session_generate(session, 200, text, sizeof text, &length)
 *                 != CHARGEN_OK) {
 *             fprintf(stderr, "%s\n", chargen_error_message());
 *             return 1;
 *         }
 *         fwrite(text, 1, length, stdout);
 *         chargen_session_free(session);
 *         chargen_model_free(model);
 *         return 0;
 *     }
 *
 * Link it with `-lchargen`. Longer examples are in examples/c, a guide is docs/c-guide.md.
 *
 * The functions follow in this order: errors, version, loading a model, creating a session, its
 * recurrent state, labels, snapshots and undo, generating text, a session's settings, patterns,
 * stop strings and other ends, scoring text, what may come next, a model's properties, batches of
 * sessions, the likeliest continuations.
 *
 * OWNERSHIP
 *
 * A model is the content of one file, and immutable. A session is one stream of text from a model:
 * the text so far, the settings, the random generator. The caller frees each model, session, batch
 * and beam once; freeing NULL does nothing. They may be freed in any order: a session keeps what it
 * needs of its model. A freed handle must not be used.
 *
 * A session's memory is allocated when it is created. Feeding, scoring and generating text allocate
 * nothing; a failing call may allocate a little for its error message.
 *
 * THREADS
 *
 * Any number of threads may use the same model, and create sessions of it, at the same time. A
 * session, a batch or a beam must be used by one thread at a time; it may move from one to another.
 * Different sessions are independent. None of them must be freed while another thread is in a call
 * that takes it.
 *
 * The library starts no thread unless chargen_session_set_threads(), chargen_batch_create() or
 * chargen_beam_create() requests it. (On glibc before 2.34 that needs a program linked with
 * -pthread.) The threads that it starts block all signals, wait while there is nothing to do, and
 * end with their session, batch or beam. After fork() the child may free a session, a batch or a
 * beam with more than one thread, but must not use it otherwise.
 *
 * Once loaded, the shared library stays in memory until the process ends: dlclose() does not unload
 * it (it is linked with -z nodelete), so that threads and handles that still exist remain valid.
 *
 * TEXT
 *
 * A character is a Unicode scalar value. Text is UTF-8 with a length in bytes and no terminating
 * NUL, which is a character like any other. If the length is 0, the pointer may be NULL. Input and
 * output consist of whole characters.
 *
 * A model knows the characters that it was trained on. A model that was trained with an unknown
 * symbol reads every other character as that symbol, and never generates it: see
 * chargen_model_has_unknown(). Other models refuse unknown characters, unless
 * chargen_session_set_unknown() has them skipped or replaced.
 *
 * The text of a model that was trained on one long text never ends. A model that was trained on
 * many documents (names, messages, paragraphs) also generates the end of a document, so that a name
 * is as long as a name: see chargen_model_has_end_of_document(). Each document begins from the same
 * state, as if the session were new, except that the random generator goes on. (In a model that was
 * trained to carry its state from document to document, each depends on the one before.) That state
 * may be chosen: a model whose documents had labels generates text of a kind, and tells of which
 * kind a text is: see chargen_session_set_label().
 *
 * REPRODUCIBILITY
 *
 * The same model file, seed, settings and fed text give the same text, on every processor, alone or
 * in a batch, on any number of threads. This holds in the default floating-point environment:
 * rounding to nearest, subnormal numbers kept, exceptions masked. A program that changes it (as
 * code compiled with -ffast-math may do when it starts) may get another text.
 */
#ifndef CHARGEN_H
#define CHARGEN_H

#include <stddef.h>
#include <stdint.h>

/* A program may hide its own functions, but not these. */
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Errors ---- */

/*
 * The result code of a function that can fail. 0 is success. A value never changes its meaning; new
 * values may be added.
 *
 * Such a function gives its result through a pointer, and sets it to NULL or 0 if it fails. After
 * any failure the session is as it was before the call, except INTERRUPTED. The functions below
 * list their errors without the prefix CHARGEN_.
 *
 * A NULL argument is an INVALID_ARGUMENT unless the function allows it, and so is a length or a
 * capacity above SIZE_MAX / 2: no object is as large. A function that returns its result directly
 * returns 0 or "" for NULL. A pointer that is neither NULL nor valid cannot be detected.
 *
 * A message that names a file quotes at most the last 255 bytes of its name, with escapes such as
 * \x0A for control characters and for bytes that are not UTF-8.
 *
 * The library prints nothing and installs no signal handler. It never ends the process, whatever
 * the file, the arguments or the order of calls, nor if the system refuses memory, be it for a
 * large block or a small one: the call then returns OUT_OF_MEMORY, or the error that it has found
 * already, and what it allocated is freed. (On glibc a library that was loaded with dlopen()
 * depends on the loader for a thread's first error message. If other libraries have used up the
 * space for thread-local storage that the loader sets aside, it allocates 512 bytes then, and ends
 * the process where that fails.)
 */
typedef int32_t chargen_status;

enum {
    CHARGEN_OK = 0,
    /* An argument is NULL or outside its range. */
    CHARGEN_INVALID_ARGUMENT = 1,
    /* The system refused memory or a thread. */
    CHARGEN_OUT_OF_MEMORY = 2,
    /* A file could not be opened or read. */
    CHARGEN_FILE_ACCESS = 3,
    /* The bytes are not a .cgw file, or a damaged one. */
    CHARGEN_INVALID_MODEL = 4,
    /* The file needs a newer version of the library. */
    CHARGEN_UNSUPPORTED_VERSION = 5,
    /* A text is not UTF-8. */
    CHARGEN_INVALID_UTF8 = 6,
    /* A text contains a character that the model does not know, and has no unknown symbol for. */
    CHARGEN_UNKNOWN_CHARACTER = 7,
    /* The buffer is smaller than the longest character of the model. */
    CHARGEN_BUFFER_TOO_SMALL = 8,
    /* The environment variable CHARGEN_BACKEND names kernels that do not exist or that this
     * processor cannot run. */
    CHARGEN_UNSUPPORTED_BACKEND = 9,
    /* The flag of chargen_session_set_interrupt() was set. */
    CHARGEN_INTERRUPTED = 10,
    /* A pattern has a fault, matches no text of the model's characters, or is too large. */
    CHARGEN_INVALID_PATTERN = 11,
    /* The bytes are not a snapshot of a session of the model, or a damaged one. */
    CHARGEN_INVALID_SNAPSHOT = 12
};

/*
 * Returns the error message of the last failure on this thread: what was wrong, where, and what
 * would be right.
 *
 * Never NULL; "" before the first failure. UTF-8, NUL-terminated, at most 511 bytes: a longer one
 * has "…" in place of its middle, as of a long path, and keeps the reason at its end. The library
 * owns it. It is valid and unchanged until the next call on this thread that fails, or until the
 * thread ends; a call that succeeds leaves it as it is.
 */
const char *chargen_error_message(void);

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
 * Marks a function that the next soname will no longer have: the compiler warns where it is used.
 *
 * instead: what to use.
 */
#if defined(__GNUC__)
#define CHARGEN_DEPRECATED(instead) __attribute__((deprecated(instead)))
#else
#define CHARGEN_DEPRECATED(instead)
#endif

/*
 * Returns the version of the library in use, such as "0.2.0-dev". Never NULL; valid forever. Any
 * thread.
 */
const char *chargen_version(void);

/*
 * Returns the version of the library in use as a number, formed like CHARGEN_VERSION. Any thread.
 */
int32_t chargen_version_number(void);

/* ---- Loading a model ---- */

typedef struct chargen_model chargen_model;

/*
 * Loads a model from a .cgw file.
 *
 * path:  the file's path as the system takes it, NUL-terminated.
 * model: receives the model, to be freed with chargen_model_free(); NULL on failure.
 *
 * The file is read completely and closed again. Every byte is checked: a damaged or hostile file
 * gives an error. A pipe or a terminal gives FILE_ACCESS at once: chargen_model_load_descriptor()
 * reads these.
 *
 * The fastest kernels for the processor are chosen. The environment variable CHARGEN_BACKEND, if
 * set and not empty, forces others: `portable`, `avx2`, `avx512` or `dotprod`. It is for tests and
 * measurements: the text is the same, the speed is not.
 *
 * Errors: INVALID_ARGUMENT, FILE_ACCESS, INVALID_MODEL, UNSUPPORTED_VERSION, UNSUPPORTED_BACKEND,
 * OUT_OF_MEMORY. Any thread.
 */
chargen_status chargen_model_load_file(const char *path, chargen_model **model);

/*
 * Loads a model from the bytes of a .cgw file in memory.
 *
 * bytes:  not NULL, even if length is 0, which gives INVALID_MODEL. Not used any more when the call
 *         returns.
 * length: their number.
 *
 * Otherwise like chargen_model_load_file(), without FILE_ACCESS.
 */
chargen_status chargen_model_load_memory(const void *bytes, size_t length, chargen_model **model);

/*
 * Loads a model from an open file descriptor: a file, a pipe, a socket, a memfd.
 *
 * descriptor: read from its present place to its end, which a pipe or a socket has when its other
 *             side is closed. It stays open, and is the caller's to close. Where it stands after
 *             that is unspecified if the call fails.
 *
 * Bytes that do not begin like a model are read for a megabyte at most, others for twice the length
 * that the model's header states. If the descriptor is non-blocking and has nothing to read yet,
 * the call fails with FILE_ACCESS.
 *
 * Otherwise like chargen_model_load_file().
 */
chargen_status chargen_model_load_descriptor(int32_t descriptor, chargen_model **model);

/*
 * Checks that the model computes on this machine what it computed when it was exported: generates
 * the text of the self-test that the trainer's export stores in the file, and compares the
 * checksums of the text and of the logits after it.
 *
 * has_self_test: receives 1 if the file has a self-test, otherwise 0, also on failure. May be NULL.
 *
 * Loading has checked every byte of the file already. This finds faults of the machine, of the
 * compiler, and of the floating-point environment: the text is the same wherever the library works.
 * It also finds weights so large that the model's output overflows, which is all that it checks
 * without a self-test: the files of trainers before 0.2 have none.
 *
 * Takes as long as creating a session and generating some 150 characters.
 *
 * Errors: INVALID_ARGUMENT; INVALID_MODEL if a checksum is another one, the output overflows or the
 * self-test is malformed; OUT_OF_MEMORY. Any thread, also at the same time with the same model.
 */
chargen_status chargen_model_verify(const chargen_model *model, int32_t *has_self_test);

/*
 * Frees a model. Its sessions and batches remain usable. Pointers returned by
 * chargen_model_provenance() become invalid.
 *
 * NULL does nothing. A model must not be freed twice, nor while another thread uses it.
 */
void chargen_model_free(chargen_model *model);

/* ---- Creating a session ---- */

typedef struct chargen_session chargen_session;

/*
 * Creates a session at the beginning of a text, with temperature 1, seed 0, one thread, and unknown
 * characters refused.
 *
 * session: receives the session, to be freed with chargen_session_free(); NULL on failure.
 *
 * Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. Any thread, also at the same time with the same model.
 */
chargen_status chargen_session_create(const chargen_model *model, chargen_session **session);

/*
 * Creates a session of the same model as another one, as chargen_session_create() does, that shares
 * with it the memory that does not belong to a text: some hundred kilobytes for a large model,
 * where a text needs some ten. For a thousand texts in a batch, create one session, and the others
 * from it.
 *
 * other:   a session.
 * session: receives the session, to be freed with chargen_session_free(); NULL on failure. Either
 *          may be freed first.
 *
 * All sessions that share memory count as one session for the rules on threads: they must be used,
 * created and freed by one thread at a time, together. What chargen_session_probabilities() and its
 * like return for one is valid until the next call with any of them. They also share the number of
 * threads. Clones share nothing.
 *
 * Errors: INVALID_ARGUMENT, OUT_OF_MEMORY.
 */
chargen_status chargen_session_create_sharing(chargen_session *other, chargen_session **session);

/* Each function below must be called by one thread at a time for the same session. */

/*
 * Returns the bytes of memory that a session has for its own text and settings; 0 for NULL. Its
 * pattern, and some hundred bytes of each object, are not counted.
 *
 * shared: receives the bytes of the memory that it works in, which other sessions may share. May be
 *         NULL; 0 for a NULL session.
 */
size_t chargen_session_size(const chargen_session *session, size_t *shared);

/*
 * Makes a session at the same place of the same text, to try a branch or to keep a place to return
 * to: with the same recurrent state, random generator and settings, those of the choice, the
 * pattern and the maximum length included. From there on the two are independent; given the same
 * calls, they generate the same text. The clone has one thread.
 *
 * clone: receives the new session, to be freed with chargen_session_free(); NULL on failure. Either
 * may be freed first.
 *
 * Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. The session is not changed. In the session's own
 * callback too: the clone then goes on after the character that the callback was given.
 */
chargen_status chargen_session_clone(const chargen_session *session, chargen_session **clone);

/*
 * Frees a session and ends its threads. NULL does nothing. A session must not be freed twice, nor
 * in its own callback.
 */
void chargen_session_free(chargen_session *session);

/* ---- The recurrent state ---- */

/* The number of floats of a session's recurrent state; 0 for NULL. The same for all of a model. */
size_t chargen_session_state_size(const chargen_session *session);

/*
 * Copies the recurrent state: layer by layer, the lowest first, the hidden state of each, then, for
 * an LSTM, its cell state; a float for each unit. At the beginning it is the state in which a model
 * of documents begins one.
 *
 * values: receives `count` floats, which must be chargen_session_state_size().
 *
 * Errors: INVALID_ARGUMENT.
 */
chargen_status chargen_session_get_state(const chargen_session *session, float *values, size_t count);

/*
 * Replaces the recurrent state, with one of another session of the model or one that the program
 * has computed. The session then is not at the beginning: nothing is read before the next
 * character. The random generator, the settings, and the places in the penalties' window and in the
 * pattern stay as they are.
 *
 * values: `count` floats as chargen_session_get_state() gives them. Hidden states must be from -1
 * to 1, cell states from -1000000 to 1000000.
 *
 * Errors: INVALID_ARGUMENT, also for NaN; the session is then as before.
 */
chargen_status chargen_session_set_state(chargen_session *session, const float *values, size_t count);

/* ---- Labels ---- */

/*
 * A model that was trained with labels (`trainer train --label`) begins each document from the
 * state of its labels. There may be several columns of labels, such as a class and a language, each
 * with its own. Columns and the labels of a column are numbered from 0; labels are in the order of
 * their names' bytes. Any thread.
 */

/* The number of columns of labels; 0 for a model without labels, and for NULL. */
size_t chargen_model_label_column_count(const chargen_model *model);

/* The number of labels of a column; 0 for one that does not exist, and for NULL. */
size_t chargen_model_label_count(const chargen_model *model, size_t column);

/* The name of a column in UTF-8; "" for one that does not exist. Valid as long as the model. */
const char *chargen_model_label_column(const chargen_model *model, size_t column);

/* The name of a column's label in UTF-8; "" for one that does not exist. Valid as long as the
 * model. */
const char *chargen_model_label(const chargen_model *model, size_t column, size_t label);

/*
 * Finds a label by its name.
 *
 * name:   the name in UTF-8, as the model has it.
 * length: its length in bytes.
 * label:  receives the number of the label in the column; -1 on failure.
 *
 * Errors: INVALID_ARGUMENT, also if the column has no such label. Any thread.
 */
chargen_status chargen_model_find_label(const chargen_model *model, size_t column, const char *name,
                                        size_t length, int32_t *label);

/*
 * Chooses the label of the documents that begin from now on: the one at hand, if nothing of it has
 * been fed or generated, and those that follow an end of a document or chargen_session_reset(). At
 * first no column has a label.
 *
 * label: the number of a label of the column; -1 for none.
 *
 * What could be undone no longer can. Allocates nothing.
 *
 * Errors: INVALID_ARGUMENT, also for a model without labels.
 */
chargen_status chargen_session_set_label(chargen_session *session, size_t column, int32_t label);

/*
 * Chooses a mixture of a column's labels: documents begin from the mean of their states. Otherwise
 * like chargen_session_set_label().
 *
 * weights: a weight for each label of the column, in proportion. Not negative, and with a sum that
 *          is positive and finite.
 * count:   chargen_model_label_count() of the column.
 *
 * Errors: INVALID_ARGUMENT, also for NaN.
 */
chargen_status chargen_session_set_label_weights(chargen_session *session, size_t column,
                                                 const float *weights, size_t count);

/*
 * Chooses a state of the program's own that documents begin from, in place of one of labels, for
 * any model. Otherwise like chargen_session_set_label(). It takes the place of the labels of all
 * columns; a label that is set afterwards replaces it.
 *
 * values: `count` floats as chargen_session_get_state() gives them, with the same limits; NULL for
 *         the state of no label, which is zero in a model without labels.
 * count:  chargen_session_state_size(); any number with NULL.
 *
 * A model that carries its state from document to document reads them from this state at the
 * beginning only. The first call for a model without labels allocates the state.
 *
 * Errors: INVALID_ARGUMENT, OUT_OF_MEMORY; the session is then as before.
 */
chargen_status chargen_session_set_initial_state(chargen_session *session, const float *values,
                                                 size_t count);

/*
 * Tells which label a text has: the probability of each label of a column, if all are equally
 * probable before the text is known. (To count with other ones, multiply each by its own, and
 * divide by the sum.) A label is as probable as it makes the text: the text is scored once for each
 * label, all in one batch.
 *
 * column:        the number of a column.
 * text:          a document in UTF-8, or its beginning. The session's own text stays as it is, but
 *                its treatment of unknown characters, its labels of other columns, its threads and
 *                its flag to interrupt count.
 * length:        its length in bytes.
 * is_whole:      0 if the text may go on; otherwise its end counts too, if the model has learned
 *                where documents end.
 * probabilities: receives one for each label; all NaN if the model's weights are so large that its
 *                output overflows. Unspecified on failure.
 * count:         the size of that list, at least chargen_model_label_count().
 *
 * Allocates about as much as a batch of the column's labels, at most 64 of them, and frees it.
 *
 * Errors: as chargen_session_feed(); BUFFER_TOO_SMALL; INVALID_ARGUMENT for a model without labels;
 * OUT_OF_MEMORY. The session is not changed.
 */
chargen_status chargen_session_classify(chargen_session *session, size_t column, const char *text,
                                        size_t length, int32_t is_whole, float *probabilities,
                                        size_t count);

/*
 * Tells after each character of a text which label it has, as chargen_session_classify() does for
 * a text that may go on.
 *
 * probabilities:   receives the probability of each label after the first character, then after the
 *                  second, and so on. Unspecified on failure.
 * capacity:        the size of that list, at least the characters of the text times the labels.
 * character_count: receives the number of characters of the text; 0 on failure.
 *
 * Errors: as chargen_session_classify(). The session is not changed.
 */
chargen_status chargen_session_classify_prefixes(chargen_session *session, size_t column,
                                                 const char *text, size_t length,
                                                 float *probabilities, size_t capacity,
                                                 size_t *character_count);

/* ---- Snapshots and undo ---- */

/* Returns the size of a snapshot of the session as it is now, in bytes. 0 for NULL. */
size_t chargen_session_snapshot_size(const chargen_session *session);

/*
 * Writes all that decides how the session goes on as bytes, to keep in a file, say: the recurrent
 * state, the random generator, the settings, labels, the pattern with the place in it, stop strings
 * and text that is held back. Not the number of threads, a flag to interrupt, what may be undone,
 * and why the last call ended.
 *
 * bytes:    receives the snapshot.
 * capacity: the size of that memory, at least chargen_session_snapshot_size().
 * length:   receives the number of bytes written; 0 on failure.
 *
 * A snapshot holds on every processor. It is for this model file, to the byte, and for this version
 * of the snapshot format, which docs/snapshots.md specifies.
 *
 * Errors: INVALID_ARGUMENT, BUFFER_TOO_SMALL, OUT_OF_MEMORY.
 */
chargen_status chargen_session_snapshot(const chargen_session *session, void *bytes,
                                        size_t capacity, size_t *length);

/*
 * Creates a session of a snapshot, which goes on as the other would have, on one thread.
 *
 * model:   a model that was loaded from the same file.
 * bytes:   the snapshot; not used any more when the call returns.
 * length:  its length.
 * session: receives the session, to be freed with chargen_session_free(); NULL on failure.
 *
 * Every byte is checked, but for the values of the recurrent state, which may be any floats. A
 * pattern is compiled again.
 *
 * Errors: INVALID_ARGUMENT; INVALID_SNAPSHOT if the snapshot is damaged, of another model or of
 * another version; OUT_OF_MEMORY. Any thread.
 */
chargen_status chargen_session_restore(const chargen_model *model, const void *bytes, size_t length,
                                       chargen_session **session);

/*
 * Has the session keep what it was before each of its last characters, so that they can be undone.
 *
 * characters: the most to undo, 0, as at first, to 65536.
 *
 * Each takes as much memory as the recurrent state, allocated by this call: 4 bytes a unit and
 * layer, 8 for an LSTM, up to a third more with small weights. Text is then fed and scored one
 * character at a time, which is slower with more than one layer. What came before the call cannot
 * be undone, nor what came before chargen_session_reset(), chargen_session_set_pattern(),
 * chargen_session_set_max_length(), another window of penalties, and, with a pattern, other bans
 * or allowed characters. A clone keeps nothing.
 *
 * Errors: INVALID_ARGUMENT, OUT_OF_MEMORY.
 */
chargen_status chargen_session_set_undo(chargen_session *session, size_t characters);

/* Returns how many characters can be undone now. 0 for NULL. */
size_t chargen_session_undo_count(const chargen_session *session);

/*
 * Undoes the last characters of the text, whether they were fed, scored or generated: the
 * session goes on as it would have before them, the random generator included. The settings stay.
 *
 * characters: 0 to chargen_session_undo_count(). An end of a document that was generated or fed
 *             counts as one. Characters that are held back count too, and are the first to go;
 *             others that were held back are then given out next. So does a stop string that was
 *             generated: undo all of it or nothing.
 *
 * Errors: INVALID_ARGUMENT.
 */
chargen_status chargen_session_undo(chargen_session *session, size_t characters);

/* ---- Generating text ---- */

/*
 * Generates text into a buffer, until the end of a document, a stop string, max_characters, or a
 * full buffer.
 *
 * max_characters: the maximum number of characters; SIZE_MAX for no limit.
 * buffer:         receives UTF-8, whole characters, no terminating NUL.
 * capacity:       the size of the buffer in bytes. Generation stops when fewer than
 *                 chargen_model_max_character_bytes() are left. If it is 0, buffer may be NULL.
 * length:         receives the number of bytes written; 0 on failure, but for INTERRUPTED.
 *
 * chargen_session_end_reason() tells why the call ended. A further call continues the text without
 * a gap.
 *
 * Errors: INVALID_ARGUMENT; BUFFER_TOO_SMALL if capacity is less than
 * chargen_model_max_character_bytes(), unless max_characters is 0; INTERRUPTED, after the bytes
 * that `length` tells.
 */
chargen_status chargen_session_generate(chargen_session *session, size_t max_characters,
                                        char *buffer, size_t capacity, size_t *length);

/*
 * Receives one character from chargen_session_stream().
 *
 * character: its UTF-8, NUL-terminated. Valid during the call; the library owns it.
 * length:    its length in bytes, 1 to 4, without the NUL.
 * user:      the pointer passed to chargen_session_stream().
 *
 * Returns 0 to continue, anything else to stop. A callback may call any function, with this session
 * too, but must not free this session. It must return: no longjmp() and no C++ exception out of it.
 */
typedef int32_t (*chargen_character_callback)(const char *character, size_t length, void *user);

/*
 * Generates text and passes each character to a callback as soon as it is generated.
 *
 * max_characters: the maximum number of characters; SIZE_MAX for no limit.
 * callback:       called on this thread. The character is already part of the session's text, also
 *                 the one at which the callback stops. What the callback itself generates, feeds or
 *                 resets changes how the text continues, but does not count towards max_characters.
 * user:           passed to the callback. May be NULL.
 *
 * Also stops at the end of a document, and at a stop string; chargen_session_end_reason() tells
 * why. A stop is not a failure.
 *
 * Errors: INVALID_ARGUMENT, INTERRUPTED.
 */
chargen_status chargen_session_stream(chargen_session *session, size_t max_characters,
                                      chargen_character_callback callback, void *user);

/*
 * What chargen_session_next() gives at the end of a document, and where a stop string was
 * generated. Not Unicode scalar values.
 */
#define CHARGEN_END_OF_DOCUMENT 0xFFFFFFFFu
#define CHARGEN_STOPPED 0xFFFFFFFEu

/*
 * Writes a character as UTF-8.
 *
 * character: a Unicode scalar value, such as chargen_session_next() gives.
 * text:      receives its UTF-8, NUL-terminated: room for 5 bytes.
 *
 * Returns the length in bytes, 1 to 4, without the NUL. 0 and "" for CHARGEN_END_OF_DOCUMENT and
 * other numbers that are no Unicode scalar value; 0 for NULL. Any thread.
 */
size_t chargen_encode(uint32_t character, char *text);

/*
 * Generates the next character.
 *
 * character: receives a Unicode scalar value, CHARGEN_END_OF_DOCUMENT, or CHARGEN_STOPPED; 0 on
 *            failure. After the end of a document the next call begins another document.
 *
 * Errors: INVALID_ARGUMENT, INTERRUPTED.
 */
chargen_status chargen_session_next(chargen_session *session, uint32_t *character);

/*
 * Reads text as if the session had generated it, so that the generated text continues it: a prompt.
 * An empty text changes nothing.
 *
 * text: UTF-8, whole characters; not used any more when the call returns. May be NULL if length
 *       is 0.
 *
 * Takes no longer than generating the same text; with more than one layer, less.
 *
 * Errors: INVALID_ARGUMENT, INVALID_UTF8 with the byte offset from 0, UNKNOWN_CHARACTER with the
 * character, its position from 1 and its byte offset from 0; INTERRUPTED.
 */
chargen_status chargen_session_feed(chargen_session *session, const char *text, size_t length);

/*
 * Reads one character as chargen_session_feed() does, or the end of a document: what
 * chargen_session_next() has given. Feeding all of that to a new session leads to the same text,
 * but for the random generator.
 *
 * character: a Unicode scalar value or CHARGEN_END_OF_DOCUMENT.
 *
 * Errors: INVALID_ARGUMENT; UNKNOWN_CHARACTER, also for an end that the model has not learned, and
 * for what is not a Unicode scalar value; INTERRUPTED.
 */
chargen_status chargen_session_feed_character(chargen_session *session, uint32_t character);

/*
 * Reads a piece of a text as chargen_session_feed() reads all of it. A text in UTF-8 may be cut
 * anywhere, also inside a character: the bytes that a piece has of a character, 3 at most, stay in
 * the session, and are read with the rest of the character at the beginning of the next piece.
 *
 * piece:  the bytes; not used any more when the call returns. May be NULL if length is 0.
 * length: their number. 0 ends the text: if a character is unfinished, its bytes are dropped, the
 *         call fails with INVALID_UTF8, and the session is otherwise as it was.
 *
 * Only this function uses the bytes of an unfinished character. Other calls, such as those that
 * feed, score or generate text in between, act as if they were not there. A clone and a snapshot
 * have them too; chargen_session_reset() and an interrupt of this function drop them.
 *
 * Errors: as chargen_session_feed(); bytes are then counted from the beginning of the piece, of
 * which a character that an earlier piece began counts as the first byte. What does not begin a
 * character is refused at once, not when the text ends.
 */
chargen_status chargen_session_feed_piece(chargen_session *session, const char *piece,
                                          size_t length);

/*
 * Returns 1 if the end of a document was generated, fed or scored last, or the end of a pattern or
 * of the maximum length came last, and the session has not been reset since; otherwise 0. 0 for
 * NULL.
 */
int32_t chargen_session_ended(const chargen_session *session);

/*
 * Resets the session to the beginning of a text: discards all text and restarts the random
 * generator from its seed, so that the same calls give the same text again. The settings are kept;
 * chargen_session_ended() returns 0. Text that was held back is discarded too.
 *
 * Errors: INVALID_ARGUMENT.
 */
chargen_status chargen_session_reset(chargen_session *session);

/* ---- Settings of a session ---- */

/*
 * Sets the temperature: 0, or from 0.001 to 1000.
 *
 * A temperature below 1 sharpens the distribution of the next character, one above 1 flattens it.
 * 0 is greedy: always the most probable character, independent of the seed. The random generator
 * keeps its state.
 *
 * Errors: INVALID_ARGUMENT, also for NaN.
 */
chargen_status chargen_session_set_temperature(chargen_session *session, float temperature);

/*
 * Restarts the random generator from a seed. All values are equally good. The text so far is kept.
 *
 * A session begins with seed 0: for a different text each time, set the time of day or a counter.
 *
 * Errors: INVALID_ARGUMENT.
 */
chargen_status chargen_session_set_seed(chargen_session *session, uint64_t seed);

/*
 * The settings down to chargen_session_set_allowed() change which character is chosen, in one
 * order, whatever the order of the calls: bans and the allowed set, biases, penalties, temperature,
 * top-k, top-p, min-p. At first none of them has an effect. docs/sampling.md specifies them to the
 * bit. They do not affect chargen_session_score().
 *
 * The unit of penalties and biases is that of a logit: a bias of b makes a character e^b times as
 * probable in proportion to others, at temperature 1; 0.693 doubles that, 2.303 is tenfold.
 */

/*
 * Restricts the choice to the k likeliest characters, the lower ones at a tie. 0, as at first, or
 * at least the number of characters: no restriction. 1 is greedy.
 *
 * Errors: INVALID_ARGUMENT.
 */
chargen_status chargen_session_set_top_k(chargen_session *session, size_t k);

/*
 * Restricts the choice to the fewest of the likeliest characters that together have more than the
 * share p of the probability that top-k leaves: from 0, the likeliest character only, to 1, as at
 * first, no restriction.
 *
 * Errors: INVALID_ARGUMENT, also for NaN.
 */
chargen_status chargen_session_set_top_p(chargen_session *session, float p);

/*
 * Restricts the choice to characters at least p times as probable as the likeliest: from 0, as at
 * first, no restriction, to 1, the likeliest and its equals.
 *
 * Errors: INVALID_ARGUMENT, also for NaN.
 */
chargen_status chargen_session_set_min_p(chargen_session *session, float p);

/*
 * Makes characters less probable that are among the last ones of the text, fed or generated.
 *
 * repetition: subtracted once from the logit of each character in the window: -1000 to 1000.
 * frequency:  subtracted for each time that the character is in the window: -1000 to 1000.
 * window:     the number of characters that count: 0, as at first, to 65536.
 *
 * Negative penalties favour repetition. A window of another length is empty at first; with the same
 * length its content stays. It becomes empty with chargen_session_reset(), and at the end of a
 * document, unless the model carries its state into the next. The end of a document is not
 * penalised. Memory for the window is allocated by this call.
 *
 * Errors: INVALID_ARGUMENT, also for NaN; OUT_OF_MEMORY.
 */
chargen_status chargen_session_set_penalties(chargen_session *session, float repetition,
                                             float frequency, size_t window);

/*
 * Makes a character more or less probable, or bans it.
 *
 * character: a Unicode scalar value that the model knows, or CHARGEN_END_OF_DOCUMENT if the model
 *            has learned where documents end.
 * bias:      added to the character's logit: -1000 to 1000, 0 at first. -INFINITY bans the
 *            character: it is never generated.
 *
 * A character may still be fed and scored. A bias that would leave nothing to generate is refused.
 * The first bias of a session allocates memory.
 *
 * Errors: INVALID_ARGUMENT, also for NaN and +INFINITY; UNKNOWN_CHARACTER; OUT_OF_MEMORY.
 */
chargen_status chargen_session_set_bias(chargen_session *session, uint32_t character, float bias);

/*
 * Restricts generated text to some characters. Replaces an earlier restriction; bans still hold,
 * and documents end as before.
 *
 * text: the characters in any order, UTF-8; not used any more when the call returns. An empty text
 *       allows all characters, as at first. May be NULL if length is 0.
 *
 * Characters that the model does not know are treated as by chargen_session_feed(). A set that
 * would leave nothing to generate is refused. The call allocates memory.
 *
 * Errors: as chargen_session_feed(), and OUT_OF_MEMORY.
 */
chargen_status chargen_session_set_allowed(chargen_session *session, const char *text,
                                           size_t length);

/* Each returns a setting as it is. They cannot fail; 0 for NULL. */

float chargen_session_temperature(const chargen_session *session);
uint64_t chargen_session_seed(const chargen_session *session);
size_t chargen_session_top_k(const chargen_session *session);
float chargen_session_top_p(const chargen_session *session);
float chargen_session_min_p(const chargen_session *session);
float chargen_session_repetition_penalty(const chargen_session *session);
float chargen_session_frequency_penalty(const chargen_session *session);
size_t chargen_session_penalty_window(const chargen_session *session);

/* Returns the bias of a character; -INFINITY if it is banned, 0 if the model does not know it. */
float chargen_session_bias(const chargen_session *session, uint32_t character);

/*
 * Returns 1 if the session may generate the character: the model knows it, it is not banned, and
 * the allowed set, if there is one, has it. Otherwise 0. CHARGEN_END_OF_DOCUMENT is a character
 * here.
 */
int32_t chargen_session_allows(const chargen_session *session, uint32_t character);

/* What feeding and scoring do with a character that the model does not know. */
typedef int32_t chargen_unknown;

enum {
    /* Read the character as the model's unknown symbol. If the model has none, refuse the text with
     * CHARGEN_UNKNOWN_CHARACTER. */
    CHARGEN_UNKNOWN_FAIL = 0,
    /* Read the text as if the character were not there. */
    CHARGEN_UNKNOWN_SKIP = 1,
    /* Read a given character in its place: see chargen_session_set_replacement(). */
    CHARGEN_UNKNOWN_REPLACE = 2,
    /* Read the character that chargen_model_nearest() gives; as CHARGEN_UNKNOWN_FAIL if there is
     * none. */
    CHARGEN_UNKNOWN_NEAREST = 3
};

/*
 * Sets what happens to unknown characters: CHARGEN_UNKNOWN_FAIL, as at first, CHARGEN_UNKNOWN_SKIP
 * or CHARGEN_UNKNOWN_NEAREST. CHARGEN_UNKNOWN_REPLACE needs a character: it is refused here, and
 * chargen_session_set_replacement() sets it.
 *
 * Errors: INVALID_ARGUMENT.
 */
chargen_status chargen_session_set_unknown(chargen_session *session, chargen_unknown unknown);

/*
 * Has unknown characters replaced by one that the model knows, such as a space: sets
 * CHARGEN_UNKNOWN_REPLACE.
 *
 * character: a Unicode scalar value.
 *
 * Errors: INVALID_ARGUMENT; UNKNOWN_CHARACTER if the model does not know it.
 */
chargen_status chargen_session_set_replacement(chargen_session *session, uint32_t character);

/* Returns what happens to unknown characters. CHARGEN_UNKNOWN_FAIL for NULL. */
chargen_unknown chargen_session_unknown(const chargen_session *session);

/*
 * Returns the character that replaces unknown ones; CHARGEN_END_OF_DOCUMENT if they are not
 * replaced, and for NULL.
 */
uint32_t chargen_session_replacement(const chargen_session *session);

/*
 * Sets the number of threads that compute each character, including the calling one: 1 to 64. A
 * session begins with 1.
 *
 * A second thread pays off for models that take more than about 20 microseconds per character. More
 * threads than processor cores never pay off, and no more are started than have work. The text is
 * the same. The threads wait for the next call spinning for some time, then sleep.
 *
 * Errors: INVALID_ARGUMENT, OUT_OF_MEMORY; the number is then unchanged.
 */
chargen_status chargen_session_set_threads(chargen_session *session, size_t threads);

/* Returns the number of threads that compute each character. 0 for NULL. */
size_t chargen_session_threads(const chargen_session *session);

/* ---- Patterns ---- */

/*
 * A pattern: a regular expression that generated text matches as a whole, compiled for the
 * characters of a model. It never leads into a dead end, and costs little per character.
 */
typedef struct chargen_pattern chargen_pattern;

/*
 * Compiles a pattern.
 *
 * model:      the model whose characters the pattern is for. It may be freed afterwards.
 * expression: UTF-8, not used any more when the call returns: characters, `.`, classes such as
 *             [A-Za-z] and [^ ], \d \w \s (ASCII), \u{E9}, groups (…), alternatives a|b, and the
 *             repetitions * + ? {3} {2,} {2,5}. docs/patterns.md specifies it. It always stands
 *             for the whole text: it has no ^ and no $.
 * pattern:    receives the pattern, to be freed with chargen_pattern_free(); NULL on failure.
 *
 * A pattern is immutable. Any number of sessions of the model and threads may use it at the same
 * time. Compiling takes milliseconds for patterns of usual size and never more than a few seconds:
 * what would be larger than 10,000 states is refused.
 *
 * Errors: INVALID_ARGUMENT, INVALID_UTF8, INVALID_PATTERN with the place of the fault, counted in
 * characters from 1, or because no text of the model's characters matches; OUT_OF_MEMORY. Any
 * thread.
 */
chargen_status chargen_pattern_create(const chargen_model *model, const char *expression,
                                      size_t length, chargen_pattern **pattern);

/*
 * Makes a pattern of a template: a text in which one character stands for others, such as
 * "B_tt___y".
 *
 * text:           UTF-8.
 * free_character: the Unicode scalar value that stands for others, such as '_'.
 * choices:        UTF-8: the characters that it may stand for. An empty text, which may be NULL,
 *                 stands for all that the model knows but the line break.
 *
 * Otherwise as chargen_pattern_create().
 */
chargen_status chargen_pattern_create_template(const chargen_model *model, const char *text,
                                               size_t length, uint32_t free_character,
                                               const char *choices, size_t choices_length,
                                               chargen_pattern **pattern);

/*
 * Frees a pattern. NULL does nothing. Sessions that use it keep what they need. A pattern must not
 * be freed twice, nor while another thread is in a call that takes it.
 */
void chargen_pattern_free(chargen_pattern *pattern);

/*
 * Has each text that the session generates from now on match a pattern.
 *
 * pattern: NULL for none, as at first.
 *
 * A text goes from this call, from a reset or from the end of the text before to its own end.
 * Fed text does not count: a prompt may come before it or in between. Only what may follow in the
 * pattern is chosen from, so that a text is never stuck; banned characters, and those outside the
 * allowed set, are as if the pattern did not have them.
 *
 * A text ends where the pattern is complete and nothing more can follow. Where it may end and may
 * also go on, the model chooses the end of the document, if it has learned that. A model without
 * it goes on as long as the pattern allows: set a maximum length. The end is like the end of a
 * document: chargen_session_ended() returns 1, and the next character begins another text, in a new
 * document if the model has learned where documents end.
 *
 * Errors: INVALID_ARGUMENT, also if the pattern belongs to another model, or has no text that is
 * short enough and without banned characters; OUT_OF_MEMORY.
 */
chargen_status chargen_session_set_pattern(chargen_session *session,
                                           const chargen_pattern *pattern);

/*
 * Has each text that the session generates end after some number of characters at the latest.
 *
 * characters: at least 1; 0, as at first, for any number.
 *
 * Counted like the texts of a pattern; with a pattern, only characters are chosen after which the
 * text can still become a match in time. The end is that of a pattern. Unlike the max_characters of
 * a call, it concerns the text, whatever the number of calls.
 *
 * Errors: INVALID_ARGUMENT, also if the pattern has no text so short.
 */
chargen_status chargen_session_set_max_length(chargen_session *session, size_t characters);

/* Returns the maximum length of a text in characters; 0 for any number. 0 for NULL. */
size_t chargen_session_max_length(const chargen_session *session);

/*
 * Returns 1 if the text generated so far matches the pattern, so that it may end here, or if there
 * is no pattern; otherwise 0. 0 for NULL.
 */
int32_t chargen_session_may_end(const chargen_session *session);

/* ---- Stop strings and other ends ---- */

/*
 * Sets strings at which generated text stops, in place of earlier ones.
 *
 * strings: `count` pointers to UTF-8, not used any more when the call returns.
 * lengths: `count` lengths in bytes.
 * count:   0, for none, to 64. If it is 0, the lists may be NULL.
 *
 * Text is given out up to the first stop string in it. Nothing of the stop string is given out,
 * whatever the size of a buffer: characters with which one may begin are held back until it is
 * known how they go on. Where several end at the same character, the longest counts. A string with
 * a character that the model does not know never occurs.
 *
 * What is held back is already in the session's text, as is a stop string that was generated: what
 * follows continues it. Text that is fed or scored comes after it; what was held back is then given
 * out first by the next call that generates. In such text stop strings are not searched for.
 * Setting other stop strings, or none, gives out what is held back in the same way.
 *
 * Errors: INVALID_ARGUMENT, also for an empty string or one of more than 1024 characters;
 * INVALID_UTF8, OUT_OF_MEMORY.
 */
chargen_status chargen_session_set_stop_strings(chargen_session *session,
                                                const char *const *strings, const size_t *lengths,
                                                size_t count);

/*
 * Returns how many characters have been generated and are held back, since a stop string may begin
 * with them. 0 for NULL.
 */
size_t chargen_session_held_count(const chargen_session *session);

/* Why a call that generates text came to its end. New values may be added. */
typedef int32_t chargen_end_reason;

enum {
    /* It has not: nothing has been generated, or chargen_session_next() gave a character. */
    CHARGEN_REASON_NONE = 0,
    /* max_characters have been generated. */
    CHARGEN_REASON_LIMIT = 1,
    /* The buffer is full. */
    CHARGEN_REASON_BUFFER = 2,
    /* The callback has stopped it. */
    CHARGEN_REASON_CALLBACK = 3,
    /* The model has ended the document. */
    CHARGEN_REASON_DOCUMENT = 4,
    /* The text matches the pattern, and nothing more can follow. */
    CHARGEN_REASON_PATTERN = 5,
    /* The text has the length of chargen_session_set_max_length(). */
    CHARGEN_REASON_MAX_LENGTH = 6,
    /* A stop string has been generated: chargen_session_stop_string() tells which one. */
    CHARGEN_REASON_STOP_STRING = 7,
    /* The flag of chargen_session_set_interrupt() was set. */
    CHARGEN_REASON_INTERRUPT = 8
};

/*
 * Returns why the last call that generated text with the session came to its end, a batch's too.
 * Calls that generate nothing leave it as it is, but for chargen_session_reset(), which makes it
 * CHARGEN_REASON_NONE. CHARGEN_REASON_NONE for NULL.
 */
chargen_end_reason chargen_session_end_reason(const chargen_session *session);

/*
 * Returns the number of the stop string at which the last call ended, from 0, in the order of
 * chargen_session_set_stop_strings(). 0 if it ended for another reason, and for NULL.
 */
size_t chargen_session_stop_string(const chargen_session *session);

/*
 * Sets a flag that ends long calls: while it is not 0, what feeds, scores or generates returns
 * CHARGEN_INTERRUPTED.
 *
 * flag: NULL for none, as at first. The caller owns it; it must be valid until another one is set
 *       or the session is freed. Any thread may set it during a call, and so may a signal handler:
 *       with an atomic store, where the language has that. The library only reads it.
 *
 * It is read before each character that is generated, and every few milliseconds of feeding and
 * scoring, at least once a character. The session is then at a whole character: what has been fed
 * or generated up to there is part of its text. To return to the place before, make a clone before.
 * chargen_session_next(), which has then generated nothing, continues the text once the flag is 0
 * again.
 *
 * Errors: INVALID_ARGUMENT.
 */
chargen_status chargen_session_set_interrupt(chargen_session *session, const int32_t *flag);

/* ---- Scoring text ---- */

/*
 * Reads text and computes its probability: that the session generates it, at temperature 1 and
 * without other settings.
 *
 * text:            UTF-8, as for chargen_session_feed().
 * length:          its length in bytes.
 * log_probability: receives the sum of the natural logarithms of each character's probability given
 *                  the characters before it. 0 for certainty, otherwise negative; divided by
 *                  -0.6931 times the number of characters, it gives bits per character. Negative
 *                  infinity or NaN if the model's weights are so large that its output overflows;
 *                  0 on failure.
 * character_count: receives the number of characters that count: all but unknown ones that are
 *                  skipped. May be NULL; 0 on failure.
 *
 * A character that is read as the unknown symbol counts with that symbol's probability: that some
 * unknown character comes next. Probabilities are those of the model, in which all characters, the
 * unknown symbol and the end of a document together have 1, although the unknown symbol is never
 * generated.
 *
 * The text is read as chargen_session_feed() reads it, with one exception. A model that knows line
 * breaks but no ends of documents begins to generate, and to score, as if after a line break: it
 * has not learned what begins a text. A text that is fed at the beginning is read without that line
 * break. An empty text changes nothing: it scores 0, and the beginning is still the beginning.
 *
 * Takes no longer than generating the same text.
 *
 * Errors: as chargen_session_feed().
 */
chargen_status chargen_session_score(chargen_session *session, const char *text, size_t length,
                                     double *log_probability, size_t *character_count);

/*
 * Reads text and the end of a document after it, and computes the probability of both, as
 * chargen_session_score() does: to rank complete names, say. The end counts as a character. The
 * text may be empty.
 *
 * Errors: as chargen_session_feed(); UNKNOWN_CHARACTER also if the model has not learned where
 * documents end.
 */
chargen_status chargen_session_score_document(chargen_session *session, const char *text,
                                              size_t length, double *log_probability,
                                              size_t *character_count);

/*
 * Reads text and computes the probability of each of its characters, as chargen_session_score()
 * does.
 *
 * log_probabilities: receives the natural logarithm of the probability of each character of the
 *                    text, given those before it; 0 for an unknown one that is skipped. Their sum,
 *                    in order, is what chargen_session_score() gives. Unspecified on failure. May
 *                    be NULL if capacity is 0.
 * capacity:          the size of that list. `length` always suffices.
 * count:             receives the number of characters of the text; 0 on failure.
 *
 * Errors: as chargen_session_feed(); BUFFER_TOO_SMALL if the text has more characters than the list
 * has room for.
 */
chargen_status chargen_session_score_characters(chargen_session *session, const char *text,
                                                size_t length, double *log_probabilities,
                                                size_t capacity, size_t *count);

/* ---- What may come next ---- */

/*
 * These functions tell what the model expects after the text so far, at temperature 1, whatever the
 * settings. The text does not go on, and continues as if they had not been called. They allocate
 * nothing. Together they compute the model's output once, until the text goes on. Before the first
 * character they tell what a session that has read nothing would generate.
 */

/*
 * Gives the k likeliest characters, from the likeliest down.
 *
 * k:             the most characters to give.
 * characters:    receives Unicode scalar values, or CHARGEN_END_OF_DOCUMENT among them; room for k,
 *                or for all of the model's characters and 1 more.
 * probabilities: receives the probability of each; room for as many. May be NULL.
 * count:         receives how many there are: k, or fewer if the model has fewer; 0 on failure.
 *
 * They are ranked by their logits; equal ones by character, ascending, where the end of a document
 * is the last. The first is what a session with temperature 0 generates. The unknown symbol is not
 * among them. chargen_session_allows() tells which ones the session may generate. Takes k
 * comparisons for each of the model's characters at most, seldom more than one.
 *
 * Errors: INVALID_ARGUMENT.
 */
chargen_status chargen_session_likeliest(chargen_session *session, size_t k, uint32_t *characters,
                                         float *probabilities, size_t *count);

/*
 * Gives the probability of one character.
 *
 * character:   a Unicode scalar value or CHARGEN_END_OF_DOCUMENT. One that the model does not know
 *              stands for the unknown symbol, if the model has that: for all such characters
 *              together.
 * probability: receives the number that chargen_session_probabilities() has for it; 0 on failure.
 *
 * Errors: INVALID_ARGUMENT; UNKNOWN_CHARACTER as for chargen_session_feed_character(), whatever
 * chargen_session_set_unknown() has been told.
 */
chargen_status chargen_session_probability(chargen_session *session, uint32_t character,
                                           float *probability);

/*
 * Gives the natural logarithm of the probability of one character: what chargen_session_score()
 * would add for it. Otherwise like chargen_session_probability(). After a text,
 * CHARGEN_END_OF_DOCUMENT gives the probability that it ends there.
 */
chargen_status chargen_session_log_probability(chargen_session *session, uint32_t character,
                                               double *log_probability);

/*
 * Gives the probability of all that may come next, without a copy.
 *
 * probabilities: receives a pointer to one number for each character, in the order of
 *                chargen_model_character(), then for the unknown symbol, if the model has one, then
 *                for the end of a document, if it has that. Valid until the next call with the
 *                session; the library owns it. NULL on failure.
 * count:         receives how many there are. May be NULL; 0 on failure.
 *
 * The numbers add up to 1, but for rounding, and are NaN if the model's output overflows. They have
 * the same bits on every processor.
 *
 * Errors: INVALID_ARGUMENT.
 */
chargen_status chargen_session_probabilities(chargen_session *session, const float **probabilities,
                                             size_t *count);

/*
 * Gives the natural logarithms of all probabilities: as chargen_session_log_probability(), rounded
 * to float. Otherwise like chargen_session_probabilities().
 */
chargen_status chargen_session_log_probabilities(chargen_session *session,
                                                 const float **log_probabilities, size_t *count);

/*
 * Gives the logits of all that may come next: the numbers from which docs/sampling.md derives
 * probabilities and generated characters. Otherwise like chargen_session_probabilities(); they may
 * be infinite.
 */
chargen_status chargen_session_logits(chargen_session *session, const float **logits,
                                      size_t *count);

/* ---- Properties of a model ---- */

/* These functions cannot fail unless stated otherwise. Any thread, also at the same time. */

/* Returns the kind of recurrent cell: "rnn", "gru" or "lstm". Valid forever. "" for NULL. */
const char *chargen_model_cell(const chargen_model *model);

/* Returns the number of recurrent layers, at least 1. 0 for NULL. */
size_t chargen_model_layer_count(const chargen_model *model);

/* Returns the number of units of each layer, at least 1. 0 for NULL. */
size_t chargen_model_hidden_size(const chargen_model *model);

/* Returns the number of weights and biases. 0 for NULL. */
size_t chargen_model_parameter_count(const chargen_model *model);

/*
 * Returns the type in which the matrices that hidden states are multiplied with are stored: "f32",
 * "bf16", "int8" or "int4". Fewer bits give a smaller file and a faster model; the trainer's export
 * reports the loss of accuracy. Valid forever. "" for NULL.
 */
const char *chargen_model_weight_type(const chargen_model *model);

/*
 * Returns the kernels in use: "portable", "avx2", "avx512" or "dotprod". Valid forever. "" for
 * NULL.
 */
const char *chargen_model_backend(const chargen_model *model);

/*
 * Returns the model's provenance: a JSON object written by the trainer, in UTF-8, NUL-terminated.
 *
 * length: receives the number of bytes, without the NUL; 0 for a NULL model. May be NULL.
 *
 * The library does not check that it is JSON. Valid until the model is freed; the library owns it.
 * "" for NULL.
 */
const char *chargen_model_provenance(const chargen_model *model, size_t *length);

/* Returns 1 if the model has learned where documents end, otherwise 0. 0 for NULL. */
int32_t chargen_model_has_end_of_document(const chargen_model *model);

/*
 * Returns 1 if the model has an unknown symbol, as which it reads characters that it does not know,
 * otherwise 0. 0 for NULL.
 */
int32_t chargen_model_has_unknown(const chargen_model *model);

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
chargen_status chargen_model_character(const chargen_model *model, size_t index,
                                       uint32_t *character);

/*
 * Returns 1 if the model knows the character (a Unicode scalar value), otherwise 0, also if it is
 * read as the unknown symbol. 0 for NULL.
 */
int32_t chargen_model_knows(const chargen_model *model, uint32_t character);

/*
 * Gives the character that the model knows and that is nearest to another one: itself, its other
 * width, its other case, the letter without its accent, or another form of a quote, a dash, a space
 * or a full stop. docs/unknown-characters.md specifies the order, and for which letters.
 *
 * character: a Unicode scalar value.
 * nearest:   receives the nearest one; 0 on failure.
 *
 * Errors: INVALID_ARGUMENT; UNKNOWN_CHARACTER if there is none.
 */
chargen_status chargen_model_nearest(const chargen_model *model, uint32_t character,
                                     uint32_t *nearest);

/* Returns the maximum length in UTF-8 of the model's characters, 1 to 4 bytes. 0 for NULL. */
size_t chargen_model_max_character_bytes(const chargen_model *model);

/* ---- Batches of sessions ---- */

/*
 * A character costs one pass over the model's weights. A batch takes many sessions through the
 * network together, so that one pass serves all of them. The larger the weights, the more that
 * saves: for a model of 2 layers of 1024 units, 32 streams take 4 to 7 times as long as one with
 * weights in f32, 7 to 14 times with bf16, 8 to 27 with int8, 18 to 27 with int4, depending on the
 * processor. Each session gives the same text as it would alone.
 */
typedef struct chargen_batch chargen_batch;

/*
 * Creates a batch.
 *
 * model:    the model of the sessions.
 * capacity: the maximum number of sessions in a call, 1 to 65536. The batch allocates memory for
 *           that many.
 * threads:  the number of threads that compute each call, including the calling one: 1 to 64.
 * batch:    receives the batch, to be freed with chargen_batch_free(); NULL on failure.
 *
 * A batch owns no session: each call names the sessions that take part, which may differ from call
 * to call, in any order. Each session has its own settings, prompt and length. A batch, its model
 * and the sessions may be freed in any order.
 *
 * Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. Any thread.
 */
chargen_status chargen_batch_create(const chargen_model *model, size_t capacity, size_t threads,
                                    chargen_batch **batch);

/*
 * Each function below must be called by one thread at a time for the same batch, and no session in
 * the call may be in use elsewhere. `sessions` are `count` different sessions of the batch's model,
 * not more than its capacity; anything else gives INVALID_ARGUMENT. After a failure all results are
 * 0, and all sessions as they were, except after INTERRUPTED; but nothing is written if the batch
 * is NULL or `count` exceeds its capacity. With a count of 0 nothing happens, and the lists may be
 * NULL.
 */

/* Frees a batch and ends its threads. NULL does nothing. A batch must not be freed twice. */
void chargen_batch_free(chargen_batch *batch);

/*
 * Sets a flag that ends the batch's calls, as chargen_session_set_interrupt() does for a session's.
 * It is read once a character; the flags of the sessions are not. Where texts are fed or scored,
 * each session is then at some character of its text.
 *
 * Errors: INVALID_ARGUMENT.
 */
chargen_status chargen_batch_set_interrupt(chargen_batch *batch, const int32_t *flag);

/*
 * Generates the next character of each session, as chargen_session_next() does.
 *
 * characters: receives `count` Unicode scalar values, CHARGEN_END_OF_DOCUMENT or CHARGEN_STOPPED;
 *             all 0 on failure.
 *
 * A session that holds back what it has generated goes on until it has something to give.
 *
 * Errors: INVALID_ARGUMENT; INTERRUPTED, before anything was generated.
 */
chargen_status chargen_batch_next(chargen_batch *batch, chargen_session *const *sessions,
                                  size_t count, uint32_t *characters);

/*
 * Has each session read a text of its own, as chargen_session_feed() does.
 *
 * texts:   `count` pointers to UTF-8. A pointer may be NULL if its length is 0.
 * lengths: `count` lengths in bytes.
 *
 * Errors: as chargen_session_feed(); the message begins with "session N: ", counted from 0.
 */
chargen_status chargen_batch_feed(chargen_batch *batch, chargen_session *const *sessions,
                                  size_t count, const char *const *texts, const size_t *lengths);

/*
 * Has each session read a text of its own, and computes its probability, as chargen_session_score()
 * does.
 *
 * texts:             as for chargen_batch_feed().
 * lengths:           as for chargen_batch_feed().
 * log_probabilities: receives `count` sums of natural logarithms; all 0 on failure.
 *
 * Errors: as chargen_batch_feed().
 */
chargen_status chargen_batch_score(chargen_batch *batch, chargen_session *const *sessions,
                                   size_t count, const char *const *texts, const size_t *lengths,
                                   double *log_probabilities);

/*
 * Has each session read a text of its own and the end of a document after it, and computes the
 * probability of both, as chargen_session_score_document() does. Otherwise like
 * chargen_batch_score().
 *
 * Errors: as chargen_batch_feed(); UNKNOWN_CHARACTER also if the model has not learned where
 * documents end.
 */
chargen_status chargen_batch_score_documents(chargen_batch *batch, chargen_session *const *sessions,
                                             size_t count, const char *const *texts,
                                             const size_t *lengths, double *log_probabilities);

/* ---- The likeliest continuations ---- */

/*
 * A beam finds likely continuations of a session's text by beam search: for autocompletion, say. It
 * keeps the likeliest texts of each length, `width` of them, and goes on from all of them together,
 * with one pass over the weights. A text that begins with an unlikely character and becomes likely
 * later may be missed; a wider beam finds more of them.
 */
typedef struct chargen_beam chargen_beam;

/*
 * Creates a beam.
 *
 * model:   the model of the sessions.
 * width:   the most continuations that a search finds, 1 to 1024.
 * length:  the most characters of a continuation, 1 to 1024.
 * threads: the number of threads that compute a search, including the calling one: 1 to 64.
 * beam:    receives the beam, to be freed with chargen_beam_free(); NULL on failure.
 *
 * All memory of the searches is allocated here. A beam, its model and the sessions may be freed in
 * any order.
 *
 * Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. Any thread.
 */
chargen_status chargen_beam_create(const chargen_model *model, size_t width, size_t length,
                                   size_t threads, chargen_beam **beam);

/* Each function below must be called by one thread at a time for the same beam. */

/* Frees a beam and ends its threads. NULL does nothing. A beam must not be freed twice. */
void chargen_beam_free(chargen_beam *beam);

/*
 * Sets a flag that ends a search, as chargen_session_set_interrupt() does for a session's calls. It
 * is read once a character.
 *
 * Errors: INVALID_ARGUMENT.
 */
chargen_status chargen_beam_set_interrupt(chargen_beam *beam, const int32_t *flag);

/*
 * Finds likely continuations of a session's text.
 *
 * session: a session of the beam's model, which is not in use elsewhere. It is only read.
 * length:  the length of a continuation in characters: 1 to the beam's. A continuation is shorter
 *          only if its document ends.
 * count:   receives how many have been found: the beam's width, or fewer if there are fewer, or if
 *          the model's output overflows; 0 on failure. chargen_beam_text() gives each.
 *
 * The settings of the session have no effect: probabilities are those of chargen_session_score().
 * The likeliest is the first. Of two with exactly the same probability, that one is first whose
 * text before its last character is; if that is the same text, the lower last character, where an
 * end of a document is the last. A search allocates nothing.
 *
 * Errors: INVALID_ARGUMENT; the continuations of the search before then remain. INTERRUPTED; there
 * are then none.
 */
chargen_status chargen_beam_search(chargen_beam *beam, const chargen_session *session,
                                   size_t length, size_t *count);

/*
 * Gives one of the continuations that the last search has found.
 *
 * index:           0 to count - 1; 0 is the likeliest.
 * text:            receives UTF-8, NUL-terminated, without the text that it continues. Valid until
 *                  the next search; the library owns it. NULL on failure.
 * length:          receives its length in bytes, without the NUL. May be NULL.
 * log_probability: receives what chargen_session_score() would give for it, or
 *                  chargen_session_score_document() if its document ends. May be NULL.
 * ended:           receives 1 if its document ends after it, otherwise 0. May be NULL.
 *
 * Errors: INVALID_ARGUMENT.
 */
chargen_status chargen_beam_text(const chargen_beam *beam, size_t index, const char **text,
                                 size_t *length, double *log_probability, int32_t *ended);

#ifdef __cplusplus
}
#endif

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
