/*
 * Measures libchargen.so through its C interface:
 *
 *     engine bench [--json] [--seconds S] FOLDER [PATTERN...]
 *     engine one [--threads N] [--batch B] [--seconds S] MODEL
 *     engine score [--characters N] MODEL
 *     engine allocations MODEL
 *
 * See Benchmarks/README.md.
 */
#define _GNU_SOURCE
#include "engine.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(void) {
    fprintf(stderr, "usage: engine bench [--json] [--seconds S] FOLDER [PATTERN...]\n"
                    "       engine one [--threads N] [--batch B] [--seconds S] MODEL\n"
                    "       engine score [--characters N] MODEL\n"
                    "       engine allocations MODEL\n");
    return 2;
}

int run_one(const char *path, const struct options *options) {
    chargen_model *model = load_model(path);
    size_t count = options->batch ? options->batch : 1;
    struct streams streams = new_streams(model, count, options->threads ? options->threads : 1);
    double seconds = options->seconds > 0 ? options->seconds : 1;
    /* Warms up the caches and the processor's clock. */
    seconds_per_advance(&streams, seconds / 10);
    printf("%.1f\n", (double)count / seconds_per_advance(&streams, seconds));
    free_streams(&streams);
    chargen_model_free(model);
    return 0;
}

int main(int argc, char **argv) {
    static const struct option names[] = {{"threads", required_argument, NULL, 't'},
                                          {"batch", required_argument, NULL, 'b'},
                                          {"characters", required_argument, NULL, 'c'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"json", no_argument, NULL, 'j'},
                                          {NULL, 0, NULL, 0}};
    struct options options = {0, 0, 0, 0, 0};
    const char *command;
    char **arguments;
    int option, count;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (option) {
        case 't': options.threads = strtoul(optarg, NULL, 10); break;
        case 'b': options.batch = strtoul(optarg, NULL, 10); break;
        case 'c': options.characters = strtoul(optarg, NULL, 10); break;
        case 's': options.seconds = strtod(optarg, NULL); break;
        case 'j': options.json = 1; break;
        default: return usage();
        }
    }
    if (argc - optind < 2) {
        return usage();
    }
    command = argv[optind];
    arguments = argv + optind + 1;
    count = argc - optind - 1;
    if (strcmp(command, "bench") == 0) {
        return run_bench(count, arguments, &options);
    }
    if (count != 1) {
        return usage();
    }
    if (strcmp(command, "one") == 0) {
        return run_one(arguments[0], &options);
    }
    if (strcmp(command, "score") == 0) {
        return run_score(arguments[0], &options);
    }
    if (strcmp(command, "allocations") == 0) {
        return run_allocations(arguments[0]);
    }
    return usage();
}
