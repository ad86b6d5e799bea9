// The libjpeg state of a worker.
#ifndef DEPTHWISE_CODEC_H
#define DEPTHWISE_CODEC_H

#include "worker.h"

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h> // missing: run go run ./cmd/setup
#include <jerror.h>

struct dw_codec {
	struct jpeg_decompress_struct info;
	struct jpeg_error_mgr errors;
	struct jpeg_source_mgr source;
	struct jpeg_progress_mgr progress;
	struct jpeg_memory_mgr memory; // libjpeg's own functions, see arena.c
	dw_arena arena;
	jmp_buf escape;
	dw_worker *worker;
};

// Makes libjpeg allocate from the arena of the worker.
void dw_arena_install(struct dw_codec *c);

// Frees all allocations of the arena, and keeps its memory for the next image.
void dw_arena_reset(struct dw_codec *c);
void dw_arena_free(dw_arena *a);

#endif
