package jpeg

// #include "damage.h"
import "C"

// Damage reads all of a JPEG file's compressed data and says what is wrong in it: the
// first of libjpeg's complaints, "" when there is none. Decoding bridges such damage, as
// Pillow does, with pixels that are not the photograph's. The size must have been checked.
func Damage(data []byte) string {
	if len(data) == 0 {
		return ""
	}
	found := C.dw_find_damage(bytePointer(data), C.size_t(len(data)))
	return C.GoString(&found.first[0])
}
