package classify

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"

	"depthwise.dev/checkpoints"
	"depthwise.dev/data"
	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/internal/regularfile"
	"gorgonia.org/tensor"
)

// pathColumn is the first column of the CSV files. Bytes of paths that are not UTF-8 are written as \xe9, see
// [data.EscapeName].
const pathColumn = "path"

// WriteNPY writes the embeddings as a .npy file, float32 (N, Dim), and the paths of its rows as a CSV file with one
// column, "path".
func (e Embeddings) WriteNPY(file, paths string) error {
	a, err := checkpoints.NewArray("embeddings", e.Values, len(e.Paths), e.Dim)
	if err != nil {
		return err
	}
	if err := checkpoints.WriteNPY(file, a.Data); err != nil {
		return err
	}
	return e.writeRows(paths, 0)
}

// WriteCSV writes the embeddings as a CSV file: the columns "path", "0", "1", ... and a row for each image. The
// values are read back with the same bits.
func (e Embeddings) WriteCSV(file string) error { return e.writeRows(file, e.Dim) }

// writeRows writes the paths and the first values of each row.
func (e Embeddings) writeRows(file string, columns int) error {
	err := atomicfile.Write(file, 0o644, func(w io.Writer) error {
		c := csv.NewWriter(w)
		record := []string{pathColumn}
		for i := range columns {
			record = append(record, strconv.Itoa(i))
		}
		if err := c.Write(record); err != nil {
			return err
		}
		for i, path := range e.Paths {
			record[0] = data.EscapeName(path)
			for j, x := range e.Row(i)[:columns] {
				record[1+j] = strconv.FormatFloat(float64(x), 'g', -1, 32)
			}
			if err := c.Write(record); err != nil {
				return err
			}
		}
		c.Flush()
		return c.Error()
	})
	if err != nil {
		return fmt.Errorf("classify: write %s: %w", file, err)
	}
	return nil
}

// ReadEmbeddings reads what WriteNPY wrote or, if paths is empty, what WriteCSV wrote.
func ReadEmbeddings(file, paths string) (Embeddings, error) {
	if paths == "" {
		e, err := readRows(file)
		if err == nil && e.Dim == 0 {
			err = fmt.Errorf("classify: %s: lists paths without values: it belongs to a .npy file; name that one", file)
		}
		return e, err
	}
	d, err := checkpoints.ReadNPY(file)
	if err != nil {
		return Embeddings{}, err
	}
	e, err := readRows(paths)
	if err != nil {
		return Embeddings{}, err
	}
	shape := d.Shape()
	switch {
	case d.Dtype() != tensor.Float32 || len(shape) != 2 || shape[1] < 1:
		return Embeddings{}, fmt.Errorf("classify: %s: holds %v of shape %v: must be float32 of shape (images, features), as train embed writes it; in NumPy: x.astype(numpy.float32)", file, d.Dtype(), shape)
	case shape[0] != len(e.Paths):
		return Embeddings{}, fmt.Errorf("classify: %s has %d rows and %s lists %d images: they are not of one run of train embed; run it again", file, shape[0], paths, len(e.Paths))
	}
	e.Dim = shape[1]
	if e.Values, err = checkpoints.Values[float32](checkpoints.Array{Name: file, Data: d}); err != nil {
		return Embeddings{}, err
	}
	return e, e.finite(file)
}

// readRows reads a CSV file.
func readRows(file string) (Embeddings, error) {
	f, err := regularfile.Open(file)
	if err != nil {
		return Embeddings{}, fmt.Errorf("classify: %w", err)
	}
	defer f.Close() // opened for reading: the error carries no information
	e, err := parseRows(f)
	if err != nil {
		return Embeddings{}, fmt.Errorf("classify: %s: %w", file, err)
	}
	return e, e.finite(file)
}

// parseRows reads the rows of a CSV file.
func parseRows(r io.Reader) (e Embeddings, err error) {
	c := csv.NewReader(r)
	c.ReuseRecord = true
	header, err := c.Read()
	if errors.Is(err, io.EOF) {
		return e, errors.New("the file is empty")
	}
	if err != nil {
		return e, err
	}
	if header[0] != pathColumn {
		return e, fmt.Errorf("its first column is %q: must be %q, as train embed writes it", header[0], pathColumn)
	}
	e.Dim = len(header) - 1
	for {
		record, err := c.Read()
		if errors.Is(err, io.EOF) {
			return e, nil
		}
		if err != nil {
			return Embeddings{}, err
		}
		for i, text := range record[1:] {
			x, err := strconv.ParseFloat(text, 32)
			if err != nil {
				line, _ := c.FieldPos(1 + i)
				return Embeddings{}, fmt.Errorf("line %d: %q is no number", line, text)
			}
			e.Values = append(e.Values, float32(x))
		}
		e.Paths = append(e.Paths, data.UnescapeName(record[0]))
	}
}

// finite names the first image whose embedding has a value that is not finite.
func (e Embeddings) finite(file string) error {
	for i, path := range e.Paths {
		if n := norm(e.Row(i)); n-n != 0 { // NaN or infinite
			return fmt.Errorf("classify: %s: the embedding of %s has values that are not finite; run train embed again", file, data.ShowName(path))
		}
	}
	return nil
}

// IsPathList reports whether a file is a list of paths that WriteNPY wrote.
func IsPathList(file string) bool {
	e, err := readRows(file)
	return err == nil && e.Dim == 0
}
