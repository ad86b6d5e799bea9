// The decoder's inner loops for AVX-512.
#ifdef __x86_64__
#include "kernels_avx512.h"

// Two factors for pairs of 16-bit numbers.
AVX512 static inline __m512i pair(int a, int b) {
	return _mm512_set1_epi32((int32_t)((uint32_t)(uint16_t)a | (uint32_t)(uint16_t)b << 16));
}

// One pass of the inverse DCT down the columns of 8 rows, in 16 and 32 bits as libjpeg-turbo's jidctint for AVX2.
AVX512 static inline void transform_rows(__m512i x[8], int shift) {
	const __m512i zero = _mm512_setzero_si512(), rounding = _mm512_set1_epi32(1 << (shift - 1));
	const __m512i z3 = _mm512_add_epi16(x[7], x[3]), z4 = _mm512_add_epi16(x[5], x[1]);
	const __m512i sum = _mm512_add_epi16(x[0], x[4]), difference = _mm512_sub_epi16(x[0], x[4]);
	__m512i out[2][8];
#define BOTH(a, b) (half ? _mm512_unpackhi_epi16(a, b) : _mm512_unpacklo_epi16(a, b))
	for (int half = 0; half < 2; half++) {
		__m512i p26 = BOTH(x[2], x[6]), p71 = BOTH(x[7], x[1]), p53 = BOTH(x[5], x[3]), p34 = BOTH(z3, z4);
		__m512i t2 = _mm512_madd_epi16(p26, pair(dw_0_541196100, dw_0_541196100 - dw_1_847759065));
		__m512i t3 = _mm512_madd_epi16(p26, pair(dw_0_541196100 + dw_0_765366865, dw_0_541196100));
		__m512i t0 = _mm512_add_epi32(_mm512_srai_epi32(BOTH(zero, sum), 3), rounding);
		__m512i t1 = _mm512_add_epi32(_mm512_srai_epi32(BOTH(zero, difference), 3), rounding);
		__m512i even[4] = {_mm512_add_epi32(t0, t3), _mm512_add_epi32(t1, t2), _mm512_sub_epi32(t1, t2), _mm512_sub_epi32(t0, t3)};
		__m512i a = _mm512_madd_epi16(p34, pair(dw_1_175875602 - dw_1_961570560, dw_1_175875602));
		__m512i b = _mm512_madd_epi16(p34, pair(dw_1_175875602, dw_1_175875602 - dw_0_390180644));
		__m512i odd[4] = {
			_mm512_dpwssd_epi32(b, p71, pair(-dw_0_899976223, dw_1_501321110 - dw_0_899976223)),
			_mm512_dpwssd_epi32(a, p53, pair(-dw_2_562915447, dw_3_072711026 - dw_2_562915447)),
			_mm512_dpwssd_epi32(b, p53, pair(dw_2_053119869 - dw_2_562915447, -dw_2_562915447)),
			_mm512_dpwssd_epi32(a, p71, pair(dw_0_298631336 - dw_0_899976223, -dw_0_899976223)),
		};
		for (int i = 0; i < 4; i++) {
			out[half][i] = _mm512_srai_epi32(_mm512_add_epi32(even[i], odd[i]), shift);
			out[half][7 - i] = _mm512_srai_epi32(_mm512_sub_epi32(even[i], odd[i]), shift);
		}
	}
#undef BOTH
	for (int i = 0; i < 8; i++)
		x[i] = _mm512_packs_epi32(out[0][i], out[1][i]);
}

// Transposes the four blocks of 8x8.
AVX512 static inline void transpose(__m512i x[8]) {
	__m512i a[8], b[8];
	for (int i = 0; i < 4; i++) {
		a[2 * i] = _mm512_unpacklo_epi16(x[2 * i], x[2 * i + 1]);
		a[2 * i + 1] = _mm512_unpackhi_epi16(x[2 * i], x[2 * i + 1]);
	}
	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 2; k++) {
			b[4 * i + 2 * k] = _mm512_unpacklo_epi32(a[4 * i + k], a[4 * i + 2 + k]);
			b[4 * i + 2 * k + 1] = _mm512_unpackhi_epi32(a[4 * i + k], a[4 * i + 2 + k]);
		}
	for (int i = 0; i < 4; i++) {
		x[2 * i] = _mm512_unpacklo_epi64(b[i], b[i + 4]);
		x[2 * i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 4]);
	}
}

// Whether the absolute coefficients of one of the blocks sum up to more than dw_most_sum.
AVX512 static inline int beyond_range(const __m512i x[8]) {
	__m512i sum = _mm512_abs_epi16(x[0]); // of -32768 it is 32768, as an unsigned number
	for (int i = 1; i < 8; i++)
		sum = _mm512_adds_epu16(sum, _mm512_abs_epi16(x[i]));
	sum = _mm512_min_epu16(sum, _mm512_set1_epi16(32767));
	sum = _mm512_madd_epi16(sum, _mm512_set1_epi16(1));
	sum = _mm512_add_epi32(sum, _mm512_shuffle_epi32(sum, 0x4e));
	sum = _mm512_add_epi32(sum, _mm512_shuffle_epi32(sum, 0xb1));
	return _mm512_cmpgt_epi32_mask(sum, _mm512_set1_epi32(dw_most_sum)) != 0;
}

AVX512 int dw_transform_avx512(int16_t *coefficients, uint8_t *dst, size_t stride) {
	__m512i x[8];
	for (int i = 0; i < 8; i++) {
		x[i] = _mm512_loadu_si512(coefficients + 32 * i);
		_mm512_storeu_si512(coefficients + 32 * i, _mm512_setzero_si512());
	}
	if (beyond_range(x))
		return -1;
	transform_rows(x, 11);
	transpose(x);
	transform_rows(x, 18);
	transpose(x);
	for (int i = 0; i < 8; i++) {
		__m256i bytes = _mm256_xor_si256(_mm512_cvtsepi16_epi8(x[i]), _mm256_set1_epi8(-128));
		_mm256_storeu_si256((__m256i *)(dst + stride * (size_t)i), bytes);
	}
	return 0;
}

// One pass over the four lowest frequencies of blocks of 4x4, two rows in a register: from (0 1)
// and (2 3) to columns in the same positions.
AVX512 static inline void transform_4(__m512i x[2], __m512i p02, __m512i p13, int shift) {
	const __m512i rounding = _mm512_set1_epi32(1 << (shift - 1));
	__m512i even[2] = {_mm512_madd_epi16(p02, pair(dw_one, dw_one)), _mm512_madd_epi16(p02, pair(dw_one, -dw_one))};
	__m512i odd[2] = {
		_mm512_madd_epi16(p13, pair(dw_1_306562965, dw_0_541196100)),
		_mm512_madd_epi16(p13, pair(dw_0_541196100, -dw_1_306562965)),
	};
	__m512i out[4];
	for (int i = 0; i < 2; i++) {
		even[i] = _mm512_add_epi32(even[i], rounding);
		out[i] = _mm512_srai_epi32(_mm512_add_epi32(even[i], odd[i]), shift);
		out[3 - i] = _mm512_srai_epi32(_mm512_sub_epi32(even[i], odd[i]), shift);
	}
	__m512i a = _mm512_packs_epi32(out[0], out[1]), b = _mm512_packs_epi32(out[2], out[3]);
	__m512i low = _mm512_unpacklo_epi16(a, b), high = _mm512_unpackhi_epi16(a, b);
	x[0] = _mm512_unpacklo_epi16(low, high);
	x[1] = _mm512_unpackhi_epi16(low, high);
}

AVX512 int dw_transform_half_avx512(int16_t *coefficients, uint8_t *dst, size_t stride) {
	__m512i x[8];
	for (int i = 0; i < 8; i++) {
		x[i] = _mm512_loadu_si512(coefficients + 32 * i);
		_mm512_storeu_si512(coefficients + 32 * i, _mm512_setzero_si512());
	}
	if (beyond_range(x))
		return -1;
	__m512i y[2];
	transform_4(y, _mm512_unpacklo_epi16(x[0], x[2]), _mm512_unpacklo_epi16(x[1], x[3]), 11);
	transform_4(y, _mm512_unpacklo_epi16(y[0], y[1]), _mm512_unpackhi_epi16(y[0], y[1]), 18);
	const __m256i order = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7); // of two rows from four blocks
	for (int i = 0; i < 2; i++) {
		__m256i bytes = _mm256_xor_si256(_mm512_cvtsepi16_epi8(y[i]), _mm256_set1_epi8(-128));
		bytes = _mm256_permutevar8x32_epi32(bytes, order);
		_mm_storeu_si128((__m128i *)(dst + stride * (size_t)(2 * i)), _mm256_castsi256_si128(bytes));
		_mm_storeu_si128((__m128i *)(dst + stride * (size_t)(2 * i + 1)), _mm256_extracti128_si256(bytes, 1));
	}
	return 0;
}

AVX512 static inline __m512i wide(const uint8_t *src) {
	return _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)src));
}

AVX512 static inline __m512i times_3(__m512i x) {
	return _mm512_add_epi16(x, _mm512_add_epi16(x, x));
}

// Interleaves even and odd samples.
AVX512 static inline void weave(__m512i even, __m512i odd, int shift, uint8_t *dst) {
	even = _mm512_srli_epi16(even, (unsigned)shift);
	odd = _mm512_srli_epi16(odd, (unsigned)shift);
	_mm512_storeu_si512(dst, _mm512_or_si512(even, _mm512_slli_epi16(odd, 8)));
}

AVX512 void dw_widen_avx512(const uint8_t *src, uint8_t *dst, int n) {
	const __m512i one = _mm512_set1_epi16(1), two = _mm512_set1_epi16(2);
	for (int i = 0; i < n; i += 32) {
		__m512i here = times_3(wide(src + i));
		weave(_mm512_add_epi16(_mm512_add_epi16(here, wide(src + i - 1)), one),
		      _mm512_add_epi16(_mm512_add_epi16(here, wide(src + i + 1)), two), 2, dst + 2 * i);
	}
}

AVX512 void dw_widen_two_avx512(const uint8_t *near, const uint8_t *far, uint8_t *dst, int n) {
	const __m512i eight = _mm512_set1_epi16(8), seven = _mm512_set1_epi16(7);
	for (int i = 0; i < n; i += 32) {
		__m512i here = times_3(_mm512_add_epi16(times_3(wide(near + i)), wide(far + i)));
		__m512i before = _mm512_add_epi16(times_3(wide(near + i - 1)), wide(far + i - 1));
		__m512i after = _mm512_add_epi16(times_3(wide(near + i + 1)), wide(far + i + 1));
		weave(_mm512_add_epi16(_mm512_add_epi16(here, before), eight),
		      _mm512_add_epi16(_mm512_add_epi16(here, after), seven), 4, dst + 2 * i);
	}
}

AVX512 static inline void store_bytes(uint8_t *dst, __m512i x) {
	_mm256_storeu_si256((__m256i *)dst, _mm512_cvtusepi16_epi8(_mm512_max_epi16(x, _mm512_setzero_si512())));
}

// libjpeg-turbo's jdcolext for AVX2: 0.40200 and -0.22800 times 2^16 beside whole multiples of Cr and Cb.
AVX512 void dw_color_avx512(const uint8_t *const ycc[3], uint8_t *const rgb[3], int n) {
	const __m512i center = _mm512_set1_epi16(128), one = _mm512_set1_epi16(1), half = _mm512_set1_epi32(1 << 15);
	const __m512i red = _mm512_set1_epi16(26345), blue = _mm512_set1_epi16(-14942), green = pair(-22554, 18734);
	for (int i = 0; i < n; i += 32) {
		__m512i y = wide(ycc[0] + i), cb = _mm512_sub_epi16(wide(ycc[1] + i), center), cr = _mm512_sub_epi16(wide(ycc[2] + i), center);
		__m512i cb2 = _mm512_add_epi16(cb, cb), cr2 = _mm512_add_epi16(cr, cr);
		__m512i r = _mm512_srai_epi16(_mm512_add_epi16(_mm512_mulhi_epi16(cr2, red), one), 1);
		__m512i b = _mm512_srai_epi16(_mm512_add_epi16(_mm512_mulhi_epi16(cb2, blue), one), 1);
		__m512i low = _mm512_madd_epi16(_mm512_unpacklo_epi16(cb, cr), green), high = _mm512_madd_epi16(_mm512_unpackhi_epi16(cb, cr), green);
		low = _mm512_srai_epi32(_mm512_add_epi32(low, half), 16);
		high = _mm512_srai_epi32(_mm512_add_epi32(high, half), 16);
		__m512i g = _mm512_sub_epi16(_mm512_packs_epi32(low, high), cr);
		store_bytes(rgb[0] + i, _mm512_add_epi16(y, _mm512_add_epi16(cr, r)));
		store_bytes(rgb[1] + i, _mm512_add_epi16(y, g));
		store_bytes(rgb[2] + i, _mm512_add_epi16(y, _mm512_add_epi16(cb2, b)));
	}
}
#endif
