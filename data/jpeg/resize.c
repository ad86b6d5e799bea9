// Antialiased bilinear resize of RGB bytes with the arithmetic of Pillow's
// Image.resize: a triangle filter as wide as the reduction, 22-bit fixed-point weights,
// the horizontal pass first, rounded to bytes between the passes. Integers make the
// result the same on every processor.
#include "worker.h"

#include <math.h>
#include <string.h>

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF // gcc in ISO mode does not fuse anyway
#endif

// Pillow's: 8 bits of pixel, 22 of weight and 2 to spare.
enum { precision = 22, half = 1 << (precision - 1) };

// The rounding errors of this many weights cannot reach the next byte value, so the
// sums need no clipping: 16384/2 * 255 < 2^21.
enum { max_taps = 16384 };

// Compiled for AVX2 as well where the loader can choose at run time.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

typedef int32_t int4 __attribute__((vector_size(16)));
typedef uint8_t byte4 __attribute__((vector_size(4)));

static double triangle(double x) {
	x = fabs(x);
	return x < 1 ? 1 - x : 0;
}

// The weights of one output pixel, which sum to one before they are rounded.
// Returns how many there are up to the last that is not zero.
static int weigh(dw_axis a, int output, int32_t *start, int32_t *weight) {
	double scale = (double)a.size / a.scaled, support = scale < 1 ? 1 : scale;
	double centre = (output + 0.5) * scale, total = 0;
	int low = (int)(centre - support + 0.5), high = (int)(centre + support + 0.5), taps = 0;
	low = low < 0 ? 0 : low;
	high = high > a.size ? a.size : high;
	for (int i = low; i < high; i++)
		total += triangle((i - centre + 0.5) * (1 / support));
	for (int i = low; i < high; i++) {
		double share = triangle((i - centre + 0.5) * (1 / support)) / total;
		weight[i - low] = (int32_t)(0.5 + share * (1 << precision));
		if (weight[i - low] != 0)
			taps = i - low + 1;
	}
	*start = a.origin + low;
	return taps;
}

static int filter_begin(dw_worker *w, dw_filter *f, dw_axis a, int flip) {
	double scale = (double)a.size / a.scaled;
	double widest = 2 * ceil(scale < 1 ? 1 : scale) + 1;
	if (widest > max_taps)
		return dw_fail(w, "reduced more than 8,000 times: too large for this resolution");
	f->stride = (int)widest;
	size_t n = (size_t)a.count;
	if (dw_buffer_get(&f->memory, n * (2 + (size_t)f->stride) * sizeof(int32_t)) == NULL)
		return dw_fail(w, "out of memory");
	f->start = (int32_t *)f->memory.data;
	f->taps = f->start + n;
	f->weight = f->taps + n;
	f->low = a.origin + a.size;
	f->high = a.origin;
	for (int i = 0; i < a.count; i++) {
		int output = a.first + (flip ? a.count - 1 - i : i);
		f->taps[i] = weigh(a, output, &f->start[i], f->weight + (size_t)i * f->stride);
		if (f->start[i] < f->low)
			f->low = f->start[i];
		if (f->start[i] + f->taps[i] > f->high)
			f->high = f->start[i] + f->taps[i];
	}
	return 0;
}

// Prepares a resize: afterwards w->x and w->y say which source pixels it needs.
int dw_resize_begin(dw_worker *w, dw_axis x, dw_axis y, int flip) {
	if (filter_begin(w, &w->x, x, flip) != 0 || filter_begin(w, &w->y, y, 0) != 0)
		return -1;
	size_t width = 3 * (size_t)x.count, rows = (size_t)(w->y.high - w->y.low);
	w->columns = x.count;
	w->lines = y.count;
	if (dw_buffer_get(&w->half, width * rows) == NULL ||
	    dw_buffer_get(&w->wide, (3 * (size_t)(w->x.high - w->x.low) + 1) * sizeof(int32_t)) == NULL ||
	    dw_buffer_get(&w->sums, (width + 1) * sizeof(int32_t)) == NULL)
		return dw_fail(w, "out of memory");
	return 0;
}

// One row: src points at the pixel of column x.low. wide takes it as integers, since
// a pixel of four can then be loaded at once (its fourth is the next pixel's red); sums
// takes the result before it is rounded. Both have room for one integer more.
FOR_EACH_PROCESSOR
static void horizontal(const dw_filter *f, int columns, const uint8_t *restrict src, int32_t *restrict wide, int32_t *restrict sums, uint8_t *restrict dst) {
	const int32_t *weight = f->weight;
	for (int i = 0; i < 3 * (f->high - f->low); i++)
		wide[i] = src[i];
	for (int i = 0; i < columns; i++, weight += f->stride) {
		const int32_t *pixel = wide + 3 * (f->start[i] - f->low);
		int4 sum = {half, half, half, half};
		for (int t = 0; t < f->taps[i]; t++, pixel += 3) {
			int4 rgb;
			memcpy(&rgb, pixel, sizeof rgb);
			sum += weight[t] * rgb;
		}
		memcpy(sums + 3 * i, &sum, sizeof sum);
	}
	for (int i = 0; i < 3 * columns; i++)
		dst[i] = (uint8_t)(sums[i] >> precision);
}

// One output row: the weighted sum of `taps` rows of n bytes.
FOR_EACH_PROCESSOR
static void vertical(const int32_t *weight, int taps, const uint8_t *rows, size_t n, int32_t *restrict sums, uint8_t *restrict dst) {
	for (size_t i = 0; i < n; i++)
		sums[i] = half;
	for (int t = 0; t < taps; t++, rows += n)
		for (size_t i = 0; i < n; i++)
			sums[i] += weight[t] * rows[i];
	for (size_t i = 0; i < n; i++)
		dst[i] = (uint8_t)(sums[i] >> precision);
}

// Takes `count` source rows from number `first` on; rows point at column x.low.
void dw_resize_rows(dw_worker *w, const uint8_t *rows, size_t stride, int first, int count) {
	size_t width = 3 * (size_t)w->columns;
	uint8_t *dst = w->half.data + width * (size_t)(first - w->y.low);
	for (int i = 0; i < count; i++, rows += stride, dst += width)
		horizontal(&w->x, w->columns, rows, (int32_t *)w->wide.data, (int32_t *)w->sums.data, dst);
}

// Writes the result, once all rows [y.low, y.high) were taken.
void dw_resize_end(dw_worker *w, uint8_t *dst, size_t stride) {
	size_t width = 3 * (size_t)w->columns;
	const dw_filter *f = &w->y;
	for (int i = 0; i < w->lines; i++, dst += stride) {
		const uint8_t *rows = w->half.data + width * (size_t)(f->start[i] - f->low);
		vertical(f->weight + (size_t)i * f->stride, f->taps[i], rows, width, (int32_t *)w->sums.data, dst);
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
