package jpeg

// #include "damage.h"
import "C"

// Damage reads all compressed data of a JPEG file and returns libjpeg's first warning, or "" if there is
// none. Decoding continues after such damage, as in Pillow, with wrong pixels. The size must have been
// checked.
func Damage(data []byte) string {
	if len(data) == 0 {
		return ""
	}
	found := C.dw_find_damage(bytePointer(data), C.size_t(len(data)))
	return C.GoString(&found.first[0])
}
