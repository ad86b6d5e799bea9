package pickle

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"strconv"
)

// Member is a member of an archive besides its objects.
type Member struct {
	Name    string // without the archive's folder
	Content []byte
}

// archiveFolder holds all members of an archive; PyTorch accepts any name.
const archiveFolder = "archive"

// alignment of the content of members, PyTorch's, so that storages can be mapped into memory.
const alignment = 64

// Write writes the zip form of torch.save: first members that PyTorch finds by their names, then the pickle of an object, its
// storages, and what identifies the version. Equal values give equal bytes. The writer need not seek.
//
// Objects are made of nil, bool, int, float64, string, *[Dict], *[OrderedDict], *[Object] and [Array].
func Write(w io.Writer, root any, first []Member, last []Member) error {
	text, arrays, err := encode(root)
	if err != nil {
		return err
	}
	out := &counter{w: w}
	a := archiveWriter{zip.NewWriter(out), out}
	for _, m := range slices.Concat(first, []Member{{"data.pkl", text}, {"byteorder", []byte("little")}}) {
		if err := a.bytes(m); err != nil {
			return err
		}
	}
	for i, array := range arrays {
		if err := a.member("data/"+strconv.Itoa(i), func(w io.Writer) error { return writeValues(w, array.Values) }); err != nil {
			return err
		}
	}
	// The version of the file format; 3 is what PyTorch 2.15 writes too, for state dicts and for operations that never changed.
	for _, m := range slices.Concat([]Member{{"version", []byte("3\n")}}, last) {
		if err := a.bytes(m); err != nil {
			return err
		}
	}
	return a.zip.Close()
}

// archiveWriter writes the members of an archive, stored without compression and aligned.
type archiveWriter struct {
	zip *zip.Writer
	out *counter
}

func (a archiveWriter) bytes(m Member) error {
	return a.member(m.Name, func(w io.Writer) error {
		_, err := w.Write(m.Content)
		return err
	})
}

// member calls write twice: the checksum stands before the content.
func (a archiveWriter) member(name string, write func(io.Writer) error) error {
	sum := crc32.NewIEEE()
	size := &counter{w: sum}
	if err := write(size); err != nil {
		return err
	}
	if err := a.zip.Flush(); err != nil {
		return err
	}
	h := &zip.FileHeader{Name: archiveFolder + "/" + name, Method: zip.Store, ModifiedDate: 1<<5 | 1, // the earliest date, 1 January 1980
		CRC32: sum.Sum32(), UncompressedSize64: uint64(size.n), CompressedSize64: uint64(size.n)}
	h.Extra = padding(a.out.n, len(h.Name))
	w, err := a.zip.CreateRaw(h)
	if err != nil {
		return fmt.Errorf("pickle: %s: %w", name, err)
	}
	return write(w)
}

// padding is an extra field, PyTorch's "FB", after which the content of a member is aligned. at is where its header begins.
func padding(at int64, name int) []byte {
	const header, field = 30, 4 // bytes of a local header, and of a field's name and length
	begin := at + header + field + int64(name)
	n := int(alignment-begin%alignment) % alignment
	extra := binary.LittleEndian.AppendUint16([]byte("FB"), uint16(n))
	for range n {
		extra = append(extra, 'Z')
	}
	return extra
}

// writeValues writes numbers in little-endian order, through a small buffer.
func writeValues(w io.Writer, values any) error {
	const chunk = 8192
	buffer := make([]byte, 0, 8*chunk)
	switch values := values.(type) {
	case []float32:
		for begin := 0; begin < len(values); begin += chunk {
			buffer = buffer[:0]
			for _, v := range values[begin:min(begin+chunk, len(values))] {
				buffer = binary.LittleEndian.AppendUint32(buffer, math.Float32bits(v))
			}
			if _, err := w.Write(buffer); err != nil {
				return err
			}
		}
	case []int64:
		for _, v := range values {
			buffer = binary.LittleEndian.AppendUint64(buffer, uint64(v))
		}
		_, err := w.Write(buffer)
		return err
	}
	return nil
}

// counter counts the bytes that it passes on.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}
