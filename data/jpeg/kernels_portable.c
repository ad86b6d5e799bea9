// The inner loops in portable C: the reference for the other variants.
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

// One pass of the inverse DCT over 8 numbers that lie step apart.
static void transform_8(int32_t *x, int step, int shift) {
	int32_t z1 = (x[2 * step] + x[6 * step]) * dw_0_541196100;
	int32_t t2 = z1 - x[6 * step] * dw_1_847759065, t3 = z1 + x[2 * step] * dw_0_765366865;
	int32_t t0 = (x[0] + x[4 * step]) * (1 << 13), t1 = (x[0] - x[4 * step]) * (1 << 13);
	int32_t even[4] = {t0 + t3, t1 + t2, t1 - t2, t0 - t3};
	int32_t o0 = x[7 * step], o1 = x[5 * step], o2 = x[3 * step], o3 = x[step];
	int32_t z5 = (o0 + o1 + o2 + o3) * dw_1_175875602;
	int32_t z3 = z5 - (o0 + o2) * dw_1_961570560, z4 = z5 - (o1 + o3) * dw_0_390180644;
	int32_t a = (o0 + o3) * dw_0_899976223, b = (o1 + o2) * dw_2_562915447;
	int32_t odd[4] = {
		o3 * dw_1_501321110 - a + z4, o2 * dw_3_072711026 - b + z3,
		o1 * dw_2_053119869 - b + z4, o0 * dw_0_298631336 - a + z3,
	};
	for (int i = 0; i < 4; i++) {
		x[i * step] = (even[i] + odd[i] + (1 << (shift - 1))) >> shift;
		x[(7 - i) * step] = (even[i] - odd[i] + (1 << (shift - 1))) >> shift;
	}
}

// One pass of the inverse DCT over the first 4 of 8 numbers.
static void transform_4(int32_t *x, int step, int shift) {
	int32_t even[2] = {(x[0] + x[2 * step]) * dw_one, (x[0] - x[2 * step]) * dw_one};
	int32_t odd[2] = {
		x[step] * dw_1_306562965 + x[3 * step] * dw_0_541196100,
		x[step] * dw_0_541196100 - x[3 * step] * dw_1_306562965,
	};
	for (int i = 0; i < 2; i++) {
		x[i * step] = (even[i] + odd[i] + (1 << (shift - 1))) >> shift;
		x[(3 - i) * step] = (even[i] - odd[i] + (1 << (shift - 1))) >> shift;
	}
}

// Processes the coefficients of a block. Returns -1 if they are out of range.
static int take(int16_t *coefficients, int32_t x[64]) {
	int32_t sum = 0;
	for (int i = 0; i < 64; i++) {
		int16_t *c = &coefficients[i / 8 * 32 + i % 8];
		x[i] = *c;
		sum += *c < 0 ? -*c : *c;
		*c = 0;
	}
	return sum > dw_most_sum ? -1 : 0;
}

static int transform(int16_t *coefficients, uint8_t *dst, size_t stride) {
	int bad = 0;
	for (int block = 0; block < 4; block++, coefficients += 8, dst += 8) {
		int32_t x[64];
		if (take(coefficients, x) != 0) {
			bad = -1;
			continue;
		}
		for (int i = 0; i < 8; i++)
			transform_8(x + i, 8, 11);
		for (int i = 0; i < 8; i++)
			transform_8(x + 8 * i, 1, 18);
		for (int i = 0; i < 64; i++)
			dst[(size_t)(i / 8) * stride + i % 8] = dw_clip(x[i] + 128);
	}
	return bad;
}

static int transform_half(int16_t *coefficients, uint8_t *dst, size_t stride) {
	int bad = 0;
	for (int block = 0; block < 4; block++, coefficients += 8, dst += 4) {
		int32_t x[64];
		if (take(coefficients, x) != 0) {
			bad = -1;
			continue;
		}
		for (int i = 0; i < 4; i++)
			transform_4(x + i, 8, 11);
		for (int i = 0; i < 4; i++)
			transform_4(x + 8 * i, 1, 18);
		for (int i = 0; i < 16; i++)
			dst[(size_t)(i / 4) * stride + i % 4] = dw_clip(x[i / 4 * 8 + i % 4] + 128);
	}
	return bad;
}

static void widen(const uint8_t *src, uint8_t *dst, int n) {
	for (int i = 0; i < n; i++) {
		dst[2 * i] = (uint8_t)((3 * src[i] + src[i - 1] + 1) >> 2);
		dst[2 * i + 1] = (uint8_t)((3 * src[i] + src[i + 1] + 2) >> 2);
	}
}

static void widen_two(const uint8_t *near, const uint8_t *far, uint8_t *dst, int n) {
	int before = 3 * near[-1] + far[-1], here = 3 * near[0] + far[0];
	for (int i = 0; i < n; i++) {
		int after = 3 * near[i + 1] + far[i + 1];
		dst[2 * i] = (uint8_t)((3 * here + before + 8) >> 4);
		dst[2 * i + 1] = (uint8_t)((3 * here + after + 7) >> 4);
		before = here;
		here = after;
	}
}

// The factors are libjpeg's (jdcolor.c): 1.40200, 0.34414, 0.71414, 1.77200 times 2^16.
static void color(const uint8_t *const ycc[3], uint8_t *const rgb[3], int n) {
	for (int i = 0; i < n; i++) {
		int y = ycc[0][i], cb = ycc[1][i] - 128, cr = ycc[2][i] - 128;
		rgb[0][i] = dw_clip(y + ((91881 * cr + 32768) >> 16));
		rgb[1][i] = dw_clip(y + ((-22554 * cb - 46802 * cr + 32768) >> 16));
		rgb[2][i] = dw_clip(y + ((116130 * cb + 32768) >> 16));
	}
}

const dw_kernels dw_kernels_portable = {
	.name = "portable", .horizontal = horizontal, .vertical = vertical, .split = split, .join = join,
	.transform = transform, .transform_half = transform_half, .widen = widen, .widen_two = widen_two, .color = color,
};
