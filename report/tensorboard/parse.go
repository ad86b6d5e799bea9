package tensorboard

import "encoding/binary"

// header is what decides whether an event is kept: its step, and the first tag of its summary.
type header struct {
	step    int64
	tag     string // "": no summary
	version bool   // the first event of a file
	restart bool
}

// parseHeader reads the parts of an Event that a resume needs. ok is false for what is no protobuf message.
func parseHeader(b []byte) (h header, ok bool) {
	ok = fields(b, func(number int, value uint64, data []byte) bool {
		switch number {
		case 2:
			h.step = int64(value)
		case 3:
			h.version = true
		case 5:
			return h.tag != "" || firstTag(data, &h.tag)
		case 7:
			h.restart = true
		}
		return true
	})
	return h, ok
}

// firstTag reads the tag of the first value of a Summary.
func firstTag(b []byte, tag *string) bool {
	return fields(b, func(number int, _ uint64, data []byte) bool {
		if number != 1 || *tag != "" {
			return true
		}
		return fields(data, func(number int, _ uint64, data []byte) bool {
			if number == 1 {
				*tag = string(data)
			}
			return true
		})
	})
}

// fields calls each with every field of a message: the value of a number, or the data of bytes. It returns false if the message
// is not valid or each returned false.
func fields(b []byte, each func(number int, value uint64, data []byte) bool) bool {
	for len(b) > 0 {
		key, n := binary.Uvarint(b)
		if n <= 0 || key>>3 == 0 {
			return false
		}
		b = b[n:]
		var value uint64
		var data []byte
		switch key & 7 {
		case 0:
			if value, n = binary.Uvarint(b); n <= 0 {
				return false
			}
			b = b[n:]
		case 1, 5:
			size := 8
			if key&7 == 5 {
				size = 4
			}
			if len(b) < size {
				return false
			}
			data, b = b[:size], b[size:]
		case 2:
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				return false
			}
			data, b = b[n:n+int(size)], b[n+int(size):]
		default:
			return false
		}
		if !each(int(key>>3), value, data) {
			return false
		}
	}
	return true
}
