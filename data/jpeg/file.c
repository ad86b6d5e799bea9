// Reads a file without a Go allocation, and never waits for the writer of a FIFO.
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(dw_worker *w, int fd, size_t size) {
	w->read = 0;
	while (w->read < size) {
		ssize_t got = read(fd, w->file.data + w->read, size - w->read);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno;
		if (got == 0) // the file shrank since fstat
			break;
		w->read += (size_t)got;
	}
	return 0;
}

static int read_regular(dw_worker *w, int fd, int64_t limit) {
	struct stat info;
	if (fstat(fd, &info) != 0)
		return errno;
	if (!S_ISREG(info.st_mode))
		return dw_not_regular;
	if (info.st_size > limit)
		return dw_too_large;
	if (dw_buffer_get(w, &w->file, (size_t)info.st_size) == NULL)
		return ENOMEM;
	return read_all(w, fd, (size_t)info.st_size);
}

int dw_read_file(dw_worker *w, const char *path, int64_t limit) {
	int fd;
	do
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return errno;
	int result = read_regular(w, fd, limit);
	close(fd);
	return result;
}
