// What TCP itself costs: a chain of hosts, each writes what it receives and passes it on. No digest, no key, no names.
// Usage: relay FILE|listen OUT NEXT|end    NEXT: address of the next host. Prints when it began and ended, in s.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT 7811
#define PIECE (1 << 20)

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static struct sockaddr_in place(const char *address) {
  struct sockaddr_in found = {.sin_family = AF_INET, .sin_port = htons(PORT)};
  inet_pton(AF_INET, address, &found.sin_addr);
  return found;
}

/* The next host may not listen yet. */
static int dial(const char *address) {
  struct sockaddr_in to = place(address);
  for (int again = 0; again < 500; again++) {
    int socket_ = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(socket_, (void *)&to, sizeof to) == 0) return socket_;
    close(socket_);
    usleep(10000);
  }
  fail("connect");
  return -1;
}

static int answer(void) {
  struct sockaddr_in at = place("0.0.0.0");
  int door = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(door, (void *)&at, sizeof at) != 0 || listen(door, 1) != 0) fail("listen");
  return accept(door, NULL, NULL);
}

static void put(int to, const char *bytes, ssize_t count) {
  for (ssize_t done = 0, n; done < count; done += n)
    if ((n = write(to, bytes + done, count - done)) < 0) fail("write");
}

int main(int count, char **words) {
  if (count != 4) return 2;
  int next = strcmp(words[3], "end") == 0 ? -1 : dial(words[3]);
  int from = strcmp(words[1], "listen") == 0 ? answer() : open(words[1], O_RDONLY);
  int out = open(words[2], O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (from < 0 || out < 0) fail(words[2]);
  char *piece = malloc(PIECE);
  printf("%.6f ", now());
  for (ssize_t n; (n = read(from, piece, PIECE)) > 0;) {
    if (next >= 0) put(next, piece, n);
    put(out, piece, n);
  }
  printf("%.6f\n", now());
  return 0;
}
