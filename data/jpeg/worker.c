// Memory and errors of a worker.
#include "worker.h"

#include <stdlib.h>
#include <string.h>

// So that a request for nothing has an address too.
enum { slack = 1 };

// A buffer that one giant image made is given back when the next image is ordinary.
static const size_t keep = 64 << 20;

uint8_t *dw_buffer_get(dw_buffer *b, size_t n) {
	if (n > SIZE_MAX / 2)
		return NULL;
	if (n + slack > b->capacity || (b->capacity > keep && n < keep / 4)) {
		free(b->data);
		b->capacity = n + n / 4 + slack;
		b->data = malloc(b->capacity);
		if (b->data == NULL)
			b->capacity = 0;
	}
	return b->data;
}

int dw_fail(dw_worker *w, const char *message) {
	strncpy(w->message, message, sizeof w->message - 1);
	w->message[sizeof w->message - 1] = 0;
	return -1;
}
