// Operations that read neighbors or move pixels, with the pixels of torchvision's
// (transforms.v2, uint8 tensors).
#include "pixels.h"
#include "clones.h"

#include <string.h>

// src + rest * (blurred - src) inside; the border is copied. Blurred has weight 5 in the
// center and 1 around it, divided by 13 and rounded to the nearest.
DW_CLONES(void, dw_sharpen, (uint8_t *dst, const uint8_t *src, int width, int height, float rest),
          (dst, src, width, height, rest)) {
	size_t row = 3 * (size_t)width;
	memcpy(dst, src, row * (size_t)height);
	for (int y = 1; y < height - 1; y++) {
		const uint8_t *b = src + row * (size_t)y, *a = b - row, *c = b + row;
		uint8_t *out = dst + row * (size_t)y;
		for (size_t i = 3; i < row - 3; i++) {
			int sum = a[i - 3] + a[i] + a[i + 3] + b[i - 3] + 5 * b[i] + b[i + 3] + c[i - 3] + c[i] + c[i + 3];
			int blurred = (int)((unsigned)(2 * sum + 13) * 20165u >> 19); // divided by 26, exact up to 6643
			float v = (float)((double)b[i] + (double)rest * (double)(blurred - b[i]));
			out[i] = (uint8_t)(int)(v < 0 ? 0 : v > 255 ? 255 : v);
		}
	}
}

enum { chunk = 256 }; // pixels of a row that are processed at a time

// The nearest of a number below 2^22, halves to even.
DW_INLINE int nearest(float v) { return (int)((v + 12582912.f) - 12582912.f); }

// Finds the byte offset of the source of n pixels of a row, or -1 outside. m maps output to source, both
// relative to the center, the source in halves of the image: torchvision's _affine_grid, torch's grid_sample.
DW_INLINE void sources(int *offset, int first, int n, float y, int width, int height, const float *m) {
	float left = (1 - (float)width) * 0.5f, half_width = (float)width * 0.5f, half_height = (float)height * 0.5f;
	for (int i = 0; i < n; i++) {
		float x = left + (float)(first + i);
		float u = (x * m[0] + y * m[1]) + m[2], v = (x * m[3] + y * m[4]) + m[5];
		int sx = nearest((u + 1) * half_width - 0.5f), sy = nearest((v + 1) * half_height - 0.5f);
		int inside = (sx >= 0) & (sx < width) & (sy >= 0) & (sy < height);
		offset[i] = inside ? 3 * (sy * width + sx) : -1;
	}
}

DW_CLONES(void, dw_warp, (uint8_t *dst, const uint8_t *src, int width, int height, const float *m),
          (dst, src, width, height, m)) {
	int offset[chunk];
	for (int y = 0; y < height; y++) {
		for (int first = 0; first < width; first += chunk) {
			int n = width - first < chunk ? width - first : chunk;
			sources(offset, first, n, (1 - (float)height) * 0.5f + (float)y, width, height, m);
			for (int i = 0; i < n; i++, dst += 3) {
				static const uint8_t black[3];
				const uint8_t *from = offset[i] < 0 ? black : src + offset[i];
				dst[0] = from[0], dst[1] = from[1], dst[2] = from[2];
			}
		}
	}
}
