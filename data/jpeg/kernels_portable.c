// The inner loops in plain C: the reference for the other forms.
#include "kernels.h"

static void horizontal(const dw_filter *f, const uint8_t *row, uint8_t *dst) {
	for (int i = 0; i < f->count; i++) {
		const uint8_t *pixel = row + (f->start[i] - f->low);
		const int16_t *weight = f->weight + (size_t)i * f->stride;
		int32_t sum = 1 << (f->precision - 1);
		for (int t = 0; t < f->taps[i]; t++)
			sum += weight[t] * pixel[t];
		dst[i] = dw_clip(sum >> f->precision);
	}
}

static void vertical(const dw_filter *f, int i, const uint8_t *rows, size_t stride, size_t n, uint8_t *dst) {
	enum { chunk = 64 };
	const int16_t *weight = f->weight + (size_t)i * f->stride;
	rows += (size_t)(f->start[i] - f->low) * stride;
	for (size_t at = 0; at < n; at += chunk, rows += chunk, dst += chunk) {
		int32_t sums[chunk];
		for (int k = 0; k < chunk; k++)
			sums[k] = 1 << (f->precision - 1);
		for (int t = 0; t < f->taps[i]; t++)
			for (int k = 0; k < chunk; k++)
				sums[k] += weight[t] * rows[stride * (size_t)t + k];
		for (int k = 0; k < chunk; k++)
			dst[k] = dw_clip(sums[k] >> f->precision);
	}
}

static void split(const uint8_t *rgb, uint8_t *const planes[3], int n) {
	for (int i = 0; i < n; i++)
		for (int c = 0; c < 3; c++)
			planes[c][i] = rgb[3 * i + c];
}

static void join(const uint8_t *const planes[3], uint8_t *rgb, int n) {
	for (int i = 0; i < n; i++)
		for (int c = 0; c < 3; c++)
			rgb[3 * i + c] = planes[c][i];
}

const dw_kernels dw_kernels_portable = {
	.name = "portable", .horizontal = horizontal, .vertical = vertical, .split = split, .join = join,
};
