// JPEG to RGB through libjpeg. Only the rows and columns of the requested region are
// decoded, and they equal those of a full decode. libjpeg reports errors by longjmp;
// guarded() catches all of them.
#include "baseline.h"

#include <stdlib.h>
#include <string.h>

// Real progressive files have about ten scans; a few kilobytes can request thousands.
enum { max_scans = 100 };

// Rows that are decoded between two steps of the resize.
enum { rows_at_once = 16 };

// Fancy upsampling reads neighbors, so columns at the edge of a region differ: decode this many more.
enum { margin = 2 };

typedef struct {
	int x, y, width, height;
} region;

static void on_error(j_common_ptr info) {
	struct dw_codec *c = info->client_data;
	char message[JMSG_LENGTH_MAX];
	info->err->format_message(info, message);
	dw_fail(c->worker, message);
	longjmp(c->escape, 1);
}

static void fail(struct dw_codec *c, const char *message) {
	dw_fail(c->worker, message);
	longjmp(c->escape, 1);
}

// Warnings report damage that the decoder tolerates, as for Pillow.
static void on_message(j_common_ptr info, int level) {
	(void)info, (void)level;
}

static void on_progress(j_common_ptr info) {
	if (((j_decompress_ptr)info)->input_scan_number > max_scans)
		fail(info->client_data, "more than 100 scans");
}

static void ignore_source(j_decompress_ptr info) {
	(void)info;
}

// The whole file is in memory, so a request for more means that it ends too early.
static boolean at_end(j_decompress_ptr info) {
	fail(info->client_data, "file is truncated");
	return FALSE;
}

static void skip_input(j_decompress_ptr info, long n) {
	if (n > 0 && (size_t)n > info->src->bytes_in_buffer)
		at_end(info);
	if (n > 0) {
		info->src->next_input_byte += n;
		info->src->bytes_in_buffer -= (size_t)n;
	}
}

// Fails if the version of the library is not that of the headers.
static void create(struct dw_codec *c) {
	jpeg_create_decompress(&c->info);
	c->progress.progress_monitor = on_progress;
	c->info.progress = &c->progress;
	c->source.init_source = ignore_source;
	c->source.fill_input_buffer = at_end;
	c->source.skip_input_data = skip_input;
	c->source.resync_to_restart = jpeg_resync_to_restart;
	c->source.term_source = ignore_source;
	c->info.src = &c->source;
	dw_arena_install(c);
}

// An image must not use the tables of the previous one: otherwise the result for a
// damaged file would depend on it.
static void forget_tables(struct dw_codec *c) {
	for (int i = 0; i < NUM_QUANT_TBLS; i++)
		c->info.quant_tbl_ptrs[i] = NULL;
	for (int i = 0; i < NUM_HUFF_TBLS; i++)
		c->info.dc_huff_tbl_ptrs[i] = c->info.ac_huff_tbl_ptrs[i] = NULL;
	dw_arena_reset(c);
}

void dw_worker_free(dw_worker *w) {
	if (w == NULL)
		return;
	jpeg_destroy_decompress(&w->codec->info);
	dw_arena_free(&w->codec->arena);
	free(w->codec);
	dw_baseline_free(w->baseline);
	dw_buffer *all[] = {&w->file, &w->rows, &w->planes, &w->half, &w->scratch, &w->x.memory, &w->y.memory};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		dw_buffer_free(all[i]);
	free(w);
}

// Pillow refuses a file without an end marker. The marker cannot occur in the compressed
// data, so it is searched from the end (other bytes may follow it).
static int has_end(const uint8_t *data, size_t n) {
	for (size_t i = n; i >= 2; i--)
		if (data[i - 1] == JPEG_EOI && data[i - 2] == 0xff)
			return 1;
	return 0;
}

// Reads and validates the header.
static void begin(struct dw_codec *c, const uint8_t *data, size_t n) {
	struct jpeg_decompress_struct *info = &c->info;
	forget_tables(c);
	c->source.next_input_byte = data;
	c->source.bytes_in_buffer = n;
	jpeg_read_header(info, TRUE);
	c->worker->width = (int)info->image_width;
	c->worker->height = (int)info->image_height;
	if ((uint64_t)info->image_width * info->image_height > dw_max_pixels)
		fail(c, "more than 89,478,485 pixels");
	switch (info->jpeg_color_space) {
	case JCS_GRAYSCALE:
	case JCS_RGB:
	case JCS_YCbCr:
		info->out_color_space = JCS_RGB;
		return;
	case JCS_CMYK:
	case JCS_YCCK:
		info->out_color_space = JCS_CMYK;
		return;
	default:
		fail(c, "neither gray, RGB nor CMYK");
	}
}

static void check_end(struct dw_codec *c) {
	if (!has_end(c->source.next_input_byte, c->source.bytes_in_buffer))
		fail(c, "file is truncated");
}

// Starts the decode of r, enlarged to a region that libjpeg supports; returns its first column.
static int start(struct dw_codec *c, region r) {
	struct jpeg_decompress_struct *info = &c->info;
	jpeg_start_decompress(info);
	int right = r.x + r.width + margin, width = (int)info->output_width;
	JDIMENSION x = (JDIMENSION)(r.x > margin ? r.x - margin : 0);
	JDIMENSION columns = (JDIMENSION)(right < width ? right : width) - x;
	if (columns < info->output_width)
		jpeg_crop_scanline(info, &x, &columns);
	else
		x = 0;
	if (r.y > 0 && jpeg_skip_scanlines(info, (JDIMENSION)r.y) != (JDIMENSION)r.y)
		fail(c, "fewer rows than its header says");
	return (int)x;
}

// Pillow reads four channels as inverted CMYK (as Adobe writes it) and multiplies by black.
static void cmyk_to_rgb(uint8_t *row, int n) {
	uint8_t *rgb = row;
	for (int i = 0; i < n; i++, row += 4, rgb += 3) {
		unsigned black = row[3];
		for (int k = 0; k < 3; k++) {
			unsigned product = (255u - row[k]) * black + 128;
			rgb[k] = (uint8_t)(black - ((product + (product >> 8)) >> 8));
		}
	}
}

// Decodes up to `count` rows to worker->rows and returns their number.
static int next_rows(struct dw_codec *c, size_t stride, int count) {
	struct jpeg_decompress_struct *info = &c->info;
	JSAMPROW rows[rows_at_once];
	int done = 0;
	for (int i = 0; i < count; i++)
		rows[i] = c->worker->rows.data + stride * (size_t)i;
	while (done < count) {
		JDIMENSION got = jpeg_read_scanlines(info, rows + done, (JDIMENSION)(count - done));
		if (got == 0)
			fail(c, "fewer rows than its header says");
		done += (int)got;
	}
	if (info->out_color_space == JCS_CMYK)
		for (int i = 0; i < done; i++)
			cmyk_to_rgb(rows[i], (int)info->output_width);
	return done;
}

// Consumers of the decoded rows, which begin at column region.x: interleaved rows from
// libjpeg, planes from our decoder.
typedef struct {
	void (*rows)(void *to, const uint8_t *rows, size_t stride, int first, int count);
	dw_take_row planes;
	void *to;
} sink;

// Our decoder is tried first. If it refuses the file, possibly after some rows, libjpeg decodes it from the start.
static void decode_region(struct dw_codec *c, region r, sink take) {
	check_end(c);
	if (c->worker->baseline != NULL && dw_baseline_decode(c, 8, r.x, r.y, r.width, r.height, take.planes, take.to) == 0) {
		c->worker->own++;
		return;
	}
	c->worker->by_libjpeg++;
	int left = start(c, r);
	size_t stride = (size_t)c->info.output_width * (size_t)c->info.output_components;
	if (dw_buffer_get(c->worker, &c->worker->rows, stride * rows_at_once) == NULL)
		fail(c, "out of memory");
	for (int y = 0; y < r.height;) {
		int want = r.height - y < rows_at_once ? r.height - y : rows_at_once;
		int got = next_rows(c, stride, want);
		take.rows(take.to, c->worker->rows.data + 3 * (size_t)(r.x - left), stride, r.y + y, got);
		y += got;
	}
}

// The arguments of a job that runs inside guarded().
typedef struct {
	const uint8_t *data;
	size_t n;
	region r;
	dw_axis x, y;
	int flip, fast;
	uint8_t *dst;
	size_t stride;
	const dw_kernels *kernels;
} job;

// The only setjmp: runs body and returns -1 after an error of libjpeg.
static int guarded(dw_worker *w, void (*body)(struct dw_codec *, job *), job *j) {
	if (setjmp(w->codec->escape)) {
		jpeg_abort_decompress(&w->codec->info);
		return -1;
	}
	body(w->codec, j);
	jpeg_abort_decompress(&w->codec->info);
	return 0;
}

static void read_header(struct dw_codec *c, job *j) {
	begin(c, j->data, j->n);
}

static void check(struct dw_codec *c, job *j) {
	begin(c, j->data, j->n);
	check_end(c);
}

static void copy_rows(void *to, const uint8_t *rows, size_t stride, int first, int count) {
	job *j = to;
	size_t width = 3 * (size_t)j->r.width;
	for (int i = 0; i < count; i++)
		memcpy(j->dst + width * (size_t)(first - j->r.y + i), rows + stride * (size_t)i, width);
}

static void copy_planes(void *to, const uint8_t *const planes[3], int line) {
	job *j = to;
	j->kernels->join(planes, j->dst + 3 * (size_t)j->r.width * (size_t)(line - j->r.y), j->r.width);
}

static void check_inside(struct dw_codec *c, region r) {
	if (r.x < 0 || r.y < 0 || r.width < 1 || r.height < 1 ||
	    r.width > c->worker->width - r.x || r.height > c->worker->height - r.y)
		fail(c, "the region is not inside the image");
}

static void decode(struct dw_codec *c, job *j) {
	begin(c, j->data, j->n);
	check_inside(c, j->r);
	j->kernels = c->worker->kernels;
	decode_region(c, j->r, (sink){copy_rows, copy_planes, j});
}

static void resize_rows(void *to, const uint8_t *rows, size_t stride, int first, int count) {
	dw_resize_rows(to, rows, stride, first, count);
}

static void resize_planes(void *to, const uint8_t *const planes[3], int line) {
	dw_resize_planes(to, planes, line);
}

// The region of an axis in an image of half the size.
static dw_axis halved(dw_axis a) {
	int low = a.origin / 2, high = (a.origin + a.size + 1) / 2;
	return (dw_axis){low, high - low, a.scaled, a.first, a.count, a.filter, a.origin % 2 * 0.5, a.size * 0.5};
}

// Resizes from half the size, for large images that are reduced to half or less. Returns
// -1 if that does not apply to the image.
static int decode_halved(struct dw_codec *c, job *j) {
	enum { large = 1000 };
	dw_worker *w = c->worker;
	if (w->baseline == NULL || (w->width <= large && w->height <= large) || j->x.size < 2 * j->x.scaled || j->y.size < 2 * j->y.scaled)
		return -1;
	check_end(c);
	if (dw_resize_begin(w, halved(j->x), halved(j->y), j->flip) != 0)
		return -1;
	if (dw_baseline_decode(c, 4, w->x.low, w->y.low, w->x.high - w->x.low, w->y.high - w->y.low, resize_planes, w) != 0)
		return -1;
	w->own++;
	dw_resize_end(w, j->dst, j->stride);
	return 0;
}

static void decode_resized(struct dw_codec *c, job *j) {
	dw_worker *w = c->worker;
	begin(c, j->data, j->n);
	check_inside(c, (region){j->x.origin, j->y.origin, j->x.size, j->y.size});
	if (j->fast && decode_halved(c, j) == 0)
		return;
	if (dw_resize_begin(w, j->x, j->y, j->flip) != 0)
		longjmp(c->escape, 1);
	region needed = {w->x.low, w->y.low, w->x.high - w->x.low, w->y.high - w->y.low};
	decode_region(c, needed, (sink){resize_rows, resize_planes, w});
	dw_resize_end(w, j->dst, j->stride);
}

int dw_header(dw_worker *w, const uint8_t *data, size_t n) {
	return guarded(w, read_header, &(job){.data = data, .n = n});
}

int dw_check(dw_worker *w, const uint8_t *data, size_t n) {
	return guarded(w, check, &(job){.data = data, .n = n});
}

int dw_decode(dw_worker *w, const uint8_t *data, size_t n, int x, int y, int width, int height, uint8_t *dst) {
	return guarded(w, decode, &(job){.data = data, .n = n, .r = {x, y, width, height}, .dst = dst});
}

int dw_decode_resized(dw_worker *w, const uint8_t *data, size_t n, dw_axis x, dw_axis y, int flip, int fast, uint8_t *dst, size_t stride) {
	return guarded(w, decode_resized, &(job){.data = data, .n = n, .x = x, .y = y, .flip = flip, .fast = fast, .dst = dst, .stride = stride});
}

static void create_first(struct dw_codec *c, job *j) {
	(void)j;
	create(c);
}

dw_worker *dw_worker_new(void) {
	dw_worker *w = calloc(1, sizeof *w);
	struct dw_codec *c = calloc(1, sizeof *c);
	if (w == NULL || c == NULL)
		return free(w), free(c), NULL;
	w->codec = c;
	const char *off = getenv("DEPTHWISE_JPEG");
	w->kernels = dw_kernels_choose(off);
	if (!dw_has_word(off, "libjpeg"))
		w->baseline = calloc(1, sizeof *w->baseline); // without it libjpeg decodes all files
	c->worker = w;
	c->info.err = jpeg_std_error(&c->errors);
	c->errors.error_exit = on_error;
	c->errors.emit_message = on_message;
	c->info.client_data = c;
	if (guarded(w, create_first, NULL) != 0) {
		dw_worker_free(w);
		return NULL;
	}
	return w;
}
