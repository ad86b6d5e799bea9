// Declarations shared by the two files of the AVX2 variant.
#ifndef DEPTHWISE_KERNELS_AVX2_H
#define DEPTHWISE_KERNELS_AVX2_H

#include "kernels.h"

#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2")))

int dw_transform_avx2(int16_t *coefficients, uint8_t *dst, size_t stride);
int dw_transform_half_avx2(int16_t *coefficients, uint8_t *dst, size_t stride);
void dw_widen_avx2(const uint8_t *src, uint8_t *dst, int n);
void dw_widen_two_avx2(const uint8_t *near, const uint8_t *far, uint8_t *dst, int n);
void dw_color_avx2(const uint8_t *const ycc[3], uint8_t *const rgb[3], int n);

#endif
