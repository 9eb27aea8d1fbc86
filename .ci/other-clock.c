/* Puts the wall clock of a process forward by CLOCK_AHEAD seconds, and leaves alone all that waits.
 * (libfaketime 0.9.10 also takes over sleep and poll, and breaks both if the monotonic clock is to go on as it is.) */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t ahead(void) {
	const char *seconds = getenv("CLOCK_AHEAD");
	return seconds ? atoll(seconds) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *moment) {
	int failed = syscall(SYS_clock_gettime, clock, moment);
	if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) moment->tv_sec += ahead();
	return failed;
}

int gettimeofday(struct timeval *restrict moment, void *restrict zone) {
	struct timespec now;
	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
	moment->tv_sec = now.tv_sec;
	moment->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *seconds) {
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (seconds) *seconds = now.tv_sec;
	return now.tv_sec;
}

/* Waits until a moment of the wall clock, as multiprocessing does, wait until that of the machine. */
int sem_timedwait(sem_t *semaphore, const struct timespec *until) {
	static int (*wait)(sem_t *, const struct timespec *);
	struct timespec moment = *until;
	if (!wait) wait = (int (*)(sem_t *, const struct timespec *))dlsym(RTLD_NEXT, "sem_timedwait");
	moment.tv_sec -= ahead();
	return wait(semaphore, &moment);
}
