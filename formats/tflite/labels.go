package tflite

import (
	"archive/zip"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
)

// labelsFile is the member with the class names of the zip behind the model.
const labelsFile = "labels.txt"

// firstOf1980 is the first date of the zip format: month and day from bit 5 and 0. CreateRaw writes no other field of time.
const firstOf1980 = 1<<5 | 1

// writeLabels appends a zip with the class names to the size bytes of the model, one per line in the order of the logits.
// Runtimes ignore it. It is not compressed, because Android's library maps it. Line breaks in names are written as spaces;
// the metadata has the names unchanged.
func writeLabels(out io.Writer, size int64, classes []string) error {
	if len(classes) == 0 {
		return nil
	}
	text := strings.NewReplacer("\r", " ", "\n", " ")
	var b strings.Builder
	for _, name := range classes {
		b.WriteString(text.Replace(name) + "\n")
	}
	z := zip.NewWriter(out)
	z.SetOffset(size)
	length := uint64(b.Len())
	// The header has the sum and the sizes, so that no descriptor follows, which some readers of streams do not accept.
	member, err := z.CreateRaw(&zip.FileHeader{Name: labelsFile, Method: zip.Store, ModifiedDate: firstOf1980,
		CRC32: crc32.ChecksumIEEE([]byte(b.String())), CompressedSize64: length, UncompressedSize64: length})
	if err == nil {
		_, err = io.WriteString(member, b.String())
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return fmt.Errorf("tflite: class names: %w", err)
	}
	return nil
}
