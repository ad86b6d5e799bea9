// The C API of package jpeg. A dw_worker holds all memory that a decoding goroutine reuses
// from image to image, so that the steady state allocates nothing.
#ifndef DEPTHWISE_WORKER_H
#define DEPTHWISE_WORKER_H

#include <stddef.h>
#include <stdint.h>

// A buffer that grows on demand and is kept between images. It has dw_slack additional
// bytes before and after its capacity.
enum { dw_slack = 256 };
typedef struct {
	uint8_t *data;
	size_t capacity;
} dw_buffer;

// An arena: allocations are freed together (see arena.c).
typedef struct {
	uint8_t *data;
	size_t capacity, used;
	size_t wanted;      // since the last reset
	struct block *more; // what did not fit
} dw_arena;

// The filters of a resize.
enum { dw_bilinear, dw_bicubic };

// One axis of a resize. The source pixels [origin, origin+size) become `scaled`
// pixels, of which [first, first+count) are written.
typedef struct {
	int origin, size, scaled, first, count;
	int filter;
	double offset, extent; // start of the region within its first pixel, and its length if that is not an integer
} dw_axis;

// The weights of one axis: output i is the sum over t < taps[i] of
// weight[i*stride+t] * source[start[i]+t], in fixed point with `precision` bits after
// the point. The other fields are the horizontal pass's windows (see filter.c).
typedef struct {
	int count, precision, stride;
	int low, high; // the source pixels [low, high) that the outputs need
	int16_t *weight;
	int32_t *start, *taps;
	int groups, most_pairs, span; // registers of outputs; pairs of taps; bytes in a window, or 0
	int32_t *index, *base, *pairs, *pair_weight;
	dw_buffer memory;
} dw_filter;

typedef struct dw_kernels dw_kernels;

typedef struct {
	struct dw_codec *codec;     // libjpeg's state
	struct dw_baseline *baseline; // our decoder's state, or NULL: libjpeg decodes all files
	const dw_kernels *kernels;  // the inner loops for this processor
	dw_buffer file;             // the current file
	dw_buffer rows;             // decoded rows, input of the resize
	dw_buffer planes;           // one row, color by color
	dw_buffer half;             // rows after the horizontal pass
	dw_buffer scratch;          // weights before they are rounded
	dw_filter x, y;
	size_t half_stride;         // of `half`, in bytes
	uint64_t allocations;       // of memory by C, so far
	uint64_t own, by_libjpeg;   // images decoded by each decoder
	size_t read;                // bytes in `file`
	int width, height;          // of the current header
	char message[256];          // of the last error
} dw_worker;

// The largest image: Pillow's MAX_IMAGE_PIXELS, and the longest side of a JPEG header.
enum { dw_max_pixels = 89478485, dw_max_side = 65535 };

dw_worker *dw_worker_new(void);
void dw_worker_free(dw_worker *w);
const char *dw_isa(const dw_worker *w); // the name of its inner loops

// The functions below return 0, or -1 with worker->message set.
int dw_header(dw_worker *w, const uint8_t *data, size_t n);
int dw_check(dw_worker *w, const uint8_t *data, size_t n);
int dw_decode(dw_worker *w, const uint8_t *data, size_t n, int x, int y, int width, int height, uint8_t *dst);
int dw_decode_resized(dw_worker *w, const uint8_t *data, size_t n, dw_axis x, dw_axis y, int flip, int fast, uint8_t *dst, size_t stride);
int dw_resize_rgb(dw_worker *w, const uint8_t *src, int width, dw_axis x, dw_axis y, int flip, uint8_t *dst, size_t stride);

// Reads a whole regular file into worker->file. Returns 0, an errno, or one of these.
enum { dw_not_regular = -1, dw_too_large = -2 };
int dw_read_file(dw_worker *w, const char *path, int64_t limit);

// Inside the C side.
uint8_t *dw_buffer_get(dw_worker *w, dw_buffer *b, size_t n); // at least n bytes and dw_slack on both sides, or NULL
void dw_buffer_free(dw_buffer *b);
int dw_fail(dw_worker *w, const char *message); // sets the message, returns -1
int dw_filter_begin(dw_worker *w, dw_filter *f, dw_axis a, int flip);
int dw_filter_begin_windows(dw_worker *w, dw_filter *f, dw_axis a, int flip);
int dw_resize_begin(dw_worker *w, dw_axis x, dw_axis y, int flip);
void dw_resize_planes(dw_worker *w, const uint8_t *const planes[3], int line);
void dw_resize_rows(dw_worker *w, const uint8_t *rows, size_t stride, int first, int count);
void dw_resize_end(dw_worker *w, uint8_t *dst, size_t stride);

#endif
