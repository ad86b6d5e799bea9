package shards

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
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

// Limits of an index, which may come from a server.
const (
	maxIndexBytes  = 1 << 30  // uncompressed: 20 million images of about 50 bytes
	maxIndexLine   = 64 << 20 // a shard of a million images
	maxIndexShards = 1 << 20
	maxIndexRatio  = 20 // of compression, beyond the first MB; measured 2.6 for photographs, 13 for images of one size and class
)

// readShardIndex reads and validates an index. It reads and keeps no more than the limits.
func readShardIndex(r io.Reader) ([]*shardIndex, error) {
	compressed := &counter{r: r}
	z, err := gzip.NewReader(bufio.NewReader(compressed))
	if err != nil {
		return nil, fmt.Errorf("not an index of shards: %w", err)
	}
	lines := bufio.NewReaderSize(&bounded{r: z, compressed: compressed}, 64<<10)
	first := make([]byte, len(shardIndexFormat)+1)
	if _, err := io.ReadFull(lines, first); err != nil || string(first) != shardIndexFormat+"\n" {
		return nil, fmt.Errorf("not an index of shards, or of another version")
	}
	var indices []*shardIndex
	seen := map[string]bool{}
	for {
		line, err := readLine(lines)
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return indices, z.Close()
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("damaged index of shards: %w", err)
		}
		x := new(shardIndex)
		if err := json.Unmarshal(line, x); err != nil {
			return nil, fmt.Errorf("damaged index of shards: %w", err)
		}
		if err := x.check(); err != nil {
			return nil, fmt.Errorf("damaged index of shards: %q: %w", x.Name, err)
		}
		if seen[x.Name] || len(indices) == maxIndexShards {
			return nil, fmt.Errorf("damaged index of shards: %q is repeated, or there are more than %d shards", x.Name, maxIndexShards)
		}
		seen[x.Name] = true
		indices = append(indices, x)
	}
}

// readLine returns a line of at most maxIndexLine bytes without its end. The last line may lack one; its
// error is io.EOF.
func readLine(r *bufio.Reader) (line []byte, err error) {
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxIndexLine:
			return nil, fmt.Errorf("a line has more than %d MB", maxIndexLine>>20)
		case !errors.Is(err, bufio.ErrBufferFull):
			return bytes.TrimSuffix(line, []byte("\n")), err
		}
	}
}

// counter counts the bytes that are read from r.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// bounded reads a decompressed stream and refuses one that is larger than any index.
type bounded struct {
	r          io.Reader
	compressed *counter
	n          int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	if b.n > maxIndexBytes || b.n > maxIndexRatio*b.compressed.n+1<<20 {
		return 0, fmt.Errorf("%d bytes unpack to more than %d MB", b.compressed.n, (b.n-1)>>20)
	}
	return n, err
}

// check returns an error for an index that no scan writes.
func (x *shardIndex) check() error {
	n := len(x.Keys)
	if len(x.Exts) != n || len(x.Offsets) != n || len(x.Sizes) != n || len(x.Labels) != n {
		return fmt.Errorf("its columns differ in length")
	}
	end := int64(0) // of the previous sample
	for i := range n {
		if x.Offsets[i] < 0 || x.Sizes[i] < 0 || x.Offsets[i] > x.Size-x.Sizes[i] {
			return fmt.Errorf("sample %q is outside the shard", x.Keys[i])
		}
		if x.Offsets[i] < end {
			return fmt.Errorf("sample %q overlaps the one before", x.Keys[i])
		}
		end = x.Offsets[i] + x.Sizes[i]
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
