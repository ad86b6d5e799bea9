package checkpoints

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"unicode/utf8"

	"depthwise.dev/internal/atomicfile"
)

// File is the content of a safetensors file: ordered arrays, and text.
type File struct {
	Arrays []Array
	Meta   map[string]string // the "__metadata__" entries; "sha256" and "depthwise" are reserved for Write
}

// Lookup returns the array of that name.
func (f File) Lookup(name string) (Array, bool) {
	i := slices.IndexFunc(f.Arrays, func(a Array) bool { return a.Name == name })
	if i < 0 {
		return Array{}, false
	}
	return f.Arrays[i], true
}

// MarshalBinary returns the bytes that [Write] stores, with their SHA-256.
func (f File) MarshalBinary() ([]byte, error) {
	im, err := newImage(f)
	if err != nil {
		return nil, fmt.Errorf("checkpoints: %w", err)
	}
	var b bytes.Buffer
	err = im.writeTo(&b)
	return b.Bytes(), err
}

// UnmarshalBinary is [Read] of the content of a file.
func (f *File) UnmarshalBinary(content []byte) error {
	read, _, err := decodeFile(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return fmt.Errorf("checkpoints: %w", err)
	}
	*f = read
	return nil
}

// filePerm is the mode of new files, before the umask.
const filePerm = 0o666

// Write stores f at path as safetensors, with its SHA-256. It replaces the file atomically: the old
// file remains until the new one is complete and synced. Equal files give equal bytes. It returns
// ErrArray, before it touches the disk, if f cannot be stored.
//
// If only the sync of the folder fails, the error is returned although the new file is complete.
func Write(path string, f File) error { return write(atomicfile.OS{}, path, f) }

func write(fsys atomicfile.FS, path string, f File) error {
	im, err := newImage(f)
	if err != nil {
		return fmt.Errorf("checkpoints: %s: %w", path, err)
	}
	if err := atomicfile.WriteTo(fsys, path, filePerm, im.writeTo); err != nil {
		return fmt.Errorf("checkpoints: write %s: %w", path, err)
	}
	return nil
}

// image is the serialized form of a File.
type image struct {
	head   []byte // length and JSON header
	values []any  // of each array, as flatten returns them
}

func (im image) writeTo(w io.Writer) error {
	if _, err := w.Write(im.head); err != nil {
		return err
	}
	e := encoder{w: w}
	for _, v := range im.values {
		if err := e.encode(v); err != nil {
			return err
		}
	}
	return nil
}

// dtypes are the names of element types in a header. F16 and BF16 are read only.
var dtypes = map[string]kind{
	"F16": kindF16, "BF16": kindBF16, "F32": kindF32, "F64": kindF64, "I64": kindI64, "I32": kindI32, "U8": kindU8, "BOOL": kindBool,
}

func dtypeOf(k kind) string {
	for name, other := range dtypes {
		if other == k {
			return name
		}
	}
	return ""
}

// newImage serializes the header, with the arrays in order and the metadata sorted by key, and adds
// the digest.
func newImage(f File) (image, error) {
	im := image{values: make([]any, len(f.Arrays))}
	text := bytes.NewBuffer(make([]byte, 8)) // the length is written last
	digestAt, err := writeMetadata(text, f.Meta)
	if err != nil {
		return im, err
	}
	if im.values, err = writeEntries(text, f.Arrays); err != nil {
		return im, err
	}
	text.WriteByte('}')
	for text.Len()%8 != 0 { // so that arrays start at a multiple of 8 bytes, as in the reference implementation
		text.WriteByte(' ')
	}
	if text.Len()-8 > maxHeader {
		return im, fmt.Errorf("%w: a header of %d bytes, the format allows %d", ErrArray, text.Len()-8, maxHeader)
	}
	im.head = text.Bytes()
	binary.LittleEndian.PutUint64(im.head, uint64(len(im.head)-8))

	sum := sha256.New()
	if err := im.writeTo(sum); err != nil {
		return im, err
	}
	putDigest(im.head[digestAt:], sum.Sum(nil))
	return im, nil
}

// writeMetadata writes the start of the header. The digest at digestAt is 64
// zeros until the file's content is known.
func writeMetadata(text *bytes.Buffer, meta map[string]string) (digestAt int, err error) {
	all := maps.Clone(meta)
	if all == nil {
		all = map[string]string{}
	}
	all[digestKey], all[markKey] = noDigest, markValue
	text.WriteString(`{"` + metadataKey + `":{`)
	for i, key := range slices.Sorted(maps.Keys(all)) {
		if i > 0 {
			text.WriteByte(',')
		}
		if err := writeText(text, key); err != nil {
			return 0, fmt.Errorf("metadata: %w", err)
		}
		text.WriteByte(':')
		if err := writeText(text, all[key]); err != nil {
			return 0, fmt.Errorf("metadata %q: %w", key, err)
		}
		if key == digestKey {
			digestAt = text.Len() - 1 - digestDigits
		}
	}
	text.WriteByte('}')
	return digestAt, nil
}

func writeEntries(text *bytes.Buffer, arrays []Array) ([]any, error) {
	values := make([]any, len(arrays))
	seen := map[string]bool{metadataKey: true}
	end := 0
	for i, a := range arrays {
		if seen[a.Name] {
			return nil, fmt.Errorf("array %q: %w: the name is reserved or used twice", a.Name, ErrArray)
		}
		seen[a.Name] = true
		var err error
		if values[i], err = flatten(a.Data); err != nil {
			return nil, fmt.Errorf("array %q: %w", a.Name, err)
		}
		k := kindOf(values[i])
		shape := append([]int{}, a.Data.Shape()...)
		n, _ := elements(shape) // flatten has checked it
		begin := end
		end += n * k.size()

		text.WriteByte(',')
		if err := writeText(text, a.Name); err != nil {
			return nil, fmt.Errorf("array %q: %w", a.Name, err)
		}
		fmt.Fprintf(text, `:{"dtype":%q,"shape":`, dtypeOf(k))
		writeIntegers(text, shape)
		text.WriteString(`,"data_offsets":`)
		writeIntegers(text, []int{begin, end})
		text.WriteByte('}')
	}
	return values, nil
}

func writeIntegers(text *bytes.Buffer, list []int) {
	text.WriteByte('[')
	for i, n := range list {
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprint(text, n)
	}
	text.WriteByte(']')
}

// writeText writes a JSON string.
func writeText(text *bytes.Buffer, s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("%w: %q is not UTF-8", ErrArray, s)
	}
	enc := json.NewEncoder(text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return err
	}
	text.Truncate(text.Len() - 1) // the newline that Encode adds
	return nil
}
