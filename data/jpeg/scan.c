// The compressed data of a scan: its restart intervals and its entropy decoding.
#include "baseline.h"

#include <string.h>

// Places of the coefficients as they come in the file, in a group of four blocks: rows of 32.
const uint8_t dw_places[64] = {
#define AT(natural) (natural) / 8 * 32 + (natural) % 8
	AT(0), AT(1), AT(8), AT(16), AT(9), AT(2), AT(3), AT(10), AT(17), AT(24), AT(32), AT(25), AT(18), AT(11), AT(4), AT(5),
	AT(12), AT(19), AT(26), AT(33), AT(40), AT(48), AT(41), AT(34), AT(27), AT(20), AT(13), AT(6), AT(7), AT(14), AT(21), AT(28),
	AT(35), AT(42), AT(49), AT(56), AT(57), AT(50), AT(43), AT(36), AT(29), AT(22), AT(15), AT(23), AT(30), AT(37), AT(44), AT(51),
	AT(58), AT(59), AT(52), AT(45), AT(38), AT(31), AT(39), AT(46), AT(53), AT(60), AT(61), AT(54), AT(47), AT(55), AT(62), AT(63),
#undef AT
};

// An MCU has at most 6 blocks of 64 codes of at most 27 bits: at most this is read beyond
// the end before dw_scan_decode detects it.
enum { beyond = 6 * 64 * 4 + 64 };

// Copies the scan without byte stuffing, and records the start of each restart interval.
// Any other marker ends it: if that is too early, bits will be missing.
int dw_scan_read(dw_worker *w, dw_baseline *b, const uint8_t *data, size_t n) {
	if (n > UINT32_MAX)
		return -1;
	int most = (b->mcus_across * b->mcus_down - 1) / b->interval + 1;
	uint8_t *out = dw_buffer_get(w, &b->scan, n + beyond);
	uint32_t *segment = (uint32_t *)dw_buffer_get(w, &b->segments, ((size_t)most + 1) * sizeof *segment);
	if (out == NULL || segment == NULL)
		return -1;
	const uint8_t *end = data + n;
	b->segment_count = 0;
	segment[b->segment_count++] = 0;
	for (;;) {
		const uint8_t *marker = memchr(data, 0xff, (size_t)(end - data));
		if (marker == NULL || end - marker < 2)
			return -1; // no end
		size_t plain = (size_t)(marker - data);
		memcpy(out, data, plain);
		out += plain;
		data = marker + 2;
		if (marker[1] == 0) {
			*out++ = 0xff;
			continue;
		}
		if (marker[1] < JPEG_RST0 || marker[1] > JPEG_RST0 + 7 || b->segment_count >= most)
			break;
		if (marker[1] != JPEG_RST0 + ((b->segment_count - 1) & 7))
			return -1;
		segment[b->segment_count++] = (uint32_t)(out - b->scan.data);
	}
	segment[b->segment_count] = (uint32_t)(out - b->scan.data);
	memset(out, 0, beyond);
	return 0;
}

static const uint8_t *segment_start(const dw_baseline *b, int i) {
	return b->scan.data + ((const uint32_t *)b->segments.data)[i];
}

static inline void fill(dw_reader *r) {
	uint64_t more;
	memcpy(&more, r->next, sizeof more);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	more = __builtin_bswap64(more);
#endif
	r->bits |= more >> r->count;
	r->next += (63 - r->count) >> 3;
	r->count |= 56;
}

static inline void eat(dw_reader *r, int n) {
	r->bits <<= n;
	r->count -= n;
}

typedef struct {
	int run, size, length; // run is -1 for an unknown code
} symbol;

// Finds the code that bits begin with when codes[] has no whole answer.
static __attribute__((noinline)) symbol find_symbol(uint64_t bits, const dw_table *t, dw_code c) {
	const symbol unknown = {-1, 0, 0};
	if (c.value != 0)
		return (symbol){c.run, c.value >> 8, c.value & 255};
	for (int length = dw_look + 1; length <= 16; length++) {
		int code = (int)(bits >> (64 - length));
		if (code > t->last[length])
			continue;
		if (code <= t->last[length] - t->bits[length])
			return unknown; // it begins with a shorter code
		int value = t->values[(code + t->offset[length]) & 255];
		if (!dw_known_symbol(value, t->dc))
			return unknown;
		if (t->dc)
			return (symbol){0, value, length};
		return (symbol){value == 0 ? dw_end_of_block : value >> 4, value & 15, length};
	}
	return unknown;
}

static inline int read_value(dw_reader *r, int size) {
	if (size == 0)
		return 0;
	int bits = (int)(r->bits >> (64 - size));
	eat(r, size);
	return bits < 1 << (size - 1) ? bits - (1 << size) + 1 : bits;
}

static inline int read_dc(dw_reader *r, const dw_table *t, int *bad) {
	fill(r);
	dw_code c = t->codes[r->bits >> (64 - dw_look)];
	if (__builtin_expect(c.length != 0, 1)) {
		eat(r, c.length);
		return c.value;
	}
	symbol found = find_symbol(r->bits, t, c);
	*bad |= found.run < 0;
	eat(r, found.length);
	return read_value(r, found.size);
}

// Reads one code of AC: its run; *value is what follows it.
static inline int read_ac(dw_reader *r, const dw_table *t, int *value) {
	dw_code c = t->codes[r->bits >> (64 - dw_look)];
	if (__builtin_expect(c.length != 0, 1)) {
		eat(r, c.length);
		*value = c.value;
		return c.run;
	}
	symbol found = find_symbol(r->bits, t, c);
	eat(r, found.length);
	*value = read_value(r, found.size);
	return found.run;
}

// One block's AC coefficients. The block ends at the end-of-block code or after 64; a
// run that leads beyond is damage, as is an unknown code.
static inline void read_block(dw_reader *r, const dw_table *t, const uint16_t *factors, int16_t *block, int *bad) {
	int k = 1;
	while (k < 64) {
		fill(r);
		for (int twice = 0; twice < 2 && k < 64; twice++) { // at most 52 bits
			int value, run = read_ac(r, t, &value);
			k += run;
			if (run < 0 || k > 63) {
				*bad |= run != dw_end_of_block;
				return;
			}
			block[dw_places[k]] = (int16_t)(value * factors[k]);
			k++;
		}
	}
}

static inline void skip_block(dw_reader *r, const dw_table *t, int *bad) {
	int k = 1;
	while (k < 64) {
		fill(r);
		for (int twice = 0; twice < 2 && k < 64; twice++) {
			dw_leap l = t->leaps[r->bits >> (64 - dw_look)];
			if (l.length != 0 && k + l.advance <= 63) {
				eat(r, l.length);
				k += l.advance;
				if (l.ends)
					return;
				continue;
			}
			int value, run = read_ac(r, t, &value);
			k += run + 1;
			if (run < 0 || k > 64) {
				*bad |= run != dw_end_of_block;
				return;
			}
		}
	}
}

// Bits that were taken from the current segment.
static int64_t taken(const dw_baseline *b, int segment) {
	return (b->reader.next - segment_start(b, segment)) * 8 - b->reader.count;
}

// Fails unless the last segment that was read from had as many bits as were taken, and
// no more than spare_bits beyond.
int dw_scan_check(const dw_baseline *b, size_t spare_bits) {
	int segment = (b->at - 1) / b->interval;
	int64_t bits = (segment_start(b, segment + 1) - segment_start(b, segment)) * 8, used = taken(b, segment);
	return used <= bits && (uint64_t)(bits - used) <= spare_bits ? 0 : -1;
}

static int open_segment(dw_baseline *b, int segment) {
	if (segment >= b->segment_count)
		return -1;
	b->reader = (dw_reader){.next = segment_start(b, segment)};
	b->at = segment * b->interval;
	for (int k = 0; k < b->components; k++)
		b->component[k].predicted = 0;
	return 0;
}

// At the end of an interval at most the filling of its last byte is left.
static int next_segment(dw_baseline *b) {
	if (b->at > 0 && dw_scan_check(b, 7) != 0)
		return -1;
	return open_segment(b, b->at / b->interval);
}

static int ran_out(const dw_baseline *b) {
	return b->reader.next > segment_start(b, b->at / b->interval + 1) + 8;
}

// A limit for sums of differences that no image exceeds, far below an overflow.
static inline int out_of_range(int predicted) {
	return predicted > 1 << 15 || predicted < -(1 << 15);
}

int dw_scan_skip_to(dw_baseline *b, int mcu) {
	if (b->at == 0 || mcu / b->interval > (b->at - 1) / b->interval) {
		if (b->at > 0 && dw_scan_check(b, SIZE_MAX) != 0)
			return -1;
		if (open_segment(b, mcu / b->interval) != 0)
			return -1;
	}
	int bad = 0;
	dw_reader r = b->reader;
	for (; b->at < mcu && !bad; b->at++) {
		for (int k = 0; k < b->components; k++) {
			dw_component *c = &b->component[k];
			for (int i = 0; i < c->across * c->down; i++) {
				c->predicted += read_dc(&r, c->dc, &bad);
				skip_block(&r, c->ac, &bad);
			}
			bad |= out_of_range(c->predicted);
		}
		b->reader = r;
		bad |= ran_out(b);
	}
	return -bad;
}

int dw_scan_decode(dw_baseline *b, int mcus) {
	int bad = 0;
	for (int x = 0; x < mcus; x++, b->at++) {
		if (b->at % b->interval == 0 && next_segment(b) != 0)
			return -1;
		dw_reader r = b->reader;
		for (int k = 0; k < b->components; k++) {
			dw_component *c = &b->component[k];
			for (int v = 0; v < c->down; v++)
				for (int h = 0; h < c->across; h++) {
					int column = x * c->across + h;
					int16_t *block = c->coefficients + ((size_t)(v * c->groups + column / 4)) * 256 + column % 4 * 8;
					c->predicted += read_dc(&r, c->dc, &bad);
					block[0] = (int16_t)(c->predicted * c->factors[0]);
					read_block(&r, c->ac, c->factors, block, &bad);
				}
			bad |= out_of_range(c->predicted);
		}
		b->reader = r;
		if (bad || ran_out(b))
			return -1;
	}
	return 0;
}
