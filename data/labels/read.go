package labels

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"depthwise.dev/data/internal/names"
	"depthwise.dev/internal/regularfile"
)

// maxFile is the size of the largest file in bytes: about ten million rows.
const maxFile = 1 << 30

// table is a file with its header.
type table struct {
	path    string
	columns []string // names, trimmed
	rows    []row
}

// row has as many fields as the table has columns.
type row struct {
	line   int // in the file, from 1
	fields []string
}

// errorf is an error at a line.
func (t table) errorf(line int, format string, args ...any) error {
	return fmt.Errorf("data: %s line %d: %s", names.Show(t.path), line, fmt.Sprintf(format, args...))
}

// readTable reads a CSV file.
func readTable(path string) (table, error) {
	f, err := regularfile.Open(path)
	if err != nil {
		return table{}, fmt.Errorf("data: the list of images: %w", err)
	}
	defer f.Close() // opened for reading: the error carries no information
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return table{}, fmt.Errorf("data: the list of images: %w", err)
	}
	if len(text) > maxFile {
		return table{}, fmt.Errorf("data: %s: more than %d MB; a list of that many images belongs into shards, or into several data sets", names.Show(path), maxFile>>20)
	}
	return parseTable(path, text)
}

// parseTable parses the text of a file: UTF-8, with or without byte order mark, lines that end in \n or \r\n.
func parseTable(path string, text []byte) (table, error) {
	t := table{path: path}
	text, err := decoded(path, text)
	if err != nil {
		return t, err
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = fieldSeparator(text)
	r.FieldsPerRecord = -1 // compared below, with advice
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if parse, ok := errors.AsType[*csv.ParseError](err); ok {
			return t, t.errorf(parse.StartLine, "%v; a field with quotes is enclosed in quotes, and those in it are doubled", parse.Err)
		}
		if err != nil {
			return t, fmt.Errorf("data: %s: %w", names.Show(path), err)
		}
		line, _ := r.FieldPos(0)
		if err := t.add(line, fields); err != nil {
			return t, err
		}
	}
	if t.columns == nil {
		return t, fmt.Errorf("data: %s: the file is empty; it needs a header such as path,labels and a row for each image", names.Show(path))
	}
	return t, nil
}

// add adds the header or a row. Rows without any value, as spreadsheets leave them, are skipped.
func (t *table) add(line int, fields []string) error {
	for i, f := range fields {
		fields[i] = strings.TrimSpace(f)
	}
	if strings.Join(fields, "") == "" {
		return nil
	}
	if t.columns == nil {
		t.columns = fields
		return nil
	}
	if len(fields) != len(t.columns) {
		return t.errorf(line, "%d fields, and the header has %d (%s); enclose a field with separators in quotes, such as \"cat,dog\"",
			len(fields), len(t.columns), names.Quote(t.columns))
	}
	t.rows = append(t.rows, row{line, fields})
	return nil
}

// decoded returns the text without byte order mark, or says in which other encoding or format it is.
func decoded(path string, text []byte) ([]byte, error) {
	wrong := func(what string) error {
		return fmt.Errorf("data: %s: %s; save it as CSV in UTF-8", names.Show(path), what)
	}
	switch {
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")):
		return nil, wrong("the text is UTF-16")
	case bytes.HasPrefix(text, []byte("PK\x03\x04")):
		return nil, wrong("this is a zip file or the workbook of a spreadsheet")
	case bytes.HasPrefix(text, []byte("\x1f\x8b")):
		return nil, wrong("the file is compressed with gzip")
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if i := bytes.IndexByte(text, 0); i >= 0 {
		return nil, wrong(fmt.Sprintf("line %d holds a zero byte: this is no text", lineOf(text, i)))
	}
	if i := invalidUTF8(text); i >= 0 {
		return nil, wrong(fmt.Sprintf("line %d is not UTF-8 (byte 0x%x)", lineOf(text, i), text[i]))
	}
	if bytes.IndexByte(text, '\n') < 0 && bytes.IndexByte(bytes.TrimRight(text, "\r"), '\r') >= 0 {
		return nil, wrong("its lines end in \\r alone")
	}
	return text, nil
}

func lineOf(text []byte, at int) int { return 1 + bytes.Count(text[:at], []byte("\n")) }

// invalidUTF8 returns the position of the first byte that is not UTF-8, or -1.
func invalidUTF8(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// fieldSeparator is a tab or a semicolon if the header has one and no comma, as spreadsheets write them.
func fieldSeparator(text []byte) rune {
	header, _, _ := bytes.Cut(text, []byte("\n"))
	for _, c := range []byte("\t;") {
		if bytes.IndexByte(header, c) >= 0 && bytes.IndexByte(header, ',') < 0 {
			return rune(c)
		}
	}
	return ','
}
