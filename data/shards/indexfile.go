package shards

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"depthwise.dev/internal/atomicfile"
)

// shardIndexFormat is the first line of an index. Every line is a JSON value.
const shardIndexFormat = `{"format":"depthwise shards 1"}`

// writeShardIndex writes one line per shard, compressed. Equal indices give equal bytes.
func writeShardIndex(w io.Writer, indices []*shardIndex) error {
	z := gzip.NewWriter(w)
	if _, err := io.WriteString(z, shardIndexFormat+"\n"); err != nil {
		return err
	}
	e := json.NewEncoder(z)
	for _, x := range indices {
		if err := e.Encode(x); err != nil {
			return err
		}
	}
	return z.Close()
}

// readShardIndex reads and validates an index.
func readShardIndex(r io.Reader) ([]*shardIndex, error) {
	z, err := gzip.NewReader(bufio.NewReader(r))
	if err != nil {
		return nil, fmt.Errorf("not an index of shards: %w", err)
	}
	lines := bufio.NewReader(z)
	first, err := lines.ReadString('\n')
	if err != nil || first != shardIndexFormat+"\n" {
		return nil, fmt.Errorf("not an index of shards, or of another version")
	}
	d := json.NewDecoder(lines)
	var indices []*shardIndex
	for {
		x := new(shardIndex)
		if err := d.Decode(x); err == io.EOF {
			return indices, z.Close()
		} else if err != nil {
			return nil, fmt.Errorf("damaged index of shards: %w", err)
		}
		if err := x.check(); err != nil {
			return nil, fmt.Errorf("damaged index of shards: %s: %w", x.Name, err)
		}
		indices = append(indices, x)
	}
}

// check returns an error for an index that no scan writes.
func (x *shardIndex) check() error {
	n := len(x.Keys)
	if len(x.Exts) != n || len(x.Offsets) != n || len(x.Sizes) != n || len(x.Labels) != n {
		return fmt.Errorf("its columns differ in length")
	}
	for i := range n {
		if x.Offsets[i] < 0 || x.Sizes[i] < 0 || x.Offsets[i] > x.Size-x.Sizes[i] {
			return fmt.Errorf("sample %q is outside the shard", x.Keys[i])
		}
	}
	return nil
}

// writeFile replaces path, whose folder it makes, with what write writes.
func writeFile(path string, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(path, 0o644, write)
}
