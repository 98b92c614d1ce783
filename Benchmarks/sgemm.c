/*
 * The rate of OpenBLAS' sgemm, for comparison with batches of streams.
 *
 * It measures a large square product, OpenBLAS' best case, and the recurrent product of a batch of
 * 32 in an LSTM of 512 units, on one and two threads, in GFLOP/s, two operations per multiply-add.
 * Beside each rate stand the characters per second that lstm-512x2 would reach if all its useful
 * multiply-adds ran at it.
 */
#define _GNU_SOURCE
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static float *random_matrix(int rows, int columns) {
    size_t count = (size_t)rows * (size_t)columns;
    float *values = malloc(count * sizeof *values);
    size_t i;
    if (values == NULL) {
        fprintf(stderr, "sgemm: out of memory\n");
        exit(1);
    }
    for (i = 0; i < count; i++) {
        values[i] = (float)rand() / (float)RAND_MAX - 0.5f;
    }
    return values;
}

/* The best rate of C = A B for an m×k matrix A and a k×n matrix B, over at least a second. */
static double gigaflops(int m, int n, int k) {
    float *a = random_matrix(m, k);
    float *b = random_matrix(k, n);
    float *c = random_matrix(m, n);
    double began = now();
    double best = 1e9;
    do {
        double start = now();
        double time;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a, k, b, n, 0, c, n);
        time = now() - start;
        if (time < best) {
            best = time;
        }
    } while (now() - began < 1);
    free(a);
    free(b);
    free(c);
    return 2e-9 * m * n * k / best;
}

static void print_row(int threads, int m, int n, int k) {
    /* Three matrices of 4·512 × 512 and the output layer of 82 × 512. */
    const double multiply_adds = (3 * 4 * 512 + 82) * 512.0;
    double rate;
    openblas_set_num_threads(threads);
    rate = gigaflops(m, n, k);
    printf("%d  %4d x %4d x %4d %8.1f GFLOP/s %8.0f characters/s\n", threads, m, n, k, rate,
           1e9 * rate / (2 * multiply_adds));
}

/* Without arguments, prints a table; with m n k and a number of threads, the rate alone. */
int main(int count, char **arguments) {
    int threads;
    if (count == 5) {
        openblas_set_num_threads(atoi(arguments[4]));
        printf("%.1f\n", gigaflops(atoi(arguments[1]), atoi(arguments[2]), atoi(arguments[3])));
        return 0;
    }
    printf("%s, threads and m x n x k:\n", openblas_get_config());
    for (threads = 1; threads <= 2; threads++) {
        print_row(threads, 2048, 2048, 2048);
        print_row(threads, 2048, 32, 512);
    }
    return 0;
}
