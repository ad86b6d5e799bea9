package data

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

const pngSignature = "\x89PNG\r\n\x1a\n"

// essentialPNG returns a PNG file of the header, the palette and the pixels alone, for files that the
// library refuses for something else: without an end, with wrong checksums of ancillary chunks, with such
// chunks in the wrong order. It returns nil if these chunks are not complete. Their checksums are kept, so
// that damage to them is still found. PNG specification, sections 5.3 and 11.2.
func essentialPNG(data []byte) []byte {
	const header, palette, pixels = "IHDR", "PLTE", "IDAT"
	if !bytes.HasPrefix(data, []byte(pngSignature)) {
		return nil
	}
	out, rest := []byte(pngSignature), data[len(pngSignature):]
	paletted, found := false, false
	for {
		chunk, name := pngChunkAt(rest)
		if chunk == nil || found && name != pixels {
			break
		}
		if name == header && len(chunk) > 17 {
			paletted = chunk[17] == 3
		}
		if name == header || name == pixels || name == palette && paletted {
			out = append(out, chunk...)
		}
		found = found || name == pixels
		rest = rest[min(len(chunk), len(rest)):]
	}
	if !found {
		return nil
	}
	return append(out, "\x00\x00\x00\x00IEND\xae\x42\x60\x82"...)
}

// pngChunkAt returns the chunk at the start of data: length, name, body, checksum. A checksum that the
// end of the file cuts is replaced. It returns nil if the chunk is not complete otherwise.
func pngChunkAt(data []byte) (chunk []byte, name string) {
	const head, checksum = 8, 4
	if len(data) < head {
		return nil, ""
	}
	n := int(binary.BigEndian.Uint32(data))
	if n > len(data)-head {
		return nil, ""
	}
	name = string(data[4:head])
	if len(data) < head+n+checksum {
		body := data[: head+n : head+n]
		return binary.BigEndian.AppendUint32(body, crc32.ChecksumIEEE(body[4:])), name
	}
	return data[:head+n+checksum], name
}
