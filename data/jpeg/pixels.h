// Operations on images of interleaved RGB bytes, without padding between rows. They
// allocate nothing and cannot fail.
#ifndef DEPTHWISE_PIXELS_H
#define DEPTHWISE_PIXELS_H

#include <stddef.h>
#include <stdint.h>

void dw_map(uint8_t *image, size_t pixels, const uint8_t *tables);     // tables: 3 of 256
void dw_histogram(const uint8_t *image, size_t pixels, uint32_t *counts); // counts: 3 of 256, added to
uint64_t dw_gray_sum(const uint8_t *image, size_t pixels);
void dw_saturate(uint8_t *image, size_t pixels, float ratio, float rest);
void dw_hue(uint8_t *image, size_t pixels, float shift);
void dw_sharpen(uint8_t *dst, const uint8_t *src, int width, int height, float rest);
void dw_warp(uint8_t *dst, const uint8_t *src, int width, int height, const float *m);
void dw_mix(uint8_t *dst, const uint8_t *other, size_t bytes, float share);

#endif
