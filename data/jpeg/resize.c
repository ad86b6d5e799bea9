// Antialiased resize of RGB bytes by planes: the horizontal pass first, with
// rounding to bytes between the passes. Integer arithmetic gives the same result on every
// processor.
#include "kernels.h"

#include <string.h>

static size_t rounded_up(size_t n, size_t to) {
	return (n + to - 1) / to * to;
}

// Prepares a resize: w->x and w->y then hold the source pixels it needs.
int dw_resize_begin(dw_worker *w, dw_axis x, dw_axis y, int flip) {
	if (dw_filter_begin_windows(w, &w->x, x, flip) != 0 || dw_filter_begin(w, &w->y, y, 0) != 0)
		return -1;
	size_t columns = (size_t)(w->x.high - w->x.low), lines = (size_t)(w->y.high - w->y.low);
	w->half_stride = rounded_up(3 * (size_t)x.count, 64);
	if (dw_buffer_get(w, &w->half, w->half_stride * (lines + 2)) == NULL || // a pair's second row, and an output row
	    dw_buffer_get(w, &w->planes, 3 * (columns + dw_slack)) == NULL)
		return dw_fail(w, "out of memory");
	return 0;
}

// Takes source row `line`, whose planes point at column x.low. The three may be one.
void dw_resize_planes(dw_worker *w, const uint8_t *const planes[3], int line) {
	uint8_t *dst = w->half.data + w->half_stride * (size_t)(line - w->y.low);
	for (int c = 0; c < 3; c++, dst += w->x.count)
		w->kernels->horizontal(&w->x, planes[c], dst);
}

// Takes `count` source rows from number `first` on; rows point at column x.low.
void dw_resize_rows(dw_worker *w, const uint8_t *rows, size_t stride, int first, int count) {
	int columns = w->x.high - w->x.low;
	uint8_t *const planes[3] = {
		w->planes.data, w->planes.data + columns + dw_slack, w->planes.data + 2 * ((size_t)columns + dw_slack),
	};
	const uint8_t *const filled[3] = {planes[0], planes[1], planes[2]};
	for (int i = 0; i < count; i++, rows += stride) {
		w->kernels->split(rows, planes, columns);
		dw_resize_planes(w, filled, first + i);
	}
}

// Writes the result after all rows [y.low, y.high) were added.
void dw_resize_end(dw_worker *w, uint8_t *dst, size_t stride) {
	size_t columns = (size_t)w->x.count;
	uint8_t *row = w->half.data + w->half_stride * (size_t)(w->y.high - w->y.low + 1);
	const uint8_t *const planes[3] = {row, row + columns, row + 2 * columns};
	for (int i = 0; i < w->y.count; i++, dst += stride) {
		w->kernels->vertical(&w->y, i, w->half.data, w->half_stride, w->half_stride, row);
		w->kernels->join(planes, dst, w->x.count);
	}
}

int dw_resize_rgb(dw_worker *w, const uint8_t *src, int width, dw_axis x, dw_axis y, int flip, uint8_t *dst, size_t stride) {
	if (dw_resize_begin(w, x, y, flip) != 0)
		return -1;
	const uint8_t *first = src + 3 * ((size_t)w->y.low * (size_t)width + (size_t)w->x.low);
	dw_resize_rows(w, first, 3 * (size_t)width, w->y.low, w->y.high - w->y.low);
	dw_resize_end(w, dst, stride);
	return 0;
}
