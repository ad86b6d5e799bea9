// Declarations shared by the two files of the AVX-512 variant.
#ifndef DEPTHWISE_KERNELS_AVX512_H
#define DEPTHWISE_KERNELS_AVX512_H

#include "kernels.h"

#include <immintrin.h>
#include <string.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")))

int dw_transform_avx512(int16_t *coefficients, uint8_t *dst, size_t stride);
int dw_transform_half_avx512(int16_t *coefficients, uint8_t *dst, size_t stride);
void dw_widen_avx512(const uint8_t *src, uint8_t *dst, int n);
void dw_widen_two_avx512(const uint8_t *near, const uint8_t *far, uint8_t *dst, int n);
void dw_color_avx512(const uint8_t *const ycc[3], uint8_t *const rgb[3], int n);

#endif
