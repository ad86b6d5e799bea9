#ifndef DEPTHWISE_DAMAGE_H
#define DEPTHWISE_DAMAGE_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
	int warnings;
	char first[256]; // the first one's text
} dw_damage;

dw_damage dw_find_damage(const uint8_t *data, size_t n);

#endif
