// The histogram that a C programmer would write. Prints the median processor time of a pass in milliseconds.
// usage: peer noise|half-zeros LENGTH
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BINS = 2048, PASSES = 9 };

__attribute__((noinline)) static void histogram(const float *x, int n, float width, unsigned *counts) {
  for (int i = 0; i < n; i++) {
    float magnitude = fabsf(x[i]);
    if (magnitude != 0) {
      int bin = (int)(magnitude / width + 0.5f);
      if (bin < BINS) counts[bin]++;
    }
  }
}

static double cpu_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * 1e3 + now.tv_nsec * 1e-6;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int n = atoi(argv[2]), rectified = strcmp(argv[1], "half-zeros") == 0;
  float *x = malloc(sizeof(float) * n);
  unsigned counts[BINS] = {0}, state = 1;
  for (int i = 0; i < n; i++) {
    state = state * 1664525u + 1013904223u;
    x[i] = state / 2147483648.0f - 1;
    if (rectified && x[i] < 0) x[i] = 0;
  }
  double times[PASSES];
  for (int pass = -2; pass < PASSES; pass++) {
    double started = cpu_ms();
    histogram(x, n, 1.0f / (BINS - 1), counts);
    if (pass >= 0) times[pass] = cpu_ms() - started;
  }
  qsort(times, PASSES, sizeof(double), ascending);
  // The counts are looked at, so that no compiler drops the loop.
  printf("%f\n", counts[1] > 0 ? times[PASSES / 2] : -1.0);
  free(x);
}
