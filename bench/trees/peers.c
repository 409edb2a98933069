/* Times a peer's own C interface on one thread, by processor time: every row on its own, then in
 * batches of 1,000. Prints "one_row_ns batch_rows_per_s" and writes the predictions to OUT.
 *
 * usage: peers lleaves  MODEL.so  ROWS.f64 OUT OUTPUTS
 *        peers lightgbm LIBRARY   ROWS.f64 OUT OUTPUTS MODEL.txt
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FEATURES = 30, BATCH = 1000, ROUNDS = 9 };

typedef void (*forest)(const double *, double *, int, int);
typedef int (*create)(const char *, int *, void **);
typedef int (*fast_init)(void *, int, int, int, int, int32_t, const char *, void **);
typedef int (*fast)(void *, const void *, int64_t *, double *);
typedef int (*many)(void *, const void *, int, int32_t, int32_t, int, int, int, int, const char *,
                    int64_t *, double *);

static forest lleaves;
static void *booster, *fast_config;
static fast lightgbm_row;
static many lightgbm_rows;

static void die(const char *what) {
  fprintf(stderr, "peers: %s: %s\n", what, dlerror());
  exit(1);
}

static void *symbol(void *library, const char *name) {
  void *found = dlsym(library, name);
  if (!found) die(name);
  return found;
}

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return at.tv_sec * 1e9 + at.tv_nsec;
}

static void score(const double *rows, int count, double *out) {
  int64_t written;
  if (lleaves)
    lleaves(rows, out, 0, count);
  else if (count == 1)
    lightgbm_row(fast_config, rows, &written, out);
  else
    lightgbm_rows(booster, rows, 1, count, FEATURES, 1, 0, 0, -1, "num_threads=1", &written, out);
}

static int by_size(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

static double median_ns(const double *rows, int count, int step, double *out, int outputs) {
  double took[ROUNDS];
  for (int round = -1; round < ROUNDS; round++) {
    double began = now();
    for (int at = 0; at + step <= count; at += step)
      score(rows + (size_t)at * FEATURES, step, out + (size_t)at * outputs);
    if (round >= 0) took[round] = (now() - began) / count;
  }
  qsort(took, ROUNDS, sizeof *took, by_size);
  return took[ROUNDS / 2];
}

int main(int argc, char **argv) {
  if (argc < 6) die("usage");
  int outputs = atoi(argv[5]);
  void *library = dlopen(argv[2], RTLD_NOW);
  if (!library) die(argv[2]);
  if (!strcmp(argv[1], "lleaves")) {
    lleaves = (forest)symbol(library, "forest_root");
  } else {
    int trees;
    if (((create)symbol(library, "LGBM_BoosterCreateFromModelfile"))(argv[6], &trees, &booster))
      die(argv[6]);
    if (((fast_init)symbol(library, "LGBM_BoosterPredictForMatSingleRowFastInit"))(
            booster, 0, 0, -1, 1, FEATURES, "num_threads=1", &fast_config))
      die("fast init");
    lightgbm_row = (fast)symbol(library, "LGBM_BoosterPredictForMatSingleRowFast");
    lightgbm_rows = (many)symbol(library, "LGBM_BoosterPredictForMat");
  }
  FILE *file = fopen(argv[3], "rb");
  if (!file) die(argv[3]);
  fseek(file, 0, SEEK_END);
  int count = (int)(ftell(file) / (FEATURES * sizeof(double)));
  rewind(file);
  double *rows = malloc((size_t)count * FEATURES * sizeof *rows);
  double *out = calloc((size_t)count * outputs, sizeof *out);
  if (fread(rows, FEATURES * sizeof *rows, count, file) != (size_t)count) die("rows");
  fclose(file);
  double one = median_ns(rows, count, 1, out, outputs);
  double batch = median_ns(rows, count, BATCH, out, outputs);
  printf("%.0f %.0f\n", one, 1e9 / batch);
  FILE *result = fopen(argv[4], "wb");
  if (!result || fwrite(out, outputs * sizeof *out, count, result) != (size_t)count) die(argv[4]);
  return fclose(result);
}
