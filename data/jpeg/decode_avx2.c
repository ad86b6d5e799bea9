// The decoder's inner loops for AVX2.
#ifdef __x86_64__
#include "kernels_avx2.h"

AVX2 static inline __m256i load(const int16_t *from) {
	return _mm256_loadu_si256((const __m256i *)from);
}

// Two factors for pairs of 16-bit numbers.
AVX2 static inline __m256i pair(int a, int b) {
	return _mm256_set1_epi32((int32_t)((uint32_t)(uint16_t)a | (uint32_t)(uint16_t)b << 16));
}

// One pass of the inverse DCT down the columns of 8 rows, in 16 and 32 bits as libjpeg-turbo's jidctint for AVX2.
AVX2 static inline void transform_rows(__m256i x[8], int shift) {
	const __m256i zero = _mm256_setzero_si256(), rounding = _mm256_set1_epi32(1 << (shift - 1));
	const __m256i z3 = _mm256_add_epi16(x[7], x[3]), z4 = _mm256_add_epi16(x[5], x[1]);
	const __m256i sum = _mm256_add_epi16(x[0], x[4]), difference = _mm256_sub_epi16(x[0], x[4]);
	__m256i out[2][8];
#define BOTH(a, b) (half ? _mm256_unpackhi_epi16(a, b) : _mm256_unpacklo_epi16(a, b))
	for (int half = 0; half < 2; half++) {
		__m256i p26 = BOTH(x[2], x[6]), p71 = BOTH(x[7], x[1]), p53 = BOTH(x[5], x[3]), p34 = BOTH(z3, z4);
		__m256i t2 = _mm256_madd_epi16(p26, pair(dw_0_541196100, dw_0_541196100 - dw_1_847759065));
		__m256i t3 = _mm256_madd_epi16(p26, pair(dw_0_541196100 + dw_0_765366865, dw_0_541196100));
		__m256i t0 = _mm256_add_epi32(_mm256_srai_epi32(BOTH(zero, sum), 3), rounding);
		__m256i t1 = _mm256_add_epi32(_mm256_srai_epi32(BOTH(zero, difference), 3), rounding);
		__m256i even[4] = {_mm256_add_epi32(t0, t3), _mm256_add_epi32(t1, t2), _mm256_sub_epi32(t1, t2), _mm256_sub_epi32(t0, t3)};
		__m256i a = _mm256_madd_epi16(p34, pair(dw_1_175875602 - dw_1_961570560, dw_1_175875602));
		__m256i b = _mm256_madd_epi16(p34, pair(dw_1_175875602, dw_1_175875602 - dw_0_390180644));
		__m256i odd[4] = {
			_mm256_add_epi32(b, _mm256_madd_epi16(p71, pair(-dw_0_899976223, dw_1_501321110 - dw_0_899976223))),
			_mm256_add_epi32(a, _mm256_madd_epi16(p53, pair(-dw_2_562915447, dw_3_072711026 - dw_2_562915447))),
			_mm256_add_epi32(b, _mm256_madd_epi16(p53, pair(dw_2_053119869 - dw_2_562915447, -dw_2_562915447))),
			_mm256_add_epi32(a, _mm256_madd_epi16(p71, pair(dw_0_298631336 - dw_0_899976223, -dw_0_899976223))),
		};
		for (int i = 0; i < 4; i++) {
			out[half][i] = _mm256_srai_epi32(_mm256_add_epi32(even[i], odd[i]), shift);
			out[half][7 - i] = _mm256_srai_epi32(_mm256_sub_epi32(even[i], odd[i]), shift);
		}
	}
#undef BOTH
	for (int i = 0; i < 8; i++)
		x[i] = _mm256_packs_epi32(out[0][i], out[1][i]);
}

// Transposes two blocks of 8x8.
AVX2 static inline void transpose(__m256i x[8]) {
	__m256i a[8], b[8];
	for (int i = 0; i < 4; i++) {
		a[2 * i] = _mm256_unpacklo_epi16(x[2 * i], x[2 * i + 1]);
		a[2 * i + 1] = _mm256_unpackhi_epi16(x[2 * i], x[2 * i + 1]);
	}
	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 2; k++) {
			b[4 * i + 2 * k] = _mm256_unpacklo_epi32(a[4 * i + k], a[4 * i + 2 + k]);
			b[4 * i + 2 * k + 1] = _mm256_unpackhi_epi32(a[4 * i + k], a[4 * i + 2 + k]);
		}
	for (int i = 0; i < 4; i++) {
		x[2 * i] = _mm256_unpacklo_epi64(b[i], b[i + 4]);
		x[2 * i + 1] = _mm256_unpackhi_epi64(b[i], b[i + 4]);
	}
}

// Whether the absolute coefficients of one of the blocks sum up to more than dw_most_sum.
AVX2 static inline int beyond_range(const __m256i x[8]) {
	__m256i sum = _mm256_abs_epi16(x[0]); // of -32768 it is 32768, as an unsigned number
	for (int i = 1; i < 8; i++)
		sum = _mm256_adds_epu16(sum, _mm256_abs_epi16(x[i]));
	sum = _mm256_min_epu16(sum, _mm256_set1_epi16(32767));
	sum = _mm256_madd_epi16(sum, _mm256_set1_epi16(1));
	sum = _mm256_add_epi32(sum, _mm256_shuffle_epi32(sum, 0x4e));
	sum = _mm256_add_epi32(sum, _mm256_shuffle_epi32(sum, 0xb1));
	return _mm256_movemask_epi8(_mm256_cmpgt_epi32(sum, _mm256_set1_epi32(dw_most_sum)));
}

// Two of the four blocks.
AVX2 static int transform_two(int16_t *coefficients, uint8_t *dst, size_t stride) {
	__m256i x[8];
	for (int i = 0; i < 8; i++) {
		x[i] = load(coefficients + 32 * i);
		_mm256_storeu_si256((__m256i *)(coefficients + 32 * i), _mm256_setzero_si256());
	}
	if (beyond_range(x))
		return -1;
	transform_rows(x, 11);
	transpose(x);
	transform_rows(x, 18);
	transpose(x);
	for (int i = 0; i < 8; i += 2) {
		__m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(x[i], x[i + 1]), 0xd8);
		bytes = _mm256_xor_si256(bytes, _mm256_set1_epi8(-128));
		_mm_storeu_si128((__m128i *)(dst + stride * (size_t)i), _mm256_castsi256_si128(bytes));
		_mm_storeu_si128((__m128i *)(dst + stride * (size_t)(i + 1)), _mm256_extracti128_si256(bytes, 1));
	}
	return 0;
}

AVX2 int dw_transform_avx2(int16_t *coefficients, uint8_t *dst, size_t stride) {
	int first = transform_two(coefficients, dst, stride), second = transform_two(coefficients + 16, dst + 16, stride);
	return first | second;
}

// One pass over the four lowest frequencies of blocks of 4x4, two rows in a register: from (0 1)
// and (2 3) to columns in the same positions.
AVX2 static inline void transform_4(__m256i x[2], __m256i p02, __m256i p13, int shift) {
	const __m256i rounding = _mm256_set1_epi32(1 << (shift - 1));
	__m256i even[2] = {_mm256_madd_epi16(p02, pair(dw_one, dw_one)), _mm256_madd_epi16(p02, pair(dw_one, -dw_one))};
	__m256i odd[2] = {
		_mm256_madd_epi16(p13, pair(dw_1_306562965, dw_0_541196100)),
		_mm256_madd_epi16(p13, pair(dw_0_541196100, -dw_1_306562965)),
	};
	__m256i out[4];
	for (int i = 0; i < 2; i++) {
		even[i] = _mm256_add_epi32(even[i], rounding);
		out[i] = _mm256_srai_epi32(_mm256_add_epi32(even[i], odd[i]), shift);
		out[3 - i] = _mm256_srai_epi32(_mm256_sub_epi32(even[i], odd[i]), shift);
	}
	__m256i a = _mm256_packs_epi32(out[0], out[1]), b = _mm256_packs_epi32(out[2], out[3]);
	__m256i low = _mm256_unpacklo_epi16(a, b), high = _mm256_unpackhi_epi16(a, b);
	x[0] = _mm256_unpacklo_epi16(low, high);
	x[1] = _mm256_unpackhi_epi16(low, high);
}

// Two of the four blocks.
AVX2 static int transform_half_two(int16_t *coefficients, uint8_t *dst, size_t stride) {
	__m256i x[8];
	for (int i = 0; i < 8; i++) {
		x[i] = load(coefficients + 32 * i);
		_mm256_storeu_si256((__m256i *)(coefficients + 32 * i), _mm256_setzero_si256());
	}
	if (beyond_range(x))
		return -1;
	__m256i y[2];
	transform_4(y, _mm256_unpacklo_epi16(x[0], x[2]), _mm256_unpacklo_epi16(x[1], x[3]), 11);
	transform_4(y, _mm256_unpacklo_epi16(y[0], y[1]), _mm256_unpackhi_epi16(y[0], y[1]), 18);
	__m256i bytes = _mm256_xor_si256(_mm256_packs_epi16(y[0], y[1]), _mm256_set1_epi8(-128));
	for (int i = 0; i < 4; i++, bytes = _mm256_srli_si256(bytes, 4)) { // a row of each block
		int32_t first = _mm256_extract_epi32(bytes, 0), second = _mm256_extract_epi32(bytes, 4);
		memcpy(dst + stride * (size_t)i, &first, sizeof first);
		memcpy(dst + stride * (size_t)i + 4, &second, sizeof second);
	}
	return 0;
}

AVX2 int dw_transform_half_avx2(int16_t *coefficients, uint8_t *dst, size_t stride) {
	int first = transform_half_two(coefficients, dst, stride), second = transform_half_two(coefficients + 16, dst + 8, stride);
	return first | second;
}

AVX2 static inline __m256i wide(const uint8_t *src) {
	return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)src));
}

AVX2 static inline __m256i times_3(__m256i x) {
	return _mm256_add_epi16(x, _mm256_add_epi16(x, x));
}

// Interleaves even and odd samples.
AVX2 static inline void weave(__m256i even, __m256i odd, int shift, uint8_t *dst) {
	even = _mm256_srli_epi16(even, shift);
	odd = _mm256_srli_epi16(odd, shift);
	_mm256_storeu_si256((__m256i *)dst, _mm256_or_si256(even, _mm256_slli_epi16(odd, 8)));
}

AVX2 void dw_widen_avx2(const uint8_t *src, uint8_t *dst, int n) {
	const __m256i one = _mm256_set1_epi16(1), two = _mm256_set1_epi16(2);
	for (int i = 0; i < n; i += 16) {
		__m256i here = times_3(wide(src + i));
		weave(_mm256_add_epi16(_mm256_add_epi16(here, wide(src + i - 1)), one),
		      _mm256_add_epi16(_mm256_add_epi16(here, wide(src + i + 1)), two), 2, dst + 2 * i);
	}
}

AVX2 void dw_widen_two_avx2(const uint8_t *near, const uint8_t *far, uint8_t *dst, int n) {
	const __m256i eight = _mm256_set1_epi16(8), seven = _mm256_set1_epi16(7);
	for (int i = 0; i < n; i += 16) {
		__m256i here = times_3(_mm256_add_epi16(times_3(wide(near + i)), wide(far + i)));
		__m256i before = _mm256_add_epi16(times_3(wide(near + i - 1)), wide(far + i - 1));
		__m256i after = _mm256_add_epi16(times_3(wide(near + i + 1)), wide(far + i + 1));
		weave(_mm256_add_epi16(_mm256_add_epi16(here, before), eight),
		      _mm256_add_epi16(_mm256_add_epi16(here, after), seven), 4, dst + 2 * i);
	}
}

AVX2 static inline void store_bytes(uint8_t *dst, __m256i x) {
	x = _mm256_permute4x64_epi64(_mm256_packus_epi16(x, x), 0xd8);
	_mm_storeu_si128((__m128i *)dst, _mm256_castsi256_si128(x));
}

// libjpeg-turbo's jdcolext for AVX2: 0.40200 and -0.22800 times 2^16 beside whole multiples of Cr and Cb.
AVX2 void dw_color_avx2(const uint8_t *const ycc[3], uint8_t *const rgb[3], int n) {
	const __m256i center = _mm256_set1_epi16(128), one = _mm256_set1_epi16(1), half = _mm256_set1_epi32(1 << 15);
	const __m256i red = _mm256_set1_epi16(26345), blue = _mm256_set1_epi16(-14942), green = pair(-22554, 18734);
	for (int i = 0; i < n; i += 16) {
		__m256i y = wide(ycc[0] + i), cb = _mm256_sub_epi16(wide(ycc[1] + i), center), cr = _mm256_sub_epi16(wide(ycc[2] + i), center);
		__m256i cb2 = _mm256_add_epi16(cb, cb), cr2 = _mm256_add_epi16(cr, cr);
		__m256i r = _mm256_srai_epi16(_mm256_add_epi16(_mm256_mulhi_epi16(cr2, red), one), 1);
		__m256i b = _mm256_srai_epi16(_mm256_add_epi16(_mm256_mulhi_epi16(cb2, blue), one), 1);
		__m256i low = _mm256_madd_epi16(_mm256_unpacklo_epi16(cb, cr), green), high = _mm256_madd_epi16(_mm256_unpackhi_epi16(cb, cr), green);
		low = _mm256_srai_epi32(_mm256_add_epi32(low, half), 16);
		high = _mm256_srai_epi32(_mm256_add_epi32(high, half), 16);
		__m256i g = _mm256_sub_epi16(_mm256_packs_epi32(low, high), cr);
		store_bytes(rgb[0] + i, _mm256_add_epi16(y, _mm256_add_epi16(cr, r)));
		store_bytes(rgb[1] + i, _mm256_add_epi16(y, g));
		store_bytes(rgb[2] + i, _mm256_add_epi16(y, _mm256_add_epi16(cb2, b)));
	}
}
#endif
