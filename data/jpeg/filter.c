// The weights of torchvision's antialiased resize of byte tensors, PyTorch's
// upsample_avx_bilinear_bicubic_uint8: a triangle or a cubic as wide as the reduction, with
// 16-bit weights that share the largest scale at which they fit.
#include "kernels.h"

#include <math.h>
#include <string.h>

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF // gcc in ISO mode does not fuse anyway
#endif

// With this many weights the sums cannot overflow. The absolute values of a cubic's weights
// add up to less than 1.5: 1.5 * 2^22 * 255 + 16384/2 * 255 < 2^31.
enum { max_taps = 16384 };

// The limit of PyTorch.
enum { max_precision = 22 };

// Weights are read by registers of up to this many.
enum { weights_at_once = 32 };

typedef struct {
	double scale, support, inverse, offset;
	double (*at)(double); // the filter's value at a distance, in pixels of the smaller image
} shape;

static double triangle(double x) {
	return x < 1 ? 1 - x : 0;
}

// Keys' cubic with a = -0.5, the antialiasing one of PyTorch and Pillow.
static double cubic(double x) {
	const double a = -0.5;
	if (x < 1)
		return ((a + 2) * x - (a + 3)) * x * x + 1;
	return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

static shape shape_of(dw_axis a) {
	double scale = (a.extent > 0 ? a.extent : (double)a.size) / a.scaled, wider = scale < 1 ? 1 : scale;
	double radius = a.filter == dw_bicubic ? 2 : 1;
	return (shape){scale, radius * wider, 1 / wider, a.offset, a.filter == dw_bicubic ? cubic : triangle};
}

// Computes the weights of one output pixel, which sum to one. Returns their number; the first is that of pixel *low.
static int weigh(shape f, int size, int output, int *low, double *restrict weight) {
	double center = f.offset + f.scale * (output + 0.5), total = 0;
	int from = (int)(center - f.support + 0.5), to = (int)(center + f.support + 0.5);
	from = from < 0 ? 0 : from;
	to = to > size ? size : to;
	int n = to - from;
	for (int j = 0; j < n; j++) {
		weight[j] = f.at(fabs((j + from - center + 0.5) * f.inverse));
		total += weight[j];
	}
	for (int j = 0; j < n; j++)
		weight[j] /= total;
	*low = from;
	return n;
}

static double largest(const double *weight, int n, double so_far) {
	for (int j = 0; j < n; j++)
		if (weight[j] > so_far)
			so_far = weight[j];
	return so_far;
}

// The bits after the point: the most at which the largest weight of the axis fits.
static int precision_of(double weight) {
	int precision = 0;
	while (precision < max_precision && (int)(0.5 + weight * (1 << (precision + 1))) < 1 << 15)
		precision++;
	return precision;
}

// The largest weight of the outputs outside the window, which PyTorch includes.
static double largest_elsewhere(shape f, dw_axis a, double *scratch, double so_far) {
	if (f.scale < 1 && f.at == triangle)
		return 1; // the first pixel of an enlargement has one source
	for (int i = 0; i < a.scaled; i++) {
		if (i == a.first)
			i += a.count;
		if (i < a.scaled) {
			int low, n = weigh(f, a.size, i, &low, scratch);
			so_far = largest(scratch, n, so_far);
		}
	}
	return so_far;
}

static size_t rounded_up(size_t n, size_t to) {
	return (n + to - 1) / to * to;
}

// Allocates the tables of a filter.
static int reserve(dw_worker *w, dw_filter *f, int widest) {
	size_t lanes = w->kernels->lanes > 0 ? (size_t)w->kernels->lanes : 1, n = rounded_up((size_t)f->count, lanes);
	f->stride = (int)rounded_up((size_t)widest, weights_at_once);
	f->most_pairs = (widest + 1) / 2;
	f->groups = (int)(n / lanes);
	size_t doubles = (n + 1) * (size_t)widest * sizeof(double), weights = n * (size_t)f->stride * sizeof(int16_t);
	size_t windows = (n * (4 + (size_t)f->most_pairs)) * sizeof(int32_t);
	if (dw_buffer_get(w, &f->memory, weights + windows) == NULL || dw_buffer_get(w, &w->scratch, doubles) == NULL)
		return dw_fail(w, "out of memory");
	f->weight = (int16_t *)f->memory.data;
	f->start = (int32_t *)(f->memory.data + weights);
	f->taps = f->start + n;
	f->index = f->taps + n;
	f->base = f->index + n;
	f->pairs = f->base + n / lanes * (lanes > 1 ? lanes / (size_t)w->kernels->sharing : 1);
	f->pair_weight = f->index + 2 * n;
	memset(f->weight, 0, weights);
	return 0;
}

// Rounds the weights, and drops trailing ones that round to zero.
static void round_weights(dw_filter *f, const double *exact, int widest) {
	f->low = f->start[0];
	f->high = 0;
	for (int i = 0; i < f->count; i++, exact += widest) {
		int16_t *weight = f->weight + (size_t)i * f->stride;
		int taps = 0;
		for (int t = 0; t < f->taps[i]; t++) {
			weight[t] = (int16_t)((exact[t] < 0 ? -0.5 : 0.5) + exact[t] * (1 << f->precision));
			if (weight[t] != 0)
				taps = t + 1;
		}
		f->taps[i] = taps;
		if (f->start[i] < f->low)
			f->low = f->start[i];
		if (f->start[i] + taps > f->high)
			f->high = f->start[i] + taps;
	}
}

// One window: `sharing` outputs from number i on that read source bytes near each
// other. index picks an output's two pixels, as 16-bit numbers, from the window's bytes.
static void make_window(dw_filter *f, int i, int sharing, int32_t *base) {
	int n = f->count - i < sharing ? f->count - i : sharing;
	int low = n > 0 ? f->start[i] : f->low, high = low;
	for (int k = 1; k < n; k++) {
		low = f->start[i + k] < low ? f->start[i + k] : low;
		high = f->start[i + k] > high ? f->start[i + k] : high;
	}
	if (high - low + 2 > f->span)
		f->span = high - low + 2;
	*base = low - f->low;
	for (int k = 0; k < sharing; k++) {
		uint32_t at = k < n ? (uint32_t)(f->start[i + k] - low) & 0x7f : 0;
		f->index[i + k] = (int32_t)(at | 0x80u << 8 | (at + 1) << 16 | 0x80u << 24);
	}
}

// Makes the tables of the horizontal pass: windows, and the weights in pairs of two
// taps, a register of outputs for each pair. f->span stays 0 when a window is too long.
static void make_windows(dw_filter *f, const dw_kernels *k) {
	f->span = 0;
	int windows = 0;
	for (int i = 0; i < f->groups * k->lanes; i += k->sharing)
		make_window(f, i, k->sharing, &f->base[windows++]);
	if (f->span > k->reach) {
		f->span = 0;
		return;
	}
	int32_t *out = f->pair_weight;
	for (int g = 0; g < f->groups; g++, out += k->lanes * f->most_pairs) {
		int most = 1;
		for (int i = g * k->lanes; i < (g + 1) * k->lanes && i < f->count; i++)
			most = f->taps[i] > most ? f->taps[i] : most;
		f->pairs[g] = (most + 1) / 2;
		for (int t = 0; t < f->pairs[g]; t++)
			for (int lane = 0; lane < k->lanes; lane++) {
				int i = g * k->lanes + lane;
				int32_t pair = 0;
				if (i < f->count)
					memcpy(&pair, f->weight + (size_t)i * f->stride + 2 * t, sizeof pair);
				out[k->lanes * t + lane] = pair;
			}
	}
}

int dw_filter_begin(dw_worker *w, dw_filter *f, dw_axis a, int flip) {
	shape s = shape_of(a);
	double most = 2 * ceil(s.support) + 1;
	if (most > max_taps)
		return dw_fail(w, a.filter == dw_bicubic ? "reduced more than 4,000 times: too large for this resolution"
												 : "reduced more than 8,000 times: too large for this resolution");
	int widest = (int)most;
	f->count = a.count;
	if (reserve(w, f, widest) != 0)
		return -1;
	double *exact = (double *)w->scratch.data, top = 0;
	for (int i = 0; i < a.count; i++) {
		int output = a.first + (flip ? a.count - 1 - i : i), low;
		double *weight = exact + (size_t)i * (size_t)widest;
		f->taps[i] = weigh(s, a.size, output, &low, weight);
		f->start[i] = a.origin + low;
		top = largest(weight, f->taps[i], top);
	}
	if (a.count < a.scaled)
		top = largest_elsewhere(s, a, exact + (size_t)a.count * (size_t)widest, top);
	f->precision = precision_of(top);
	round_weights(f, exact, widest);
	return 0;
}

int dw_filter_begin_windows(dw_worker *w, dw_filter *f, dw_axis a, int flip) {
	if (dw_filter_begin(w, f, a, flip) != 0)
		return -1;
	if (w->kernels->lanes > 0)
		make_windows(f, w->kernels);
	return 0;
}
