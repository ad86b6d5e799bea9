// Finds damage in the compressed data of a JPEG file, which libjpeg decodes with
// warnings only: all data are entropy-decoded, and the warnings are counted.
#include "damage.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h> // missing: run go run ./cmd/setup

typedef struct {
	struct jpeg_error_mgr errors;
	jmp_buf escape;
	dw_damage *found;
} damage_errors;

static void note(j_common_ptr info, dw_damage *found) {
	char message[JMSG_LENGTH_MAX];
	if (found->warnings++ > 0)
		return;
	info->err->format_message(info, message);
	strncpy(found->first, message, sizeof found->first - 1);
}

static void on_error(j_common_ptr info) {
	damage_errors *e = (damage_errors *)info->err;
	note(info, e->found);
	longjmp(e->escape, 1);
}

static void on_message(j_common_ptr info, int level) {
	if (level < 0)
		note(info, ((damage_errors *)info->err)->found);
}

// Real progressive files have about ten scans; a few kilobytes can request thousands.
enum { max_scans = 100 };

static void on_progress(j_common_ptr info) {
	damage_errors *e = (damage_errors *)info->err;
	if (((j_decompress_ptr)info)->input_scan_number > max_scans)
		longjmp(e->escape, 1);
}

// Skipping rows only entropy-decodes them. Skipping to the end would not do so, so the
// last row is read.
static void read_all(j_decompress_ptr info) {
	jpeg_start_decompress(info);
	JDIMENSION width = info->output_width * (JDIMENSION)info->output_components;
	JSAMPARRAY row = info->mem->alloc_sarray((j_common_ptr)info, JPOOL_IMAGE, width, 1);
	if (info->output_height > 1)
		jpeg_skip_scanlines(info, info->output_height - 1);
	while (info->output_scanline < info->output_height)
		if (jpeg_read_scanlines(info, row, 1) == 0)
			return;
	jpeg_finish_decompress(info);
}

dw_damage dw_find_damage(const uint8_t *data, size_t n) {
	dw_damage found = {0};
	struct jpeg_decompress_struct info = {0};
	struct jpeg_progress_mgr progress = {.progress_monitor = on_progress};
	damage_errors errors = {.found = &found};
	info.err = jpeg_std_error(&errors.errors);
	errors.errors.error_exit = on_error;
	errors.errors.emit_message = on_message;
	if (setjmp(errors.escape) == 0) {
		jpeg_create_decompress(&info);
		info.progress = &progress;
		jpeg_mem_src(&info, data, (unsigned long)n);
		jpeg_read_header(&info, TRUE);
		read_all(&info);
	}
	jpeg_destroy_decompress(&info);
	return found;
}
