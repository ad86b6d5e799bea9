package checkpoints

import (
	"path/filepath"
	"testing"
)

// bigFile is about what MobileNet at width 1 takes with its momentum: 40 MB in 300 arrays.
func bigFile(b *testing.B) File {
	var f File
	for i := range 300 {
		values := make([]float32, 40_000_000/4/300)
		for j := range values {
			values[j] = float32(i*j) / 7
		}
		f.Arrays = append(f.Arrays, array(b, "blocks.0.0.conv_dw.weight/"+string(rune('a'+i)), values, len(values)))
	}
	return f
}

func BenchmarkRead(b *testing.B) {
	path := filepath.Join(b.TempDir(), "f.safetensors")
	writeFile(b, path, bigFile(b))
	b.SetBytes(int64(len(fileBytes(b, path))))
	for b.Loop() {
		if _, err := Read(path); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	f := bigFile(b)
	path := filepath.Join(b.TempDir(), "f.safetensors")
	writeFile(b, path, f)
	b.SetBytes(int64(len(fileBytes(b, path))))
	for b.Loop() {
		writeFile(b, path, f)
	}
}
