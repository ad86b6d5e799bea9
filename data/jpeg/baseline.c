// The decoder of baseline files: which files it accepts, and from coefficients to rows.
#include "baseline.h"

#include <stdlib.h>
#include <string.h>

enum { in_group = 4, coefficients_of_block = 64 };

// Space before and behind each row of samples, for the neighbors of the first and last.
enum { lead = 64 };

static int smaller(int a, int b) {
	return a < b ? a : b;
}

// Reads the header, and reports whether this decoder supports the file.
static int describe(dw_baseline *b, const struct jpeg_decompress_struct *info) {
	if (info->progressive_mode || info->arith_code || info->data_precision != 8 || info->CCIR601_sampling ||
	    info->comps_in_scan != info->num_components || info->Ss != 0 || info->Se != 63 || info->Ah != 0 || info->Al != 0)
		return -1;
	int gray = info->jpeg_color_space == JCS_GRAYSCALE && info->num_components == 1;
	if (!gray && !(info->jpeg_color_space == JCS_YCbCr && info->num_components == 3))
		return -1;
	const jpeg_component_info *first = info->comp_info;
	b->components = info->num_components;
	b->across = gray ? 1 : first->h_samp_factor;
	b->down = gray ? 1 : first->v_samp_factor;
	if (b->across > 2 || b->down > b->across || (gray && (first->h_samp_factor != 1 || first->v_samp_factor != 1)))
		return -1;
	b->image_width = (int)info->image_width;
	b->image_height = (int)info->image_height;
	b->mcus_across = (b->image_width - 1) / (8 * b->across) + 1;
	b->mcus_down = (b->image_height - 1) / (8 * b->down) + 1;
	b->image_width = (b->image_width * b->side + 7) / 8;
	b->image_height = (b->image_height * b->side + 7) / 8;
	b->interval = info->restart_interval > 0 ? (int)info->restart_interval : b->mcus_across * b->mcus_down;
	return 0;
}

static int describe_component(dw_baseline *b, const struct jpeg_decompress_struct *info, int k) {
	dw_component *c = &b->component[k];
	const jpeg_component_info *from = &info->comp_info[k];
	if (info->cur_comp_info[k] != from)
		return -1;
	c->across = k == 0 ? b->across : 1;
	c->down = k == 0 ? b->down : 1;
	if (k > 0 && (from->h_samp_factor != 1 || from->v_samp_factor != 1))
		return -1;
	c->width = k == 0 ? b->image_width : (b->image_width - 1) / b->across + 1;
	c->height = k == 0 ? b->image_height : (b->image_height - 1) / b->down + 1;
	if (k > 0 && b->across == 2 && c->width <= 2)
		return -1; // libjpeg uses no triangle filter for images this narrow
	if (from->quant_tbl_no < 0 || from->quant_tbl_no >= NUM_QUANT_TBLS || from->dc_tbl_no < 0 || from->dc_tbl_no >= NUM_HUFF_TBLS ||
	    from->ac_tbl_no < 0 || from->ac_tbl_no >= NUM_HUFF_TBLS || info->quant_tbl_ptrs[from->quant_tbl_no] == NULL)
		return -1;
	for (int i = 0; i < 64; i++) {
		UINT16 factor = info->quant_tbl_ptrs[from->quant_tbl_no]->quantval[dw_places[i] / 32 * 8 + dw_places[i] % 8];
		if (factor > 255)
			return -1;
		c->factors[i] = factor;
	}
	dw_table *dc = &b->dc[from->dc_tbl_no], *ac = &b->ac[from->ac_tbl_no];
	c->dc = dc;
	c->ac = ac;
	return dw_table_build(dc, info->dc_huff_tbl_ptrs[from->dc_tbl_no], 1) == 0 &&
	       dw_table_build(ac, info->ac_huff_tbl_ptrs[from->ac_tbl_no], 0) == 0 ? 0 : -1;
}

// Chooses the columns of MCUs that the region needs with the neighbors of its edges,
// and lays out memory for one row of them.
static int reserve(dw_worker *w, dw_baseline *b) {
	int mcu = b->side * b->across;
	b->first_column = (b->x > 2 ? b->x - 2 : 0) / mcu;
	b->last_column = (smaller(b->x + b->width + 2, b->image_width) - 1) / mcu;
	int columns = b->last_column - b->first_column + 1;
	size_t coefficients = 0, samples = 0;
	for (int k = 0; k < b->components; k++) {
		dw_component *c = &b->component[k];
		c->groups = (columns * c->across + 3) / 4;
		c->stride = (size_t)(c->groups * in_group * b->side) + lead;
		coefficients += (size_t)(c->groups * c->down) * in_group * coefficients_of_block;
		samples += c->stride * (size_t)(dw_kept + b->side * c->down) + lead;
	}
	size_t row = (size_t)b->width + dw_slack + lead;
	if (dw_buffer_get(w, &b->coefficients, coefficients * sizeof(int16_t)) == NULL || dw_buffer_get(w, &b->planes, samples) == NULL ||
	    dw_buffer_get(w, &b->rows, 5 * row) == NULL)
		return -1;
	int16_t *next = (int16_t *)b->coefficients.data;
	memset(next, 0, coefficients * sizeof *next); // a refused file may have left some
	uint8_t *plane = b->planes.data + lead;
	for (int k = 0; k < b->components; k++) {
		dw_component *c = &b->component[k];
		c->coefficients = next;
		c->plane = plane;
		next += (size_t)(c->groups * c->down) * in_group * coefficients_of_block;
		plane += c->stride * (size_t)(dw_kept + b->side * c->down) + lead;
	}
	return 0;
}

// The samples beyond the image's edges repeat those at the edges.
static void extend(const dw_baseline *b, dw_component *c) {
	int first = b->first_column * b->side * c->across, last = c->width - 1 - first;
	for (int i = 0; i < b->side * c->down; i++) {
		uint8_t *row = c->plane + c->stride * (size_t)(dw_kept + i);
		if (first == 0)
			row[-1] = row[0];
		if (last < c->groups * in_group * b->side)
			row[last + 1] = row[last];
	}
}

// Decodes the requested part of a row of MCUs to samples, below the last rows of the previous one.
static int decode_mcus(const dw_kernels *kernels, dw_baseline *b, int line) {
	if (dw_scan_skip_to(b, line * b->mcus_across + b->first_column) != 0 ||
	    dw_scan_decode(b, b->last_column - b->first_column + 1) != 0)
		return -1;
	for (int k = 0; k < b->components; k++) {
		dw_component *c = &b->component[k];
		const uint8_t *kept = c->plane + c->stride * (size_t)(b->side * c->down);
		memcpy(c->plane - lead, kept - lead, c->stride * dw_kept + lead); // with the neighbors on both sides
		for (int v = 0; v < c->down; v++)
			for (int g = 0; g < c->groups; g++) {
				uint8_t *dst = c->plane + c->stride * (size_t)(dw_kept + b->side * v) + (size_t)(in_group * b->side * g);
				int16_t *from = c->coefficients + (size_t)(v * c->groups + g) * in_group * coefficients_of_block;
				if ((b->side == 8 ? kernels->transform : kernels->transform_half)(from, dst, c->stride) != 0)
					return -1;
			}
		extend(b, c);
	}
	return 0;
}

// The samples of row y of a component, from the image's column x on, while MCU row `line` is there.
static const uint8_t *samples(const dw_baseline *b, int k, int line, int x, int y) {
	const dw_component *c = &b->component[k];
	y = y < 0 ? 0 : smaller(y, c->height - 1);
	int row = y - line * b->side * c->down + dw_kept;
	return c->plane + c->stride * (size_t)row + (x - b->first_column * b->side * c->across);
}

// Converts row y to red, green and blue and emits it.
static void emit(const dw_kernels *kernels, dw_baseline *b, int line, int y, dw_take_row take, void *to) {
	int x = b->x - b->x % b->across, width = b->x + b->width - x, skipped = b->x - x;
	size_t row = (size_t)b->width + dw_slack + lead;
	uint8_t *rgb[3] = {b->rows.data, b->rows.data + row, b->rows.data + 2 * row};
	const uint8_t *ycc[3] = {samples(b, 0, line, x, y)};
	if (b->components == 1) {
		const uint8_t *const gray[3] = {ycc[0], ycc[0], ycc[0]};
		return take(to, gray, y);
	}
	for (int k = 1; k < 3; k++) {
		int half = y / b->down;
		const uint8_t *near = samples(b, k, line, x / b->across, half);
		uint8_t *wide = b->rows.data + (size_t)(2 + k) * row;
		if (b->down == 2)
			kernels->widen_two(near, samples(b, k, line, x / 2, y % 2 == 0 ? half - 1 : half + 1), wide, (width + 1) / 2);
		else if (b->across == 2)
			kernels->widen(near, wide, (width + 1) / 2);
		ycc[k] = b->across == 2 ? wide : near;
	}
	kernels->color(ycc, rgb, width);
	const uint8_t *const from[3] = {rgb[0] + skipped, rgb[1] + skipped, rgb[2] + skipped};
	take(to, from, y);
}

// Decodes row after row of MCUs, and emits pixels as soon as their neighbors are decoded.
static int decode_rows(const dw_kernels *kernels, dw_baseline *b, dw_take_row take, void *to) {
	int mcu = b->side * b->down, below = b->down == 2, end = b->y + b->height;
	int first = (b->y > below ? b->y - below : 0) / mcu, last = smaller(end - 1 + below, b->image_height - 1) / mcu;
	int y = b->y;
	b->at = 0;
	for (int line = first; line <= last; line++) {
		if (decode_mcus(kernels, b, line) != 0)
			return -1;
		int ready = line == b->mcus_down - 1 ? b->image_height : (line + 1) * mcu - below;
		for (; y < smaller(ready, end); y++)
			emit(kernels, b, line, y, take, to);
	}
	return dw_scan_check(b, SIZE_MAX);
}

int dw_baseline_decode(struct dw_codec *c, int side, int x, int y, int width, int height, dw_take_row take, void *to) {
	dw_worker *w = c->worker;
	dw_baseline *b = w->baseline;
	b->side = side;
	b->x = x;
	b->y = y;
	b->width = width;
	b->height = height;
	if (describe(b, &c->info) != 0)
		return -1;
	for (int k = 0; k < b->components; k++)
		if (describe_component(b, &c->info, k) != 0)
			return -1;
	if (dw_scan_read(w, b, c->source.next_input_byte, c->source.bytes_in_buffer) != 0 || reserve(w, b) != 0)
		return -1;
	return decode_rows(w->kernels, b, take, to);
}

void dw_baseline_free(dw_baseline *b) {
	if (b == NULL)
		return;
	dw_buffer *all[] = {&b->scan, &b->segments, &b->coefficients, &b->planes, &b->rows};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		dw_buffer_free(all[i]);
	free(b);
}
