// A tour of what guests do, for wasi-libc: tour | missing NAME | panic.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static uint64_t hash(const void *data, size_t size) {
  const unsigned char *bytes = data;
  uint64_t h = 14695981039346656037u;
  while (size--) h = (h ^ *bytes++) * 1099511628211u;
  return h;
}

static void check(int bad, const char *what) {
  if (bad) printf("%s: %s\n", what, strerror(errno));
}

static void standard_input(void) {
  char line[256];
  int lines = 0;
  uint64_t sum = 0;
  while (fgets(line, sizeof line, stdin)) {
    lines++;
    sum ^= hash(line, strlen(line));
  }
  printf("stdin: %d lines, %016llx\n", lines, (unsigned long long)sum);
}

static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static void numbers(void) {
  enum { COUNT = 4000 };
  static uint32_t values[COUNT];
  uint32_t seed = 1;
  for (int i = 0; i < COUNT; i++) values[i] = seed = seed * 1664525 + 1013904223;
  qsort(values, COUNT, sizeof *values, ascending);
  printf("sorted: %u %u %016llx\n", values[0], values[COUNT - 1], (unsigned long long)hash(values, sizeof values));
  printf("floats: %.17g %g %.3e %a %f %g %g\n", 0.1, 1e21, 1.0 / 3, 2.5, -1e10, sin(1), pow(2, 0.5));
  printf("halves: %.0f %.0f %ld %d\n", 0.5, 1.5, lrint(2.5), (int)-2.7f);
}

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static void list(const char *path) {
  struct dirent **entries;
  int count = scandir(path, &entries, NULL, by_name);
  printf("%s:", path);
  for (int i = 0; i < count; i++) printf(" %s%s", entries[i]->d_name, entries[i]->d_type == DT_DIR ? "/" : entries[i]->d_type == DT_LNK ? "@" : "");
  printf("\n");
}

static void files(void) {
  char text[64] = "";
  struct stat info;
  check(mkdir("made", 0777), "mkdir");
  FILE *file = fopen("made/a.txt", "w");
  fprintf(file, "one\ntwo\n");
  fclose(file);
  file = fopen("made/a.txt", "a");
  fprintf(file, "three\n");
  fclose(file);
  file = fopen("made/a.txt", "r+");
  fseek(file, 4, SEEK_SET);
  fputs("TWO", file);
  fseek(file, -6, SEEK_END);
  printf("read: %s", fgets(text, sizeof text, file));
  fclose(file);
  check(symlink("a.txt", "made/link"), "symlink");
  text[readlink("made/link", text, sizeof text - 1)] = 0;
  check(stat("made/link", &info), "stat");
  printf("link: %s, %lld bytes\n", text, (long long)info.st_size);
  check(rename("made/a.txt", "made/b.txt"), "rename");
  check(stat("made/link", &info) == 0, "the link still leads somewhere");
  list("made");
  list(".");
  check(rmdir("made") == 0, "removed although full");
  check(rmdir("made"), "rmdir");
  check(unlink("made/link"), "unlink");
  check(open("made/b.txt/x", O_RDONLY) < 0, "open");
  check(open("../outside", O_RDONLY) < 0, "open outside");
  int fd = open("made/b.txt", O_RDWR);
  check(ftruncate(fd, 6), "ftruncate");
  printf("pread: %zd, at %lld\n", pread(fd, text, 3, 2), (long long)lseek(fd, 0, SEEK_CUR));
  check(pwrite(STDOUT_FILENO, "x", 1, 0) < 0, "pwrite to a stream");
  close(fd);
}

static void clocks(void) {
  struct timespec a, b, wait = {0, 3000000};
  clock_gettime(CLOCK_MONOTONIC, &a);
  nanosleep(&wait, NULL);
  clock_gettime(CLOCK_MONOTONIC, &b);
  long long passed = (b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec;
  unsigned char first[16], second[16];
  getentropy(first, 16);
  getentropy(second, 16);
  printf("slept: %d, after 2020: %d, random: %d\n", passed >= 3000000, time(NULL) > 1577836800, memcmp(first, second, 16) != 0);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "missing") == 0) {
    FILE *file = fopen(argv[2], "r");
    if (!file) perror(argv[2]);
    return file ? 0 : 3;
  }
  if (strcmp(what, "panic") == 0) {
    fprintf(stderr, "about to abort\n");
    abort();
  }
  printf("arguments: %d %s, GREETING=%s, NOTHING=%s\n", argc, argv[argc - 1], getenv("GREETING"), getenv("NOTHING") ? "there" : "not there");
  standard_input();
  numbers();
  files();
  clocks();
  fprintf(stderr, "done\n");
  return 0;
}
