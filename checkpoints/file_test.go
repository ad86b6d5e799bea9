package checkpoints

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorgonia.org/tensor"
)

func TestWriteThenRead(t *testing.T) {
	nan := float32(math.NaN())
	long := make([]float64, chunkBytes/8+3) // more than one chunk, and a part
	for i := range long {
		long[i] = math.Sqrt(float64(i))
	}
	tests := []struct {
		name string
		file File
	}{
		{"all kinds", goldenFile(t)},
		{"nothing", File{Meta: map[string]string{}}},
		{"metadata alone", File{Meta: map[string]string{"": "empty key", "a": "", "line\n": "\x00\u2028<>"}}},
		{"odd lengths before wide elements", File{Meta: map[string]string{}, Arrays: []Array{
			array(t, "u8", []uint8{1}, 1), array(t, "f64", long, len(long)), array(t, "b", []bool{true}, 1, 1, 1), array(t, "f32", []float32{nan}, 1),
		}}},
		{"empty arrays", File{Meta: map[string]string{}, Arrays: []Array{
			array(t, "a", []int64{}, 0), array(t, "b", []uint8{}, 2, 0), array(t, "c", []bool{}, 0, math.MaxInt), array(t, "d", []float64{1}),
		}}},
		{"scalars", File{Meta: map[string]string{}, Arrays: []Array{
			array(t, "f32", []float32{-0.5}), array(t, "bool", []bool{true}), array(t, "u8", []uint8{9}), array(t, "i32", []int32{-9}),
		}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f.safetensors")
			writeFile(t, path, test.file)
			got, err := Read(path)
			if err != nil {
				t.Fatal(err)
			}
			sameFile(t, got, test.file)

			content, err := test.file.MarshalBinary()
			if err != nil || !bytes.Equal(content, fileBytes(t, path)) {
				t.Errorf("MarshalBinary gives other bytes than Write, error %v", err)
			}
			var sent File
			if err := sent.UnmarshalBinary(content); err != nil {
				t.Fatal(err)
			}
			sameFile(t, sent, test.file)
			content[len(content)-1] ^= 1
			if err := sent.UnmarshalBinary(content); err == nil {
				t.Error("UnmarshalBinary accepts a flipped bit")
			}

			again := filepath.Join(t.TempDir(), "g.safetensors")
			writeFile(t, again, got)
			if !bytes.Equal(fileBytes(t, path), fileBytes(t, again)) {
				t.Error("what was read gives other bytes when it is written")
			}
		})
	}
}

func TestWriteMakesViewsRowMajor(t *testing.T) {
	transposed := tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float32{1, 2, 3, 4, 5, 6}))
	if err := transposed.T(); err != nil {
		t.Fatal(err)
	}
	column, err := tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float32{1, 2, 3, 4, 5, 6})).Slice(nil, tensor.S(1, 3))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "f.safetensors")
	writeFile(t, path, File{Arrays: []Array{{"transposed", transposed}, {"column", column.(*tensor.Dense)}}})
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	sameFile(t, got, File{Meta: map[string]string{}, Arrays: []Array{
		array(t, "transposed", []float32{1, 4, 2, 5, 3, 6}, 3, 2),
		array(t, "column", []float32{2, 3, 5, 6}, 2, 2),
	}})
}

func TestWriteRefuses(t *testing.T) {
	one := array(t, "a", []float32{1}, 1)
	tests := []struct {
		name string
		file File
		want string
	}{
		{"a nil array", File{Arrays: []Array{{Name: "a"}}}, `array "a"`},
		{"a name twice", File{Arrays: []Array{one, one}}, "used twice"},
		{"the reserved name", File{Arrays: []Array{{metadataKey, one.Data}}}, "reserved"},
		{"another type", File{Arrays: []Array{{"a", tensor.New(tensor.WithBacking([]int16{1, 2}))}}}, "int16"},
		{"column-major", File{Arrays: []Array{{"a", tensor.New(tensor.WithShape(2, 2), tensor.AsFortran([]float32{1, 2, 3, 4}))}}}, "strides [1 2]"},
		{"a name that is not UTF-8", File{Arrays: []Array{{"\xff", one.Data}}}, "UTF-8"},
		{"metadata that is not UTF-8", File{Meta: map[string]string{"k": "\xff"}}, "UTF-8"},
		{"a header over the limit", File{Meta: map[string]string{"k": strings.Repeat("x", maxHeader)}}, "allows 100000000"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			err := Write(filepath.Join(dir, "f.safetensors"), test.file)
			if !errors.Is(err, ErrArray) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one of ErrArray with %q", err, test.want)
			}
			if left := names(t, dir); left != nil {
				t.Errorf("the folder holds %q", left)
			}
		})
	}
}

// raw puts a file together by hand.
func raw(header string, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func TestReadForeign(t *testing.T) {
	nan := []float32{1, -2, float32(math.Inf(1))}
	tests := []struct {
		name string
		file []byte
		want File
	}{
		{"no metadata", raw(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, 5, 6), File{Arrays: []Array{array(t, "a", []uint8{5, 6}, 2)}}},
		{"padding", raw(`{}     `), File{}},
		{"spaces within, other orders", raw("{ \"b\" : {\"data_offsets\":[1,3] , \"dtype\":\"BOOL\",\n\"shape\":[2,1]}, \"a\":{\"shape\":[],\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 9, 1, 0),
			File{Arrays: []Array{array(t, "a", []uint8{9}), array(t, "b", []bool{true, false}, 2, 1)}}},
		{"bfloat16", raw(`{"a":{"dtype":"BF16","shape":[3],"data_offsets":[0,6]}}`, 0x80, 0x3f, 0x00, 0xc0, 0x80, 0x7f), File{Arrays: []Array{array(t, "a", nan, 3)}}},
		{"escaped name", raw(`{"\u0061\"":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`), File{Arrays: []Array{array(t, `a"`, []uint8{}, 0)}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f.safetensors")
			if err := os.WriteFile(path, test.file, 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := Read(path)
			if err != nil {
				t.Fatal(err)
			}
			sameFile(t, got, test.want)
		})
	}
}

func TestReadRefuses(t *testing.T) {
	const f32 = `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`
	entry := func(fields string) []byte { return raw(`{"a":{`+fields+`}}`, 0, 0, 0, 0) }
	two := func(a, b string) []byte {
		return raw(`{"a":{"dtype":"U8","shape":[2],"data_offsets":`+a+`},"b":{"dtype":"U8","shape":[2],"data_offsets":`+b+`}}`, 1, 2, 3, 4)
	}
	long := binary.LittleEndian.AppendUint64(nil, maxHeader+1)
	digest := strings.Repeat("0", 64)
	tests := []struct {
		name string
		file []byte
		is   error
		want string
	}{
		{"nothing", nil, ErrFormat, "length"},
		{"half a length", []byte{1, 0, 0}, ErrFormat, "length"},
		{"header past the end", raw(`{}`)[:9], ErrFormat, "header of 2 bytes"},
		{"header over the limit", append(long, make([]byte, 100)...), ErrFormat, "header of 100000001"},
		{"length of 2^64-1", bytes.Repeat([]byte{0xff}, 64), ErrFormat, "header of 18446744073709551615"},
		{"empty header", raw(``), ErrFormat, "not a JSON object"},
		{"leading space", raw(` {}`), ErrFormat, "not a JSON object"},
		{"trailing newline", raw("{}\n"), ErrFormat, "not a JSON object"},
		{"trailing text", raw(`{}{}`), ErrFormat, "not JSON"},
		{"trailing comma", raw(`{"a":{"dtype":"U8","shape":[1,],"data_offsets":[0,1]}}`, 0), ErrFormat, "not JSON"},
		{"not UTF-8", raw("{\"\xff\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"), ErrFormat, "UTF-8"},
		{"an array in place of an entry", raw(`{"a":[]}`), ErrFormat, `array "a"`},
		{"a name twice", raw(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`), ErrFormat, "twice"},
		{"a field twice", entry(`"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]`), ErrFormat, "twice"},
		{"metadata twice", raw(`{"__metadata__":{},"__metadata__":{}}`), ErrFormat, "twice"},
		{"a metadata key twice", raw(`{"__metadata__":{"a":"","a":""}}`), ErrFormat, "twice"},
		{"metadata of a number", raw(`{"__metadata__":{"a":1}}`), ErrFormat, "string"},
		{"metadata of null", raw(`{"__metadata__":null}`), ErrFormat, "__metadata__"},
		{"a field in capitals", entry(`"DTYPE":"F32","shape":[1],"data_offsets":[0,4]`), ErrFormat, "unknown key"},
		{"an unknown field", entry(`"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1`), ErrFormat, "unknown key"},
		{"no shape", entry(`"dtype":"F32","data_offsets":[0,4]`), ErrFormat, "lacks"},
		{"one offset", entry(`"dtype":"F32","shape":[1],"data_offsets":[0]`), ErrFormat, "lacks"},
		{"three offsets", entry(`"dtype":"F32","shape":[1],"data_offsets":[0,4,4]`), ErrFormat, "more than 2"},
		{"a negative dimension", entry(`"dtype":"F32","shape":[-1],"data_offsets":[0,4]`), ErrFormat, "nonnegative integer"},
		{"a broken dimension", entry(`"dtype":"F32","shape":[1.0],"data_offsets":[0,4]`), ErrFormat, "nonnegative integer"},
		{"an exponent", entry(`"dtype":"F32","shape":[1e0],"data_offsets":[0,4]`), ErrFormat, "nonnegative integer"},
		{"a dimension as text", entry(`"dtype":"F32","shape":["1"],"data_offsets":[0,4]`), ErrFormat, "number"},
		{"65 dimensions", entry(`"dtype":"F32","shape":[1` + strings.Repeat(",1", 64) + `],"data_offsets":[0,4]`), ErrFormat, "more than 64"},
		{"a product that overflows to 1", entry(`"dtype":"F32","shape":[4294967296,4294967296,1],"data_offsets":[0,4]`), ErrFormat, "too large"},
		{"bytes that overflow", entry(`"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]`), ErrFormat, "do not hold"},
		{"an unknown dtype", entry(`"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]`), ErrUnsupported, "F8_E4M3"},
		{"a size that does not fit the shape", entry(`"dtype":"F32","shape":[2],"data_offsets":[0,4]`), ErrFormat, "do not hold"},
		{"offsets backwards", entry(`"dtype":"F32","shape":[1],"data_offsets":[4,0]`), ErrFormat, "starts at byte 4"},
		{"a hole at the start", two(`[1,3]`, `[3,5]`), ErrFormat, "starts at byte 1"},
		{"a hole between", two(`[0,2]`, `[3,5]`), ErrFormat, "starts at byte 3"},
		{"an overlap", two(`[0,2]`, `[1,3]`), ErrFormat, "starts at byte 1"},
		{"the same bytes twice", two(`[0,2]`, `[0,2]`), ErrFormat, "starts at byte 0"},
		{"a byte too many", raw(f32, 0, 0, 0, 0, 0), ErrFormat, "has 5 for them"},
		{"a byte too few", raw(f32, 0, 0, 0), ErrFormat, "has 3 for them"},
		{"a bool of 2", raw(`{"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}`, 2), ErrFormat, "is 2"},
		{"another digest", raw(`{"__metadata__":{"sha256":"` + digest + `"}}`), ErrDigest, "SHA-256"},
		{"a digest cut short", raw(`{"__metadata__":{"sha256":"` + digest[1:] + `"}}`), ErrDigest, "64 hex digits"},
		{"a digest with escapes", raw(`{"__metadata__":{"sha256":"\u0030` + digest[1:] + `"}}`), ErrDigest, "64 hex digits"},
		{"ours without a digest", raw(`{"__metadata__":{"depthwise":"1"}}`), ErrDigest, "missing"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f.safetensors")
			if err := os.WriteFile(path, test.file, 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := Read(path)
			if !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want %q, the path and %q", err, test.is, test.want)
			}
		})
	}
}

func TestReadReportsTheSystem(t *testing.T) {
	dir := t.TempDir()
	if _, err := Read(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := Read(dir); err == nil || errors.Is(err, ErrFormat) {
		t.Errorf("a folder: %v", err)
	}
}

func TestEveryFlippedBitIsNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.safetensors")
	writeFile(t, path, File{
		Meta:   map[string]string{"a": "b", "z": "y"},
		Arrays: []Array{array(t, "w", []float32{1, 2}, 2), array(t, "step", []int64{3})},
	})
	whole := fileBytes(t, path)
	if _, verified, err := decodeFile(bytes.NewReader(whole), int64(len(whole))); err != nil || !verified {
		t.Fatalf("the whole file: %v, verified %v", err, verified)
	}
	for i := range whole {
		for bit := range 8 {
			damaged := bytes.Clone(whole)
			damaged[i] ^= 1 << bit
			if _, _, err := decodeFile(bytes.NewReader(damaged), int64(len(damaged))); err == nil {
				t.Errorf("bit %d of byte %d (%q in place of %q) went unnoticed", bit, i, damaged[i], whole[i])
			}
		}
	}
	for n := range whole {
		if _, _, err := decodeFile(bytes.NewReader(whole[:n]), int64(n)); err == nil {
			t.Errorf("cut at byte %d: unnoticed", n)
		}
	}
}

func TestNewArrayAndValues(t *testing.T) {
	if _, err := NewArray("a", []float32{1, 2}, 3); !errors.Is(err, ErrArray) {
		t.Errorf("2 elements in 3: %v", err)
	}
	if _, err := NewArray("a", []float32{1}, -1, -1); !errors.Is(err, ErrArray) {
		t.Errorf("negative dimensions: %v", err)
	}
	data := []float32{1, 2}
	values, err := Values[float32](array(t, "a", data, 2))
	if err != nil || &values[0] != &data[0] {
		t.Errorf("Values copied, or failed: %v", err)
	}
	if _, err := Values[float64](array(t, "a", data, 2)); !errors.Is(err, ErrArray) {
		t.Errorf("another type: %v", err)
	}
}
