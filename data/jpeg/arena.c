// An arena for libjpeg that is reused from image to image. libjpeg allocates through a
// table of functions and frees everything when an image is done, so pieces of one large
// block replace about fifty calls of malloc and free per image. Only the arrays of
// progressive files use libjpeg's own functions.
#include "codec.h"

#include <stdlib.h>

// libjpeg's rows start and end at multiples of this, for its vector instructions.
enum { align = 64 };

// A block above this size is freed after the image.
static const size_t keep = 64 << 20;

// An additional block, when the first is full.
typedef struct block {
	struct block *next;
} block;

static size_t rounded_up(size_t n) {
	return (n + align - 1) / align * align;
}

static uint8_t *aligned(uint8_t *p) {
	return p + (align - (uintptr_t)p % align) % align;
}

static void *take(j_common_ptr info, size_t n) {
	struct dw_codec *c = info->client_data;
	dw_arena *a = &c->arena;
	n = rounded_up(n) + align;
	a->wanted += n;
	if (a->used + n <= a->capacity) {
		uint8_t *p = aligned(a->data + a->used);
		a->used += n;
		return p;
	}
	block *more = n < SIZE_MAX / 2 ? malloc(sizeof(block) + n + align) : NULL;
	if (more == NULL)
		ERREXIT1(info, JERR_OUT_OF_MEMORY, 0); // does not return
	c->worker->allocations++;
	more->next = a->more;
	a->more = more;
	return aligned((uint8_t *)(more + 1));
}

static void *alloc_small(j_common_ptr info, int pool, size_t n) {
	(void)pool;
	return take(info, n);
}

static JSAMPARRAY alloc_sarray(j_common_ptr info, int pool, JDIMENSION width, JDIMENSION rows) {
	(void)pool;
	size_t stride = rounded_up(width);
	JSAMPARRAY array = take(info, rows * sizeof(JSAMPROW));
	uint8_t *samples = take(info, stride * rows);
	for (JDIMENSION i = 0; i < rows; i++)
		array[i] = samples + stride * i;
	return array;
}

static JBLOCKARRAY alloc_barray(j_common_ptr info, int pool, JDIMENSION width, JDIMENSION rows) {
	(void)pool;
	JBLOCKARRAY array = take(info, rows * sizeof(JBLOCKROW));
	JBLOCKROW blocks = take(info, (size_t)width * rows * sizeof(JBLOCK));
	for (JDIMENSION i = 0; i < rows; i++)
		array[i] = blocks + (size_t)width * i;
	return array;
}

// The arrays of progressive files come from malloc and are counted.
static jvirt_barray_ptr request_barray(j_common_ptr info, int pool, boolean zero, JDIMENSION width, JDIMENSION rows, JDIMENSION access) {
	struct dw_codec *c = info->client_data;
	c->worker->allocations++;
	return c->memory.request_virt_barray(info, pool, zero, width, rows, access);
}

void dw_arena_install(struct dw_codec *c) {
	struct jpeg_memory_mgr *m = c->info.mem;
	c->memory = *m;
	m->alloc_small = m->alloc_large = alloc_small;
	m->alloc_sarray = alloc_sarray;
	m->alloc_barray = alloc_barray;
	m->request_virt_barray = request_barray;
}

static void free_blocks(dw_arena *a) {
	for (block *b = a->more; b != NULL;) {
		block *next = b->next;
		free(b);
		b = next;
	}
	a->more = NULL;
}

void dw_arena_reset(struct dw_codec *c) {
	dw_arena *a = &c->arena;
	if (a->more != NULL && a->wanted <= keep) { // one block will do next time
		free(a->data);
		a->capacity = a->wanted + a->wanted / 4;
		a->data = malloc(a->capacity);
		c->worker->allocations++;
		if (a->data == NULL)
			a->capacity = 0;
	}
	free_blocks(a);
	a->used = a->wanted = 0;
}

void dw_arena_free(dw_arena *a) {
	free_blocks(a);
	free(a->data);
}
