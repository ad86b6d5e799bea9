package checkpoints

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// Whatever the header and the data are: no panic, no memory beyond the file's size, and what is
// read can be written and read again as the same. The length before the header is right, so that
// mutations get past it; TestReadRefuses has the wrong ones.
func FuzzRead(f *testing.F) {
	for _, path := range []string{"testdata/from_python.safetensors", "testdata/from_go.safetensors"} {
		whole := fileBytes(f, path)
		data := 8 + binary.LittleEndian.Uint64(whole)
		f.Add(string(whole[8:data]), whole[data:])
	}
	f.Add(`{"__metadata__":{"a":"b"},"a":{"dtype":"BF16","shape":[1,2],"data_offsets":[0,4]}}  `, []byte{1, 2, 3, 4})
	f.Add(`{"a":{"dtype":"I32","shape":[],"data_offsets":[0,4]},"b":{"dtype":"BOOL","shape":[0,9],"data_offsets":[4,4]}}`, []byte{1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, header string, data []byte) {
		b := raw(header, data...)
		got, _, err := decodeFile(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		im, err := newImage(got)
		if err != nil {
			t.Fatalf("read and not writable: %v", err)
		}
		var out bytes.Buffer
		if err := im.writeTo(&out); err != nil {
			t.Fatal(err)
		}
		again, _, err := decodeFile(&out, int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		sameFile(t, again, got)
	})
}
