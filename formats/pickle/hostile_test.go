package pickle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// legacy is a file of the older form whose objects are made by opcodes, with one storage "0" of two float32 elements
// behind it.
func legacy(opcodes string, keysAndStorages ...byte) []byte {
	text := func(s string) string { return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s }
	b := "\x80\x02\x8a\x0a" + string(legacyMagic) + "." + "\x80\x02M\xe9\x03." + "\x80\x02}" + text("little_endian") + "\x88s." + opcodes
	if keysAndStorages == nil {
		b += "\x80\x02]" + text("0") + "a." + "\x02\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x80\x3f\x00\x00\x00\x40"
	}
	return append([]byte(b), keysAndStorages...)
}

// noStorages is an empty list of keys.
var noStorages = []byte("\x80\x02].")

// storageOf is the opcodes of a reference to a storage; n is an opcode of its elements.
func storageOf(class, n string) string {
	return "(U\x07storagec" + "torch\n" + class + "\nU\x010U\x03cpu" + n + "tQ"
}

// tensorOf is the opcodes of a dict with a tensor "w"; rest are the arguments behind the storage.
func tensorOf(storage, rest string) string {
	return "\x80\x02}U\x01wctorch._utils\n_rebuild_tensor_v2\n(" + storage + rest + "\x89ccollections\nOrderedDict\n)Rt" + "Rs."
}

// TestLegacyBytes: the files that the tests below change are right unchanged.
func TestLegacyBytes(t *testing.T) {
	_, _, values, err := read(legacy(tensorOf(storageOf("FloatStorage", "K\x02"), "K\x00K\x02\x85K\x01\x85")))
	if err != nil || len(values["w"]) != 2 || values["w"][1] != 2 {
		t.Errorf("%v, %v", values, err)
	}
}

// TestRefuses: files that are damaged, hostile, or hold what is not read. No error says that code was run.
func TestRefuses(t *testing.T) {
	float2 := storageOf("FloatStorage", "K\x02")
	deep := strings.Repeat("]", 100_000) + strings.Repeat("a", 99_999) + "."
	for _, c := range []struct {
		name string
		file []byte
		is   error
		want string
	}{
		{"empty", nil, ErrFormat, "ends early|0 of 0"},
		{"a call of os.system", file(t, "refused_system.pth"), ErrRefused, "the global posix.system|the global nt.system"},
		{"a call of eval", file(t, "refused_eval.pth"), ErrRefused, "the global __builtin__.eval"},
		{"a call of getattr", file(t, "refused_getattr.pth"), ErrRefused, "the global __builtin__.getattr"},
		{"a whole model", file(t, "refused_whole_model.pth"), ErrRefused, "the global models.Net"},
		{"a list", file(t, "refused_list.pth"), ErrRefused, "it holds a list"},
		{"no state dict", file(t, "refused_no_state.pth"), ErrRefused, "its keys are epoch, lr"},
		{"complex numbers", file(t, "refused_complex.pth"), ErrRefused, "ComplexFloatStorage"},
		{"TorchScript", file(t, "refused_torchscript.pt"), ErrRefused, "TorchScript"},
		{"protocol 0", file(t, "refused_protocol0.pth"), ErrRefused, "the opcode"},
		{"a pickle of something else", file(t, "refused_plain.pth"), ErrFormat, "not one of torch.save"},
		{"half of a zip", file(t, "zip.pth")[:2000], nil, "not a valid zip"},
		{"half of a legacy file", file(t, "legacy.pth")[:1700], ErrFormat, ""},
		{"an opcode that does not exist", legacy("\x80\x02\xff."), ErrFormat, "no opcode"},
		{"an extension opcode", legacy("\x80\x02\x82\x01."), ErrRefused, "EXT1"},
		{"INST", legacy("\x80\x02(ios\nsystem\n."), ErrRefused, "INST"},
		{"STACK_GLOBAL", legacy("\x80\x04\x8c\x05posix\x8c\x06system\x93."), ErrRefused, "posix.system"},
		{"a global with a name of 2,000 bytes", legacy("\x80\x02c" + strings.Repeat("a", 2000) + "\nx\n."), ErrFormat, "a name of more than"},
		{"protocol 9", legacy("\x80\x09N."), ErrRefused, "protocol 9"},
		{"nothing on the stack", legacy("\x80\x02."), ErrFormat, "nothing on the stack"},
		{"pop below a mark", legacy("\x80\x02N(s."), ErrFormat, "fewer than 2"},
		{"no mark", legacy("\x80\x02t."), ErrFormat, "no mark"},
		{"an unknown memo", legacy("\x80\x02h\x07."), ErrFormat, "remembered as 7"},
		{"a text of 4 GB", legacy("\x80\x02X\xff\xff\xff\xff"), ErrFormat, "4294967295 bytes"},
		{"a text of 2^64 bytes", legacy("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff"), ErrFormat, "18446744073709551615 bytes"},
		{"an integer of 4 GB", legacy("\x80\x02\x8b\xff\xff\xff\xff"), ErrFormat, "4294967295 bytes"},
		{"a call of a number", legacy("\x80\x02K\x01)R."), ErrFormat, "a call of a int64"},
		{"items of a number", legacy("\x80\x02K\x01K\x02a."), ErrFormat, "appended to a int64"},
		{"keys of a list", legacy("\x80\x02]K\x01K\x02s."), ErrFormat, "keys set in a list"},
		{"a key without a value", legacy("\x80\x02}(K\x01u."), ErrFormat, "a key without a value"},
		{"nested 100,000 deep", legacy("\x80\x02"+deep, noStorages...), ErrRefused, "it holds a list"},
		{"a list in itself", legacy("\x80\x02]q\x00h\x00a.", noStorages...), ErrRefused, "it holds a list"},
		{"a dict in itself", legacy("\x80\x02}q\x00U\x05modelh\x00s.", noStorages...), ErrRefused, "no state dict"},
		{"three million opcodes", legacy("\x80\x02" + strings.Repeat("N0", 1_500_000) + "N."), ErrFormat, "opcodes"},
		{"a tensor of a number", legacy(tensorOf("K\x01", "K\x00K\x02\x85K\x01\x85")), ErrFormat, "in place of a storage"},
		{"a negative size", legacy(tensorOf(float2, "K\x00J\xfe\xff\xff\xff\x85K\x01\x85")), ErrFormat, "size"},
		{"a negative stride", legacy(tensorOf(float2, "K\x01K\x02\x85J\xff\xff\xff\xff\x85")), ErrFormat, "strides"},
		{"a stride of 0", legacy(tensorOf(float2, "K\x00J\xff\xff\xff\x7f\x85K\x00\x85")), ErrFormat, "of a storage of 2"},
		{"sizes that overflow", legacy(tensorOf(float2, "K\x00("+strings.Repeat("J\xff\xff\xff\x7f", 5)+"t(K\x00K\x00K\x00K\x00K\x00t")), ErrFormat, "of a storage of 2"},
		{"an offset beyond the storage", legacy(tensorOf(float2, "K\x01K\x02\x85K\x01\x85")), ErrFormat, "at 1 of a storage of 2"},
		{"an offset of 2^62", legacy(tensorOf(float2, "\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40K\x02\x85K\x01\x85")), ErrFormat, "offset"},
		{"more strides than sizes", legacy(tensorOf(float2, "K\x00K\x02\x85K\x01K\x01\x86")), ErrFormat, "strides"},
		{"a storage of an unknown class", legacy(tensorOf(storageOf("QuantStorage", "K\x02"), "K\x00K\x02\x85K\x01\x85")), ErrRefused, "torch.QuantStorage"},
		{"a storage of 2^40 elements", legacy(tensorOf(storageOf("FloatStorage", "\x8a\x06\x00\x00\x00\x00\x00\x01"), "K\x00K\x02\x85K\x01\x85")), ErrFormat, "elements"},
		{"a negative storage", legacy(tensorOf(storageOf("FloatStorage", "J\xff\xff\xff\xff"), "K\x00K\x02\x85K\x01\x85")), ErrFormat, "elements"},
		{"a storage of another size", legacy(tensorOf(storageOf("FloatStorage", "K\x03"), "K\x00K\x02\x85K\x01\x85")), ErrFormat, "want 3"},
		{"no keys of storages", legacy(tensorOf(float2, "K\x00K\x02\x85K\x01\x85"), []byte("\x80\x02N.")...), ErrFormat, "keys of storages"},
		{"a key that no tensor has", legacy(tensorOf(float2, "K\x00K\x02\x85K\x01\x85"), []byte("\x80\x02]U\x019a.")...), ErrFormat, `"9"`},
		{"no storage", legacy(tensorOf(float2, "K\x00K\x02\x85K\x01\x85"), noStorages...), ErrFormat, `no storage "0"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, _, err := read(c.file)
			if err == nil || c.is != nil && !errors.Is(err, c.is) || !containsAny(err.Error(), strings.Split(c.want, "|")) {
				t.Errorf("error %v, want %v with %q", err, c.is, c.want)
			}
		})
	}
}

func containsAny(text string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

// TestTensorsShareBudget: many tensors of one large storage cost what they take in memory.
func TestTensorsShareBudget(t *testing.T) {
	var b strings.Builder
	b.WriteString("\x80\x02}")
	for i := range 200 { // 200 tensors of 400 kB, of a storage of 400 kB: 80 MB
		fmt.Fprintf(&b, "U\x03%03d", i)
		b.WriteString(strings.TrimSuffix(strings.TrimPrefix(tensorOf(storageOf("FloatStorage", "J\xa0\x86\x01\x00"), "K\x00J\xa0\x86\x01\x00\x85K\x01\x85"), "\x80\x02}U\x01w"), "."))
	}
	b.WriteString(".")
	text := "\x80\x02]U\x010a.\xa0\x86\x01\x00\x00\x00\x00\x00" + strings.Repeat("\x00", 400_000)
	_, _, _, err := read(legacy(b.String(), []byte(text)...))
	if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "larger than its size allows") {
		t.Error(err)
	}
}

// FuzzRead: whatever the bytes are, reading ends, and tensors have the sizes that they say.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"zip.pth", "zip_protocol5.pth", "legacy.pth", "checkpoint_legacy.pth", "refused_system.pth", "refused_protocol0.pth", "refused_torchscript.pt"} {
		f.Add(file(f, name))
	}
	f.Add(legacy(tensorOf(storageOf("FloatStorage", "K\x02"), "K\x00K\x02\x85K\x01\x85")))
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, _, values, err := read(b)
		if err != nil {
			return
		}
		for _, e := range entries {
			n := 1
			for _, d := range e.Tensor.Size {
				n *= d
			}
			if len(values[e.Name]) != n {
				t.Errorf("%d values of size %v", len(values[e.Name]), e.Tensor.Size)
			}
		}
	})
}

// FuzzPickle runs the opcodes alone, past the framing of a file.
func FuzzPickle(f *testing.F) {
	f.Add([]byte(tensorOf(storageOf("FloatStorage", "K\x02"), "K\x00K\x02\x85K\x01\x85")))
	f.Add([]byte("\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94K\x01\x8c\x01b\x94]\x94(K\x02K\x03eu."))
	f.Fuzz(func(_ *testing.T, b []byte) {
		v, err := load(newInput(bytes.NewReader(b), int64(len(b))), map[string]*storage{})
		if err == nil {
			file := File{Root: v}
			_, _, _ = file.State() // must return; its error is not of interest
		}
	})
}
