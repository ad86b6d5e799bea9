package classify

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"depthwise.dev/data"
)

// maxList bounds a list on standard input: ten million paths of 100 bytes.
const maxList = 1 << 30

// detected is the number of bytes by which an image is told from a list.
const detected = 512

// standardInput adds the image or the list of arguments on standard input. Its errors are those of the command line; others are
// in the place of the images.
func (l *lister) standardInput(ctx context.Context) error {
	if l.readStdin {
		return errors.New("classify: - is given twice: standard input can be read once")
	}
	l.readStdin = true
	if l.options.Stdin == nil {
		l.fail("-", errors.New("there is no standard input"))
		return nil
	}
	in := bufio.NewReader(l.options.Stdin)
	start, err := in.Peek(detected)
	if err != nil && !errors.Is(err, io.EOF) {
		l.fail("-", reason(err))
		return nil
	}
	limit := int64(maxList)
	_, wrong := data.DetectFormat(start)
	if wrong == nil {
		limit = data.MaxFileSize
	}
	content, err := io.ReadAll(io.LimitReader(in, limit+1))
	switch {
	case err != nil:
		l.fail("-", reason(err))
	case int64(len(content)) > limit:
		l.fail("-", fmt.Errorf("standard input has more than %d MB", limit>>20))
	case wrong == nil:
		l.images.Samples = append(l.images.Samples, data.Sample{Path: "-", Part: data.Part{In: &inMemory{content}}})
	default:
		l.list(ctx, content, wrong)
	}
	return nil
}

// list adds the arguments of a list. wrong says why it is not an image.
func (l *lister) list(ctx context.Context, content []byte, wrong error) {
	entries, err := parseList(content)
	if err != nil {
		l.fail("-", fmt.Errorf("neither an image (%w) nor a list of paths (%w)", wrong, err))
		return
	}
	if len(entries) == 0 {
		l.fail("-", errors.New("standard input is empty: it must be an image or a list of paths"))
	}
	for _, entry := range entries {
		switch {
		case ctx.Err() != nil:
			return
		case entry == "-":
			l.fail("-", errors.New("a list cannot name standard input; write a file named - as ./-"))
		default:
			l.add(ctx, entry)
		}
	}
}

// parseList returns the entries of a list. With a NUL it is one of NUL-ended names, as of find -print0, which may have any
// characters. Otherwise it has a name in each line; empty lines, comments (# at the beginning), carriage returns at the ends of
// lines and a byte order mark are skipped.
func parseList(content []byte) ([]string, error) {
	var entries []string
	if bytes.IndexByte(content, 0) >= 0 {
		for name := range strings.SplitSeq(string(content), "\x00") {
			if name != "" {
				entries = append(entries, name)
			}
		}
		return entries, tooLong(entries)
	}
	text := strings.TrimPrefix(string(content), "\ufeff")
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#") {
			entries = append(entries, line)
		}
	}
	return entries, tooLong(entries)
}

// maxEntry is the length of the longest path or address: PATH_MAX of Linux is 4,096 bytes, signed addresses are shorter too.
const maxEntry = 8192

// tooLong returns an error for entries that can be no paths, as those of a binary file.
func tooLong(entries []string) error {
	for i, entry := range entries {
		if len(entry) > maxEntry {
			return fmt.Errorf("entry %d has %d bytes", i+1, len(entry))
		}
		if strings.ContainsFunc(entry, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' }) {
			return fmt.Errorf("entry %d has control characters", i+1)
		}
	}
	return nil
}

// inMemory is an image in memory.
type inMemory struct{ content []byte }

// ReadAt implements [data.Container].
func (m *inMemory) ReadAt(_ context.Context, p []byte, offset int64) error {
	_, err := bytes.NewReader(m.content).ReadAt(p, offset)
	return err
}

// ReadAll implements [data.UnsizedContainer].
func (m *inMemory) ReadAll(context.Context) ([]byte, error) { return m.content, nil }
