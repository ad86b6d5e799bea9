// Color operations with the pixels of torchvision's (transforms.v2, uint8 tensors). torch
// uses fused multiply-adds: in double precision the products and sums that occur here are
// exact, so rounding them to float gives the same result on every processor.
#include "pixels.h"
#include "clones.h"

#include <string.h>

#if DW_X86
#include <immintrin.h>

// Bytes 3i+c of an image are looked up in table c. 64 bytes at a time, each in all three
// tables, of which a mask keeps the right one; the masks repeat every three vectors.
__attribute__((target("avx512f,avx512bw,avx512vbmi"))) static size_t map_vbmi(uint8_t *image, size_t bytes, const uint8_t *tables) {
	__m512i t[12];
	for (int i = 0; i < 12; i++)
		t[i] = _mm512_loadu_si512(tables + 64 * i);
	const uint64_t every_third = 0x9249249249249249; // bits 0, 3, ... 63
	size_t at = 0;
	for (int phase = 0; at + 64 <= bytes; at += 64, phase = (phase + 1) % 3) { // 64 = 21*3 + 1
		__m512i v = _mm512_loadu_si512(image + at), out = _mm512_setzero_si512();
		__mmask64 high = _mm512_movepi8_mask(v);
		for (int c = 0; c < 3; c++) {
			__m512i low_half = _mm512_permutex2var_epi8(t[4 * c], v, t[4 * c + 1]);
			__m512i high_half = _mm512_permutex2var_epi8(t[4 * c + 2], v, t[4 * c + 3]);
			__m512i found = _mm512_mask_blend_epi8(high, low_half, high_half);
			out = _mm512_mask_blend_epi8(every_third << ((c + 2 * phase) % 3), out, found);
		}
		_mm512_storeu_si512(image + at, out);
	}
	return at;
}
#endif

void dw_map(uint8_t *image, size_t pixels, const uint8_t *tables) {
	size_t at = 0, bytes = 3 * pixels;
#if DW_X86
	if (dw_level() == dw_avx512)
		at = map_vbmi(image, bytes, tables);
#endif
	for (size_t c = at % 3; at < bytes; at++, c = c == 2 ? 0 : c + 1)
		image[at] = tables[256 * c + image[at]];
}

void dw_histogram(const uint8_t *image, size_t pixels, uint32_t *counts) {
	uint32_t other[3 * 256] = {0}; // of every second pixel: equal neighbors do not depend on each other
	size_t i = 0;
	for (; i + 2 <= pixels; i += 2, image += 6) {
		counts[image[0]]++, counts[256 + image[1]]++, counts[512 + image[2]]++;
		other[image[3]]++, other[256 + image[4]]++, other[512 + image[5]]++;
	}
	if (i < pixels)
		counts[image[0]]++, counts[256 + image[1]]++, counts[512 + image[2]]++;
	for (int v = 0; v < 3 * 256; v++)
		counts[v] += other[v];
}

enum { block = 256 }; // pixels that are worked on at a time, plane by plane

typedef struct {
	float c[3][block];
} planes;

DW_INLINE void load(planes *p, const uint8_t *image, int n) {
	for (int i = 0; i < n; i++) {
		p->c[0][i] = image[3 * i];
		p->c[1][i] = image[3 * i + 1];
		p->c[2][i] = image[3 * i + 2];
	}
}

DW_INLINE void store(const planes *p, uint8_t *image, int n) {
	for (int i = 0; i < n; i++) {
		image[3 * i] = (uint8_t)(int)p->c[0][i];
		image[3 * i + 1] = (uint8_t)(int)p->c[1][i];
		image[3 * i + 2] = (uint8_t)(int)p->c[2][i];
	}
}

// a + b*c, rounded once.
DW_INLINE float add_product(float a, float b, float c) { return (float)((double)a + (double)b * (double)c); }

DW_INLINE float clamp(float v, float high) { return v < 0 ? 0 : v > high ? high : v; }

// ITU-R 601's luma, as torchvision's _rgb_to_grayscale_image, rounded down.
DW_INLINE float gray(float r, float g, float b) {
	return (float)(int)add_product(add_product(r * 0.2989f, g, 0.587f), b, 0.114f);
}

DW_CLONES(uint64_t, dw_gray_sum, (const uint8_t *image, size_t pixels), (image, pixels)) {
	uint64_t sum = 0;
	planes p;
	for (size_t at = 0; at < pixels; at += block) {
		int n = (int)(pixels - at < block ? pixels - at : block), part = 0;
		load(&p, image + 3 * at, n);
		for (int i = 0; i < n; i++)
			part += (int)gray(p.c[0][i], p.c[1][i], p.c[2][i]);
		sum += (uint64_t)part;
	}
	return sum;
}

// ratio * image + rest * gray.
DW_CLONES(void, dw_saturate, (uint8_t *image, size_t pixels, float ratio, float rest),
          (image, pixels, ratio, rest)) {
	planes p;
	for (size_t at = 0; at < pixels; at += block) {
		int n = (int)(pixels - at < block ? pixels - at : block);
		load(&p, image + 3 * at, n);
		for (int i = 0; i < n; i++) {
			float l = gray(p.c[0][i], p.c[1][i], p.c[2][i]);
			for (int c = 0; c < 3; c++)
				p.c[c][i] = clamp(add_product(p.c[c][i] * ratio, rest, l), 255);
		}
		store(&p, image + 3 * at, n);
	}
}

// a where the condition is 1, b where it is 0. Compilers do not vectorize some chains of ?:.
DW_INLINE float either(int condition, float a, float b) { return condition ? a : b; }

// Pixel i of _rgb_to_hsv, the hue's addition, and _hsv_to_rgb.
DW_INLINE void shift_hue(planes *px, int i, float shift) {
	float r = px->c[0][i] * (1 / 255.f), g = px->c[1][i] * (1 / 255.f), b = px->c[2][i] * (1 / 255.f);
	float high = either(r > g, r, g), low = either(r < g, r, g);
	high = either(high > b, high, b);
	low = either(low < b, low, b);
	float range = high - low, divisor = either(range == 0, 1, range);
	float s = range / either(range == 0, 1, high);
	float rc = (high - r) / divisor, gc = (high - g) / divisor, bc = (high - b) / divisor;
	float h = either(high == g, (rc + 2) - bc, (gc + 4) - rc);
	h = either(high == r, bc - gc, h);
	h = h * (1 / 6.f) + 1;
	h = (h - (float)(int)h) + shift;
	h = h - (float)(int)h;
	h = either(h < 0, h + 1, h) * 6;

	int sector = (int)h;
	float f = h - (float)sector, sf = s * f, white = 1 - s;
	float q = clamp((1 - sf) * high, 1), t = clamp((sf + white) * high, 1), p = clamp(white * high, 1);
	sector = sector == 6 ? 0 : sector;
	float red = either(sector == 1, q, either(sector == 4, t, p));
	float green = either(sector == 3, q, either(sector == 0, t, p));
	float blue = either(sector == 5, q, either(sector == 2, t, p));
	px->c[0][i] = either((sector == 0) | (sector == 5), high, red) * 255.999f; // torchvision's to_dtype
	px->c[1][i] = either((sector == 1) | (sector == 2), high, green) * 255.999f;
	px->c[2][i] = either((sector == 3) | (sector == 4), high, blue) * 255.999f;
}

DW_CLONES(void, dw_hue, (uint8_t *image, size_t pixels, float shift), (image, pixels, shift)) {
	planes p;
	for (size_t at = 0; at < pixels; at += block) {
		int n = (int)(pixels - at < block ? pixels - at : block);
		load(&p, image + 3 * at, n);
		for (int i = 0; i < n; i++)
			shift_hue(&p, i, shift);
		store(&p, image + 3 * at, n);
	}
}

// lambda * dst + (1 - lambda) * other, rounded to the nearest.
DW_CLONES(void, dw_mix, (uint8_t *dst, const uint8_t *other, size_t bytes, float share),
          (dst, other, bytes, share)) {
	float rest = 1 - share;
	for (size_t i = 0; i < bytes; i++)
		dst[i] = (uint8_t)(int)(share * (float)dst[i] + rest * (float)other[i] + 0.5f);
}
