package pickle

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

func dictOf(keysAndValues ...any) Dict {
	var d Dict
	for i := 0; i < len(keysAndValues); i += 2 {
		d.Keys, d.Values = append(d.Keys, keysAndValues[i]), append(d.Values, keysAndValues[i+1])
	}
	return d
}

// TestWrite: what is written is read, and is a zip of stored members whose content begins at multiples of 64.
func TestWrite(t *testing.T) {
	large := make([]float32, 20_000) // more than a buffer
	for i := range large {
		large[i] = float32(i)
	}
	d := dictOf("w", Array{[]int{2, 3}, []float32{1, -2, float32(math.Inf(1)), 4, 5, 6}}, "n", Array{nil, []int64{-7}}, "empty", Array{[]int{0, 3}, []float32{}},
		"large", Array{[]int{100, 200}, large}, "ü", Array{[]int{1}, []float32{3}})
	ordered := OrderedDict(d)
	var b, again bytes.Buffer
	first, last := []Member{{"code/x.py", []byte("pass")}}, []Member{{"extra/m", []byte("{}")}}
	if err := Write(&b, &ordered, first, last); err != nil {
		t.Fatal(err)
	}
	if err := Write(&again, &ordered, first, last); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Errorf("the bytes change, %v", err)
	}
	entries, _, values, err := read(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(d.Keys) || !slices.Equal(values["w"], []float32{1, -2, float32(math.Inf(1)), 4, 5, 6}) || !slices.Equal(values["n"], []float32{-7}) ||
		len(values["empty"]) != 0 || !slices.Equal(values["large"], large) || !slices.Equal(values["ü"], []float32{3}) {
		t.Errorf("%d entries %v", len(entries), values["w"])
	}
	f, err := New(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := f.Member("extra/m"); err != nil || string(text) != "{}" {
		t.Errorf("member %q, %v", text, err)
	}
	if text, err := f.Member("extra/none"); err != nil || text != nil {
		t.Errorf("no member %q, %v", text, err)
	}
	checkLayout(t, b.Bytes())
}

// checkLayout looks at the members of an archive.
func checkLayout(t *testing.T, b []byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range z.File {
		at, err := m.DataOffset()
		if err != nil {
			t.Fatal(err)
		}
		if m.Method != zip.Store || at%64 != 0 || m.Flags&8 != 0 {
			t.Errorf("%s: method %d, at %d, flags %x", m.Name, m.Method, at, m.Flags)
		}
		r, err := m.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil { // compares the checksum
			t.Errorf("%s: %v", m.Name, err)
		}
		if i == 0 && m.Name != "archive/code/x.py" {
			t.Errorf("the first member is %s", m.Name)
		}
	}
}

// TestEncode: the opcodes of each kind of value, after the protocol and before the end.
func TestEncode(t *testing.T) {
	for _, c := range []struct {
		name string
		v    any
		want string // the pickle, or part of the error
		ok   bool
	}{
		{"None", nil, "N", true},
		{"true", true, "\x88", true},
		{"false", false, "\x89", true},
		{"small", 255, "K\xff", true},
		{"larger", 256, "J\x00\x01\x00\x00", true},
		{"negative", -1, "J\xff\xff\xff\xff", true},
		{"too large", 1 << 40, "more than 32 bits", false},
		{"float", 1.5, "G\x3f\xf8\x00\x00\x00\x00\x00\x00", true},
		{"text", "ä", "X\x02\x00\x00\x00ä", true},
		{"dict", &Dict{[]any{"a"}, []any{nil}}, "}(X\x01\x00\x00\x00aNu", true},
		{"ordered dict", &OrderedDict{}, "ccollections\nOrderedDict\n)R(u", true},
		{"object", &Object{"m", "C", Dict{[]any{"a"}, []any{true}}}, "cm\nC\n)\x81}(X\x01\x00\x00\x00a\x88ub", true},
		{"dict without values", &Dict{Keys: []any{"a"}}, "1 keys and 0 values", false},
		{"other type", struct{}{}, "a struct {} cannot be written", false},
		{"array of another type", Array{[]int{1}, []float64{1}}, "an array of []float64", false},
		{"array of another size", Array{[]int{2}, []float32{1}}, "1 values for the shape [2]", false},
	} {
		text, _, err := encode(c.v)
		if c.ok && (err != nil || string(text) != "\x80\x02"+c.want+".") || !c.ok && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %q, error %v; want %q", c.name, text, err, c.want)
		}
	}
}

// failing fails after n bytes, as a full disk does.
type failing struct{ n int }

var errFull = errors.New("full")

func (f *failing) Write(b []byte) (int, error) {
	if f.n -= len(b); f.n < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestWriteReportsErrors(t *testing.T) {
	d := dictOf("w", Array{[]int{40_000}, make([]float32, 40_000)})
	for _, n := range []int{0, 100, 1000, 100_000} {
		if err := Write(&failing{n}, &d, nil, nil); !errors.Is(err, errFull) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}
