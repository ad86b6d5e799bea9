// Memory and errors of a worker.
#include "worker.h"

#include <stdlib.h>
#include <string.h>

// A buffer above this size is freed before the next image of common size.
static const size_t keep = 64 << 20;

uint8_t *dw_buffer_get(dw_worker *w, dw_buffer *b, size_t n) {
	if (n > SIZE_MAX / 4)
		return NULL;
	if (b->data == NULL || n > b->capacity || (b->capacity > keep && n < keep / 4)) {
		dw_buffer_free(b);
		size_t capacity = n + n / 4;
		uint8_t *all = calloc(1, capacity + 2 * dw_slack); // cleared, so that no result depends on old content
		if (all == NULL)
			return NULL;
		w->allocations++;
		b->data = all + dw_slack;
		b->capacity = capacity;
	}
	return b->data;
}

void dw_buffer_free(dw_buffer *b) {
	if (b->data != NULL)
		free(b->data - dw_slack);
	b->data = NULL;
	b->capacity = 0;
}

int dw_fail(dw_worker *w, const char *message) {
	strncpy(w->message, message, sizeof w->message - 1);
	w->message[sizeof w->message - 1] = 0;
	return -1;
}
