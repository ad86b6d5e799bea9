package classifier

import (
	"bytes"
	"encoding/binary"
)

// orientationOf returns the EXIF orientation of a JPEG or PNG file, 1 to 8; 1 without one or if it is damaged. EXIF 2.32,
// 4.6.4 A: tag 0x0112.
func orientationOf(file []byte) int {
	body := jpegEXIF(file)
	if bytes.HasPrefix(file, []byte("\x89PNG")) {
		body = pngEXIF(file)
	}
	const tag, short, entry = 0x0112, 3, 12
	if len(body) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	if string(body[:4]) == "MM\x00*" {
		order = binary.BigEndian
	} else if string(body[:4]) != "II*\x00" {
		return 1
	}
	at := int64(order.Uint32(body[4:]))
	if at+2 > int64(len(body)) {
		return 1
	}
	entries := body[at+2:]
	for n := order.Uint16(body[at:]); n > 0 && len(entries) >= entry; n-- {
		if order.Uint16(entries) == tag && order.Uint16(entries[2:]) == short && order.Uint32(entries[4:]) == 1 {
			if value := order.Uint16(entries[8:]); value >= 1 && value <= 8 {
				return int(value)
			}
			return 1
		}
		entries = entries[entry:]
	}
	return 1
}

const exifMark = "Exif\x00\x00"

// jpegEXIF returns the body of the first EXIF segment before the compressed data.
func jpegEXIF(file []byte) []byte {
	const app1, startOfScan, endOfImage = 0xe1, 0xda, 0xd9
	for at := 2; at+4 <= len(file) && file[at] == 0xff; {
		marker := file[at+1]
		if marker == 0xff { // fill
			at++
			continue
		}
		n := int(binary.BigEndian.Uint16(file[at+2:]))
		if marker == startOfScan || marker == endOfImage || n < 2 || at+2+n > len(file) {
			return nil
		}
		if body := file[at+4 : at+2+n]; marker == app1 && bytes.HasPrefix(body, []byte(exifMark)) {
			return body[len(exifMark):]
		}
		at += 2 + n
	}
	return nil
}

// pngEXIF returns the body of the chunk eXIf.
func pngEXIF(file []byte) []byte {
	const signature, frame = 8, 12 // length, name and checksum around each body
	for at := signature; at+frame <= len(file); {
		n := int(binary.BigEndian.Uint32(file[at:]))
		if n < 0 || n > len(file)-at-frame { // below 0 where int has 32 bits
			return nil
		}
		if string(file[at+4:at+8]) == "eXIf" {
			return bytes.TrimPrefix(file[at+8:at+8+n], []byte(exifMark))
		}
		at += frame + n
	}
	return nil
}
