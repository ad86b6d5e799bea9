package shards

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/names"
)

// shardIndex is the result of the scan of a shard. Its slices have one element per sample.
type shardIndex struct {
	Name     string         `json:"name"`  // of the tar file, within its folder
	Size     int64          `json:"size"`  // of the tar file
	Stamp    string         `json:"stamp"` // changes with the file
	Keys     []string       `json:"keys"`
	Exts     []string       `json:"exts"` // of the image, such as "jpg"
	Offsets  []int64        `json:"offsets"`
	Sizes    []int64        `json:"sizes"`
	Labels   []string       `json:"labels"` // a number or a name
	Problems []data.Problem `json:"problems,omitempty"`
}

// maxLabel bounds the size of a .cls or .json file, in bytes.
const maxLabel = 1 << 20

// scanShard reads the headers and labels of a tar file in WebDataset's convention: consecutive members
// whose path is the same up to the first dot of its last part are a sample; the rest of the name is the
// type of the member. Members that cannot be used are named in Problems. A damaged or truncated tar file
// yields the samples before the damage.
func scanShard(ctx context.Context, name string, r io.ReaderAt, size int64) (*shardIndex, error) {
	s := &shardScan{index: &shardIndex{Name: name, Size: size}, at: r}
	return s.index, s.scan(ctx, size)
}

// scan reads all members of a tar file of a size.
func (s *shardScan) scan(ctx context.Context, size int64) error {
	section := io.NewSectionReader(s.at, 0, size)
	t := tar.NewReader(section)
	for {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			s.problem("", fmt.Sprintf("damaged tar file; the samples from here on are lost: %v", err))
			break
		}
		start, err := section.Seek(0, io.SeekCurrent) // no more than the header was read
		if err != nil {
			return err
		}
		if h.Size > size-start {
			s.problem(h.Name, "the tar file is truncated here")
			break
		}
		if err := s.member(h, start); err != nil {
			return err
		}
	}
	s.finish()
	return nil
}

// shardScan is the state of a scan.
type shardScan struct {
	index     *shardIndex
	at        io.ReaderAt
	now       scanned
	unlabeled bool // samples without a class are indexed too
}

// scanned is the current sample.
type scanned struct {
	key, ext     string
	offset, size int64
	cls, json    string
	hasImage     bool
	hasLabel     bool
}

func (s *shardScan) problem(name, reason string) {
	s.index.Problems = append(s.index.Problems, data.Problem{Path: path.Join(s.index.Name, name), Reason: reason})
}

// member adds one member of the tar file.
func (s *shardScan) member(h *tar.Header, start int64) error {
	if h.Typeflag != tar.TypeReg || strings.HasPrefix(path.Base(h.Name), "__") {
		return nil // folders, links, and WebDataset's metadata
	}
	for record := range h.PAXRecords {
		if strings.HasPrefix(record, "GNU.sparse.") {
			s.problem(h.Name, "a sparse file")
			return nil
		}
	}
	key, ext, ok := splitKey(h.Name)
	if !ok {
		return nil
	}
	if key != s.now.key {
		s.finish()
		s.now = scanned{key: key}
	}
	switch {
	case ext == "cls" || ext == "json":
		return s.label(ext, h.Size, start)
	case data.HasImageExtension("." + ext):
		if !s.now.hasImage || strings.Contains(s.now.ext, ".") { // "jpg" rather than "mask.png"
			s.now.ext, s.now.offset, s.now.size, s.now.hasImage = ext, start, h.Size, true
		}
	}
	return nil
}

// label reads a .cls or .json member.
func (s *shardScan) label(ext string, size, start int64) error {
	if size > maxLabel {
		s.problem(s.now.key+"."+ext, "larger than a label may be")
		return nil
	}
	text := make([]byte, size)
	if _, err := s.at.ReadAt(text, start); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	s.now.hasLabel = true
	if ext == "cls" {
		s.now.cls = strings.TrimSpace(string(text))
		return nil
	}
	label, err := labelOfJSON(text)
	if err != nil {
		s.problem(s.now.key+".json", err.Error())
	}
	s.now.json = label
	return nil
}

// finish adds the current sample to the index.
func (s *shardScan) finish() {
	n := s.now
	s.now = scanned{}
	label := n.cls
	if label == "" {
		label = n.json
	}
	switch {
	case !n.hasImage && !n.hasLabel:
	case !n.hasImage && s.unlabeled: // a text file of any archive
	case !n.hasImage:
		s.problem(n.key, "a sample without an image")
	case label == "" && !s.unlabeled:
		s.problem(n.key+"."+n.ext, noClass+": .cls, or .json with \"label\" or \"class\"")
	default:
		x := s.index
		x.Keys, x.Exts = append(x.Keys, names.Escape(n.key)), append(x.Exts, n.ext)
		x.Labels = append(x.Labels, names.Escape(label)) // as the names of class folders
		x.Offsets, x.Sizes = append(x.Offsets, n.offset), append(x.Sizes, n.size)
	}
}

// splitKey splits a member's name as WebDataset does: the path and the last part up to
// its first dot, and the rest in lower case.
func splitKey(name string) (key, ext string, ok bool) {
	dir, base := path.Split(strings.TrimPrefix(name, "./"))
	stem, ext, ok := strings.Cut(base, ".")
	return dir + stem, strings.ToLower(ext), ok && stem != "" && ext != ""
}

// labelOfJSON returns the class in a sample's .json: its number or name as "label", "cls", "class" or
// "class_name".
func labelOfJSON(text []byte) (string, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return "", fmt.Errorf("not a JSON object: %w", err)
	}
	for _, name := range []string{"label", "cls", "class", "class_name"} {
		raw := bytes.TrimSpace(fields[name])
		if len(raw) == 0 {
			continue
		}
		var word string
		if err := json.Unmarshal(raw, &word); err == nil {
			if word != "" {
				return word, nil
			}
			continue
		}
		if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
			return strconv.FormatInt(n, 10), nil
		}
	}
	return "", nil
}
