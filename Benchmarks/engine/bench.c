/* engine bench: the speed of each model in a folder, beside the time to read its weights. */
#define _GNU_SOURCE
#include "engine.h"

#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RUNS = 5, LOADS = 20, COUNTS = 4, THREADS = 2 };

/* Streams per batch. */
static const size_t counts[COUNTS] = {1, 8, 32, 128};

struct result {
    char name[64];
    const char *backend;
    double weight_bytes; /* read per character */
    double bound;        /* seconds to read them on one core */
    double load;         /* seconds from the file to the first character */
    double step[COUNTS][THREADS]; /* seconds for a character of every stream */
};

/* The bytes of weights read per character: all matrices of the products, and a row of the first
   layer's bias table, which holds a float for each preactivation. */
static double weight_bytes(const chargen_model *model) {
    const char *cell = chargen_model_cell(model);
    const char *weights = chargen_model_weight_type(model);
    double hidden = (double)chargen_model_hidden_size(model);
    double layers = (double)chargen_model_layer_count(model);
    double symbols = (double)chargen_model_character_count(model) + chargen_model_has_unknown(model)
        + chargen_model_has_end_of_document(model);
    double gates = strcmp(cell, "rnn") == 0 ? 1 : strcmp(cell, "gru") == 0 ? 3 : 4;
    double sums = gates == 1 ? 1 : 4;
    /* int4: half a byte, and two bytes of scale per 32 weights; its output layer is int8. */
    double width = strcmp(weights, "f32") == 0    ? 4
                   : strcmp(weights, "bf16") == 0 ? 2
                   : strcmp(weights, "int8") == 0 ? 1
                                                  : 0.5 + 2.0 / 32;
    double output_width = width < 1 ? 1 : width;
    return width * (2 * layers - 1) * gates * hidden * hidden + output_width * symbols * hidden + 4 * sums * hidden;
}

static double load_seconds(const char *path) {
    double times[LOADS];
    size_t i;
    for (i = 0; i < LOADS; i++) {
        double began = now();
        chargen_model *model = load_model(path);
        struct streams streams = new_streams(model, 1, 1);
        advance(&streams);
        times[i] = now() - began;
        free_streams(&streams);
        chargen_model_free(model);
    }
    return median(times, LOADS);
}

static struct result measure(const char *path, const char *name, double seconds) {
    chargen_model *model = load_model(path);
    struct streams streams[COUNTS][THREADS];
    double times[COUNTS][THREADS][RUNS];
    struct working_set *set;
    struct result result;
    size_t run, count, threads;
    snprintf(result.name, sizeof result.name, "%s", name);
    result.backend = chargen_model_backend(model);
    result.weight_bytes = weight_bytes(model);
    result.bound = 1e9;
    result.load = load_seconds(path);
    set = new_working_set((size_t)result.weight_bytes);
    for (count = 0; count < COUNTS; count++) {
        for (threads = 0; threads < THREADS; threads++) {
            streams[count][threads] = new_streams(model, counts[count], threads + 1);
        }
    }
    /* Measured alternately, so that a temporary slowdown of the machine affects all of them. */
    for (run = 0; run < RUNS; run++) {
        double pass = seconds_per_pass(set, seconds / 2);
        result.bound = pass < result.bound ? pass : result.bound;
        for (count = 0; count < COUNTS; count++) {
            for (threads = 0; threads < THREADS; threads++) {
                times[count][threads][run] = seconds_per_advance(&streams[count][threads], seconds);
            }
        }
    }
    for (count = 0; count < COUNTS; count++) {
        for (threads = 0; threads < THREADS; threads++) {
            result.step[count][threads] = median(times[count][threads], RUNS);
            free_streams(&streams[count][threads]);
        }
    }
    free_working_set(set);
    chargen_model_free(model);
    return result;
}

static double rate(const struct result *result, size_t count, size_t threads) {
    return (double)counts[count] / result->step[count][threads];
}

static void print_row(const struct result *result) {
    double one = result->step[0][0];
    size_t count, threads;
    printf("%-16s %7.1f %9.2f %9.2f %8.0f%% %10.2f %12.2f", result->name, result->weight_bytes / result->bound / 1e9,
           1e6 * result->bound, 1e6 * one, 100 * result->bound / one, 1e6 * result->step[0][1], 1e3 * result->load);
    for (count = 1; count < COUNTS; count++) {
        for (threads = 0; threads < THREADS; threads++) {
            printf(" %9.0f", rate(result, count, threads));
        }
    }
    printf("\n");
}

static void print_json(const struct result *result) {
    size_t count, threads;
    printf("{\"model\":\"%s\",\"backend\":\"%s\",\"weight_bytes\":%.0f,\"bytes_per_second\":%.4g,\"bound_us\":%.4g,"
           "\"us_per_character\":%.4g,\"bound_ratio\":%.4g,\"us_per_character_2_threads\":%.4g,\"load_ms\":%.4g",
           result->name, result->backend, result->weight_bytes, result->weight_bytes / result->bound,
           1e6 * result->bound, 1e6 * result->step[0][0], result->bound / result->step[0][0],
           1e6 * result->step[0][1], 1e3 * result->load);
    for (count = 1; count < COUNTS; count++) {
        for (threads = 0; threads < THREADS; threads++) {
            printf(",\"batch_%lu_threads_%lu\":%.5g", (unsigned long)counts[count], (unsigned long)threads + 1,
                   rate(result, count, threads));
        }
    }
    printf("}\n");
}

/* The processor's name as Linux has it. */
static void read_processor(char *name, size_t size) {
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[256];
    snprintf(name, size, "unknown processor");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':') != NULL) {
            line[strcspn(line, "\n")] = 0;
            snprintf(name, size, "%s", strchr(line, ':') + 2);
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

static void print_heading(int json) {
    char processor[256], date[16];
    time_t today = time(NULL);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count, threads;
    read_processor(processor, sizeof processor);
    strftime(date, sizeof date, "%Y-%m-%d", gmtime(&today));
    if (json) {
        printf("{\"date\":\"%s\",\"processor\":\"%s\",\"cores\":%ld,\"version\":\"%s\"}\n", date, processor, cores,
               chargen_version());
        return;
    }
    printf("%s, %s, %ld cores, libchargen %s\n\n", date, processor, cores, chargen_version());
    printf("%-16s %7s  %-51s %8s  %s\n", "", "one core", "one stream: microseconds a character", "load and",
           "batches: characters a second, streams x threads");
    printf("%-16s %7s %9s %9s %9s %10s %12s", "", "GB/s", "bound", "1 thread", "bound/it", "2 threads", "first, ms");
    for (count = 1; count < COUNTS; count++) {
        for (threads = 1; threads <= THREADS; threads++) {
            printf(" %7lux%lu", (unsigned long)counts[count], (unsigned long)threads);
        }
    }
    printf("\n");
}

static int is_wanted(const char *name, int count, char **patterns) {
    int i;
    for (i = 0; i < count; i++) {
        if (fnmatch(patterns[i], name, 0) == 0) {
            return 1;
        }
    }
    return count == 0;
}

/* 64x1 before 128x2. */
static int compare_names(const void *a, const void *b) {
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

int run_bench(int argument_count, char **arguments, const struct options *options) {
    char pattern[1024];
    glob_t files;
    size_t i;
    snprintf(pattern, sizeof pattern, "%s/*.cgw", arguments[0]);
    if (glob(pattern, 0, NULL, &files) != 0) {
        fail("the folder has no models; write them with benchmark-models");
    }
    qsort(files.gl_pathv, files.gl_pathc, sizeof *files.gl_pathv, compare_names);
    print_heading(options->json);
    for (i = 0; i < files.gl_pathc; i++) {
        const char *path = files.gl_pathv[i];
        char name[64];
        snprintf(name, sizeof name, "%s", strrchr(path, '/') + 1);
        name[strcspn(name, ".")] = 0;
        if (is_wanted(name, argument_count - 1, arguments + 1)) {
            struct result result = measure(path, name, options->seconds > 0 ? options->seconds : 0.2);
            if (options->json) {
                print_json(&result);
            } else {
                print_row(&result);
            }
            fflush(stdout);
        }
    }
    globfree(&files);
    return 0;
}
