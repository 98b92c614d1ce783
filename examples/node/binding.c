/*
 * What index.js needs of chargen.h, as functions of Node's C interface (Node-API 8). A handle is a
 * JavaScript object that only index.js has; the garbage collector frees it.
 */
#include <chargen.h>
#include <node_api.h>

#include <stdlib.h>
#include <string.h>

/* Leaves a function when a call of Node-API has failed: an exception is pending then. */
#define NODE(call)                                                                                           \
    do {                                                                                                     \
        if ((call) != napi_ok) {                                                                             \
            return fail(env, "wrong argument");                                                              \
        }                                                                                                    \
    } while (0)

/* Leaves a function when a call of the library has failed. */
#define CALL(call)                                                                                           \
    do {                                                                                                     \
        chargen_status given = (call);                                                                       \
        if (given != CHARGEN_OK) {                                                                           \
            return fail_with(env, given);                                                                    \
        }                                                                                                    \
    } while (0)

static napi_value fail(napi_env env, const char *message) {
    bool is_pending = false;
    napi_is_exception_pending(env, &is_pending);
    if (!is_pending) {
        napi_throw_type_error(env, NULL, message);
    }
    return NULL;
}

/* An Error with the library's message and, as its status, the number. */
static napi_value fail_with(napi_env env, chargen_status status) {
    napi_value message, error, number;
    if (napi_create_string_utf8(env, chargen_error_message(), NAPI_AUTO_LENGTH, &message) == napi_ok
        && napi_create_error(env, NULL, message, &error) == napi_ok
        && napi_create_int32(env, status, &number) == napi_ok
        && napi_set_named_property(env, error, "status", number) == napi_ok) {
        napi_throw(env, error);
    }
    return NULL;
}

static void free_model(napi_env env, void *model, void *hint) {
    (void)env, (void)hint;
    chargen_model_free((chargen_model *)model);
}

static void free_session(napi_env env, void *session, void *hint) {
    (void)env, (void)hint;
    chargen_session_free((chargen_session *)session);
}

/* The arguments: the first is a handle, unless `handle` is NULL. */
static napi_status arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values, void **handle) {
    size_t given = count;
    napi_status status = napi_get_cb_info(env, info, &given, values, NULL, NULL);
    if (status == napi_ok && given < count) {
        status = napi_invalid_arg;
    }
    return status == napi_ok && handle != NULL ? napi_get_value_external(env, values[0], handle) : status;
}

/* A string's UTF-8, to be freed; NULL if the value is none, or memory is refused. */
static char *text_of(napi_env env, napi_value value, size_t *length) {
    char *text;
    if (napi_get_value_string_utf8(env, value, NULL, 0, length) != napi_ok || (text = malloc(*length + 1)) == NULL) {
        return NULL;
    }
    napi_get_value_string_utf8(env, value, text, *length + 1, length);
    return text;
}

static napi_value undefined(napi_env env) {
    napi_value value = NULL;
    napi_get_undefined(env, &value);
    return value;
}

static napi_value new_session(napi_env env, chargen_session *session) {
    napi_value value;
    if (napi_create_external(env, session, free_session, NULL, &value) != napi_ok) {
        chargen_session_free(session);
        return fail(env, "out of memory");
    }
    return value;
}

static napi_value load(napi_env env, napi_callback_info info) {
    napi_value value, result;
    chargen_model *model;
    chargen_status status;
    bool is_buffer;
    NODE(arguments(env, info, 1, &value, NULL));
    NODE(napi_is_buffer(env, value, &is_buffer));
    if (is_buffer) {
        void *bytes;
        size_t length;
        NODE(napi_get_buffer_info(env, value, &bytes, &length));
        status = chargen_model_load_memory(length == 0 ? "" : bytes, length, &model);
    } else {
        size_t length;
        char *path = text_of(env, value, &length);
        if (path == NULL || strlen(path) != length) {
            free(path);
            return fail(env, "a model is a path or a Buffer");
        }
        status = chargen_model_load_file(path, &model);
        free(path);
    }
    CALL(status);
    if (napi_create_external(env, model, free_model, NULL, &result) != napi_ok) {
        chargen_model_free(model);
        return fail(env, "out of memory");
    }
    return result;
}

static napi_value create(napi_env env, napi_callback_info info) {
    napi_value value;
    void *model;
    chargen_session *session;
    NODE(arguments(env, info, 1, &value, &model));
    CALL(chargen_session_create((chargen_model *)model, &session));
    return new_session(env, session);
}

static napi_value clone_session(napi_env env, napi_callback_info info) {
    napi_value value;
    void *session;
    chargen_session *clone;
    NODE(arguments(env, info, 1, &value, &session));
    CALL(chargen_session_clone((chargen_session *)session, &clone));
    return new_session(env, clone);
}

static napi_value set_temperature(napi_env env, napi_callback_info info) {
    napi_value values[2];
    void *session;
    double temperature;
    NODE(arguments(env, info, 2, values, &session));
    NODE(napi_get_value_double(env, values[1], &temperature));
    CALL(chargen_session_set_temperature((chargen_session *)session, (float)temperature));
    return undefined(env);
}

static napi_value set_seed(napi_env env, napi_callback_info info) {
    napi_value values[2];
    void *session;
    uint64_t seed;
    bool is_whole;
    NODE(arguments(env, info, 2, values, &session));
    NODE(napi_get_value_bigint_uint64(env, values[1], &seed, &is_whole));
    CALL(chargen_session_set_seed((chargen_session *)session, seed));
    return undefined(env);
}

static napi_value feed(napi_env env, napi_callback_info info) {
    napi_value values[2];
    void *session;
    size_t length;
    char *text;
    chargen_status status;
    NODE(arguments(env, info, 2, values, &session));
    text = text_of(env, values[1], &length);
    if (text == NULL) {
        return fail(env, "a text is a string");
    }
    status = chargen_session_feed((chargen_session *)session, text, length);
    free(text);
    CALL(status);
    return undefined(env);
}

/* The next character, or null at an end. */
static napi_value next(napi_env env, napi_callback_info info) {
    napi_value value, result;
    void *session;
    uint32_t character;
    char text[5];
    size_t length;
    NODE(arguments(env, info, 1, &value, &session));
    CALL(chargen_session_next((chargen_session *)session, &character));
    length = chargen_encode(character, text);
    NODE(length == 0 ? napi_get_null(env, &result) : napi_create_string_utf8(env, text, length, &result));
    return result;
}

/* At most 1,000 characters of text. */
static napi_value generate(napi_env env, napi_callback_info info) {
    napi_value values[2], result;
    void *session;
    uint32_t count;
    char text[4000];
    size_t length;
    NODE(arguments(env, info, 2, values, &session));
    NODE(napi_get_value_uint32(env, values[1], &count));
    CALL(chargen_session_generate((chargen_session *)session, count < 1000 ? count : 1000, text, sizeof text, &length));
    NODE(napi_create_string_utf8(env, text, length, &result));
    return result;
}

static napi_value end_reason(napi_env env, napi_callback_info info) {
    napi_value value, result;
    void *session;
    NODE(arguments(env, info, 1, &value, &session));
    NODE(napi_create_int32(env, chargen_session_end_reason((chargen_session *)session), &result));
    return result;
}

/* A Float32Array. */
static napi_value probabilities(napi_env env, napi_callback_info info) {
    napi_value value, buffer, result;
    void *session, *copy;
    const float *numbers;
    size_t count;
    NODE(arguments(env, info, 1, &value, &session));
    CALL(chargen_session_probabilities((chargen_session *)session, &numbers, &count));
    NODE(napi_create_arraybuffer(env, count * sizeof *numbers, &copy, &buffer));
    memcpy(copy, numbers, count * sizeof *numbers);
    NODE(napi_create_typedarray(env, napi_float32_array, count, buffer, 0, &result));
    return result;
}

NAPI_MODULE_INIT() {
    static const struct {
        const char *name;
        napi_callback callback;
    } functions[] = {
        {"load", load}, {"create", create}, {"clone", clone_session}, {"setTemperature", set_temperature},
        {"setSeed", set_seed}, {"feed", feed}, {"next", next}, {"generate", generate}, {"endReason", end_reason},
        {"probabilities", probabilities},
    };
    size_t i;
    for (i = 0; i < sizeof functions / sizeof *functions; i++) {
        napi_value function;
        NODE(napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].callback, NULL, &function));
        NODE(napi_set_named_property(env, exports, functions[i].name, function));
    }
    return exports;
}
