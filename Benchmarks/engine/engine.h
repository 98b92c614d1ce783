/* Declarations shared by the commands of the program `engine`. */
#ifndef ENGINE_H
#define ENGINE_H

#include <chargen.h>

/* The options of the command line; 0 for an option that is not given. */
struct options {
    size_t threads;
    size_t batch;
    size_t characters;
    double seconds;
    int json;
};

/* The commands. Each takes the arguments other than options, and returns the exit status. */
int run_bench(int count, char **arguments, const struct options *options);
int run_one(const char *model, const struct options *options);
int run_score(const char *model, const struct options *options);
int run_allocations(const char *model);

/* Ends the program with a message. */
void fail(const char *message);

/* Ends the program with the library's message unless `status` is CHARGEN_OK. */
void check(chargen_status status);

/* Allocates memory, or ends the program. */
void *allocate(size_t count, size_t size);

chargen_model *load_model(const char *path);
chargen_session *new_session(const chargen_model *model, size_t threads);

/* `length` one-byte characters drawn from those that the model knows, without a final NUL. */
char *random_text(const chargen_model *model, size_t length, uint64_t seed);

/* One session, or several in a batch, that generate at temperature 1. */
struct streams {
    size_t count;
    chargen_session **sessions;
    chargen_batch *batch; /* NULL for one session. */
    uint32_t *characters;
};

struct streams new_streams(const chargen_model *model, size_t count, size_t threads);
void free_streams(struct streams *streams);

/* Generates one more character of each stream. */
void advance(struct streams *streams);

/* Generates for at least `seconds`. Returns the seconds per character of every stream. */
double seconds_per_advance(struct streams *streams, double seconds);

/* Seconds since an arbitrary point in time. */
double now(void);

/* The median of `count` values, which it sorts. */
double median(double *values, size_t count);

/* Memory that is read as weights are. */
struct working_set;

/* `bytes` of memory, aligned and in large pages like the library's. */
struct working_set *new_working_set(size_t bytes);
void free_working_set(struct working_set *set);

/* Reads it repeatedly on one core for at least `seconds`. Returns the time of the fastest pass. */
double seconds_per_pass(const struct working_set *set, double seconds);

#endif
