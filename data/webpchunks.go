package data

import (
	"encoding/binary"
	"iter"
)

// webpChunk is a chunk of a WebP file.
type webpChunk struct {
	id   string
	body []byte
}

// webpChunks yields the chunks of a file up to the first damaged one. RFC 9649, 2.3 to 2.5.
func webpChunks(data []byte) iter.Seq[webpChunk] {
	const header = 12 // RIFF, size, WEBP
	if len(data) < header {
		return func(func(webpChunk) bool) {}
	}
	return riffChunks(data[header:])
}

func riffChunks(data []byte) iter.Seq[webpChunk] {
	return func(yield func(webpChunk) bool) {
		for len(data) >= 8 {
			n := int(binary.LittleEndian.Uint32(data[4:]))
			if n > len(data)-8 || !yield(webpChunk{string(data[:4]), data[8 : 8+n]}) {
				return
			}
			data = data[min(8+n+n%2, len(data)):]
		}
	}
}

// uint24 reads a little-endian number of three bytes.
func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
