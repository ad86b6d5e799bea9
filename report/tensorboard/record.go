package tensorboard

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// An event file is a sequence of TFRecords: length (uint64), its checksum, the data, its checksum; little-endian.
// https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
const (
	headerSize = 12
	footerSize = 4
)

// maxRecord is the longest record that is read, in bytes. A picture has some hundred kilobytes.
const maxRecord = 64 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is TensorFlow's checksum: a CRC-32C, changed so that the checksum of data with checksums in it is a good one.
func masked(b []byte) uint32 {
	crc := crc32.Checksum(b, castagnoli)
	return crc>>15 | crc<<17 + 0xa282ead8
}

// appendRecord appends data as a record.
func appendRecord(b, data []byte) []byte {
	at := len(b)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(data)))
	b = binary.LittleEndian.AppendUint32(b, masked(b[at:at+8]))
	b = append(b, data...)
	return binary.LittleEndian.AppendUint32(b, masked(data))
}

// errDamaged is returned for a record that is incomplete, as after a kill, or has a wrong checksum.
var errDamaged = errors.New("damaged record")

// readRecord returns the data of the next record, io.EOF at the end, and errDamaged for a record that cannot be read: where the
// next one begins is unknown then.
func readRecord(r *bufio.Reader) ([]byte, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, torn(err)
	}
	n := binary.LittleEndian.Uint64(header[:])
	if masked(header[:8]) != binary.LittleEndian.Uint32(header[8:]) || n > maxRecord {
		return nil, fmt.Errorf("%w: wrong length", errDamaged)
	}
	data := make([]byte, n+footerSize)
	if _, err := io.ReadFull(r, data); errors.Is(err, io.EOF) {
		return nil, torn(io.ErrUnexpectedEOF)
	} else if err != nil {
		return nil, torn(err)
	}
	data, sum := data[:n], data[n:]
	if masked(data) != binary.LittleEndian.Uint32(sum) {
		return nil, fmt.Errorf("%w: wrong checksum", errDamaged)
	}
	return data, nil
}

func torn(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: incomplete", errDamaged)
	}
	return err
}
