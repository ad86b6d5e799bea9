package data

import (
	"bytes"
	"encoding/binary"

	"depthwise.dev/data/tiff"
)

// exifOrientation returns the orientation in the EXIF data of a file. Without such data, or if it is
// damaged, the image is upright. EXIF 2.32, 4.6.4 A: tag 0x0112.
func exifOrientation(f Format, data []byte) orientation {
	switch f {
	case FormatJPEG:
		return tiffOrientation(jpegEXIF(data))
	case FormatPNG:
		return tiffOrientation(pngEXIF(data))
	case FormatWebP:
		for c := range webpChunks(data) {
			if c.id == "EXIF" {
				return tiffOrientation(bytes.TrimPrefix(c.body, []byte(exifMark)))
			}
		}
	case FormatTIFF:
		return orientation(tiff.Orientation(data))
	}
	return upright
}

const exifMark = "Exif\x00\x00"

// jpegEXIF returns the body of the first EXIF segment before the compressed data.
func jpegEXIF(data []byte) []byte {
	const app1, startOfScan, endOfImage = 0xe1, 0xda, 0xd9
	for at := 2; at+4 <= len(data) && data[at] == 0xff; {
		marker := data[at+1]
		if marker == 0xff { // fill
			at++
			continue
		}
		if marker == startOfScan || marker == endOfImage {
			return nil
		}
		n := int(binary.BigEndian.Uint16(data[at+2:]))
		if n < 2 || at+2+n > len(data) {
			return nil
		}
		if body := data[at+4 : at+2+n]; marker == app1 && bytes.HasPrefix(body, []byte(exifMark)) {
			return body[len(exifMark):]
		}
		at += 2 + n
	}
	return nil
}

// pngEXIF returns the body of the chunk eXIf, which may follow the pixels.
func pngEXIF(data []byte) []byte {
	const signature, frame = 8, 12 // length, name and checksum around each body
	for at := signature; at+frame <= len(data); {
		n := int(binary.BigEndian.Uint32(data[at:]))
		if n > len(data)-at-frame {
			return nil
		}
		if string(data[at+4:at+8]) == "eXIf" {
			return bytes.TrimPrefix(data[at+8:at+8+n], []byte(exifMark))
		}
		at += frame + n
	}
	return nil
}

// tiffOrientation reads the tag Orientation of the first directory.
func tiffOrientation(tiff []byte) orientation {
	const tag, entry = 0x0112, 12
	if len(tiff) < 8 {
		return upright
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(tiff[:4]) {
	case "II*\x00":
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return upright
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < entry {
			break
		}
		if order.Uint16(entries) == tag {
			return orientationEntry(order, entries[:entry])
		}
		entries = entries[entry:]
	}
	return upright
}

// orientationEntry reads an entry of a directory: tag, type, count, value.
func orientationEntry(order binary.ByteOrder, e []byte) orientation {
	const typeByte, typeShort, typeLong = 1, 3, 4
	if order.Uint32(e[4:]) != 1 {
		return upright
	}
	var value uint32
	switch order.Uint16(e[2:]) {
	case typeByte:
		value = uint32(e[8])
	case typeShort:
		value = uint32(order.Uint16(e[8:]))
	case typeLong:
		value = order.Uint32(e[8:])
	}
	if value < 1 || value > 8 {
		return upright
	}
	return orientation(value)
}
