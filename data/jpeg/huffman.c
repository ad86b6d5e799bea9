// Tables for Huffman codes.
#include "baseline.h"

#include <string.h>

// 8-bit samples give differences of at most 11 bits and coefficients of at most 10 bits.
enum { most_dc_bits = 11, most_ac_bits = 10 };

enum { longest = 16, zeros = 0xf0 };

// What the bits after a code of size s mean.
static int value_of(int bits, int s) {
	return bits < 1 << (s - 1) ? bits - (1 << s) + 1 : bits;
}

int dw_known_symbol(int symbol, int dc) {
	if (dc)
		return symbol <= most_dc_bits;
	return symbol == 0 || symbol == zeros || ((symbol & 15) >= 1 && (symbol & 15) <= most_ac_bits);
}

// Fills the entries that begin with a code of `length` bits.
static void fill(dw_table *t, int code, int length, int symbol) {
	int run = t->dc ? 0 : symbol >> 4, size = t->dc ? symbol : symbol & 15, rest = dw_look - length;
	for (int i = 0; i < 1 << rest; i++) {
		dw_code *c = &t->codes[(code << rest) + i];
		c->run = (uint8_t)run;
		if (!t->dc && symbol == 0) {
			*c = (dw_code){0, (uint8_t)length, dw_end_of_block};
		} else if (size <= rest) {
			c->length = (uint8_t)(length + size);
			c->value = (int16_t)(size == 0 ? 0 : value_of(i >> (rest - size), size));
		} else {
			c->value = (int16_t)(size << 8 | length);
		}
	}
}

static void fill_leaps(dw_table *t) {
	enum { all = (1 << dw_look) - 1, most = 60 };
	for (int i = 0; i <= all; i++) {
		dw_leap l = {0, 0, 0};
		while (!l.ends && l.advance <= most) {
			dw_code c = t->codes[i << l.length & all];
			if (c.length == 0 || l.length + c.length > dw_look)
				break;
			l.length = (uint8_t)(l.length + c.length);
			l.ends = c.run == dw_end_of_block;
			if (!l.ends)
				l.advance = (uint8_t)(l.advance + c.run + 1);
		}
		t->leaps[i] = l;
	}
}

// Assigns the codes, shortest first, as in annex C of the standard. As in libjpeg, the code
// of ones only must be unused, and DC has no symbol above 15.
static int assign(dw_table *t) {
	int code = 0, k = 0;
	for (int length = 1; length <= longest; length++, code <<= 1) {
		int n = t->bits[length];
		if (n > 0 && code + n >= 1 << length)
			return -1;
		t->offset[length] = k - code;
		for (int i = 0; i < n; i++, k++, code++) {
			if (t->dc && t->values[k] > 15)
				return -1;
			if (length <= dw_look && dw_known_symbol(t->values[k], t->dc))
				fill(t, code, length, t->values[k]);
		}
		t->last[length] = n > 0 ? code - 1 : -1;
	}
	return 0;
}

int dw_table_build(dw_table *t, const JHUFF_TBL *from, int dc) {
	if (from == NULL)
		return -1;
	int n = 0;
	for (int length = 1; length <= longest; length++)
		n += from->bits[length];
	if (n > 256)
		return -1;
	if (t->ready && t->dc == dc && memcmp(t->bits + 1, from->bits + 1, longest) == 0 && memcmp(t->values, from->huffval, (size_t)n) == 0)
		return 0; // as in the file before
	t->ready = 0;
	t->dc = dc;
	memcpy(t->bits, from->bits, sizeof t->bits);
	memcpy(t->values, from->huffval, sizeof t->values);
	memset(t->codes, 0, sizeof t->codes);
	if (assign(t) != 0)
		return -1;
	if (!dc)
		fill_leaps(t);
	t->ready = 1;
	return 0;
}
