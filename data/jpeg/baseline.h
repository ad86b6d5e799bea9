// The decoder of baseline JPEG: gray or YCbCr in 4:4:4, 4:2:2 or 4:2:0, one scan. It does
// not handle damage: it refuses any unusual file, which libjpeg then decodes. Its output
// equals that of libjpeg-turbo bit for bit.
#ifndef DEPTHWISE_BASELINE_H
#define DEPTHWISE_BASELINE_H

#include "codec.h"
#include "kernels.h"

// Codes of up to this many bits take one table lookup. Larger tables evict each other from the cache.
enum { dw_look = 11 };

// Values of dw_code.run that end the block.
enum { dw_end_of_block = 128 };

// The code at the start of the next dw_look bits.
typedef struct {
	int16_t value;  // of the coefficient; for length 0: size << 8 | bits of the code, or 0 for an unknown code
	uint8_t length; // of the code and the value's bits together; 0 when they are more than dw_look
	uint8_t run;    // zeros before the coefficient
} dw_code;

// The whole coefficients in the next bits, to skip a block.
typedef struct {
	uint8_t length;  // bits
	uint8_t advance; // coefficients
	uint8_t ends;    // whether they end the block
} dw_leap;

typedef struct {
	dw_code codes[1 << dw_look];
	dw_leap leaps[1 << dw_look];   // for AC
	int32_t last[18], offset[18];  // per length: the last code or -1, and from code to value
	uint8_t bits[17], values[256]; // as in the file
	int dc, ready;
} dw_table;

// Bits of one scan: `bits` holds the next `count` of them, the first in the highest place.
typedef struct {
	const uint8_t *next;
	uint64_t bits;
	int count;
} dw_reader;

typedef struct {
	const dw_table *dc, *ac;
	uint16_t factors[64];      // of the coefficients in the file's order
	int across, down;          // blocks in an MCU
	int width, height;         // samples of the image
	int groups;                // of four blocks in a row of the part that is decoded
	int16_t *coefficients;     // of one row of MCUs: groups of four blocks, 8 rows of 32
	uint8_t *plane;            // samples: dw_kept rows of the MCU row above, then this one's
	size_t stride;
	int predicted;
} dw_component;

// Rows of samples that upsampling needs of the MCU row above.
enum { dw_kept = 2 };

typedef struct dw_baseline {
	dw_table dc[NUM_HUFF_TBLS], ac[NUM_HUFF_TBLS];
	dw_buffer scan;            // the compressed bytes without stuffing
	dw_buffer segments;        // uint32_t offsets in it: where each restart interval starts, and the end
	dw_buffer coefficients, planes, rows;
	dw_component component[3];
	int components, across, down;     // the largest of components' across and down
	int mcus_across, mcus_down;
	int interval;                     // MCUs between restarts, or the whole image
	int segment_count;
	int first_column, last_column;    // requested MCUs
	dw_reader reader;
	int at;                           // the MCU that comes next
	int side;                         // samples that a block becomes, across and down: 8, or 4 for half the size
	int x, y, width, height;          // the requested pixels, at the output size
	int image_width, image_height;    // of that size
} dw_baseline;

extern const uint8_t dw_places[64];

// Whether a baseline file of 8 bits can have the symbol.
int dw_known_symbol(int symbol, int dc);

// These functions return 0, or -1 if the decoder refuses the file.
int dw_table_build(dw_table *t, const JHUFF_TBL *from, int dc);
int dw_scan_read(dw_worker *w, dw_baseline *b, const uint8_t *data, size_t n);
int dw_scan_skip_to(dw_baseline *b, int mcu);
int dw_scan_decode(dw_baseline *b, int mcus);
int dw_scan_check(const dw_baseline *b, size_t spare_bits);

// Consumes a row of pixels: planes of red, green and blue, from column x on.
typedef void (*dw_take_row)(void *to, const uint8_t *const planes[3], int line);

// Decodes a region of the file whose header was read, of its full size (side 8) or of half
// (side 4): each block's 4x4 lowest frequencies, which differs from libjpeg's. Returns -1 if libjpeg must decode the file.
int dw_baseline_decode(struct dw_codec *c, int side, int x, int y, int width, int height, dw_take_row take, void *to);
void dw_baseline_free(dw_baseline *b);

#endif
