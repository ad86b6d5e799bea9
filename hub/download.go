package hub

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
)

// download is a file to fetch.
type download struct {
	address string
	page    string // of the repository, for messages; "": not a repository's file
	path    string // where to save it
	digest  digest // that the file must have
	done    func() bool
	// describe is called with the digest of the complete file before it gets its final name.
	describe func(sum string, by digest) error
}

// leastProgress is the number of bytes with which an attempt does not count as a failure. A server that ends every
// answer after a few bytes is given up.
const leastProgress = 32 << 10

// maxSize bounds a download. The weights of the largest MobileNet, v4 hybrid large, have 150 MB.
const maxSize = 4 << 30

// fetch downloads a file, continuing an earlier attempt, verifies it and gives it its final name. If another process
// did so in the meantime, it returns without a request.
func (c *client) fetch(ctx context.Context, d download) error {
	p, done, err := openPartial(ctx, d.path, d.done)
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%w; set XDG_CACHE_HOME to a folder that can be written to", err)
	}
	if err != nil || done {
		return err
	}
	defer p.close()
	for {
		err := c.repeat(ctx, func(ctx context.Context) (bool, error) { return c.transfer(ctx, d, p) })
		if n, _ := p.size(); err != nil && n == 0 {
			return errors.Join(err, p.discard())
		}
		if err != nil {
			return err
		}
		err = c.complete(d, p)
		if !errors.Is(err, ErrDigest) {
			return err
		}
		if p.parts == 1 {
			return errors.Join(err, p.discard())
		}
		if err := p.restart(); err != nil { // the parts were perhaps not of the same file
			return err
		}
	}
}

// complete verifies the bytes and gives the file its name.
func (c *client) complete(d download, p *partial) error {
	by := d.digest
	if by.hex == "" {
		by = linkedDigest(p.state.Linked)
	}
	sum, err := by.verify(p.path, partPath(p.path))
	if err == nil {
		err = d.describe(sum, by)
	}
	if err == nil {
		err = p.finish()
	}
	return err
}

// transfer sends one request and appends what comes. It reports whether bytes were added.
func (c *client) transfer(ctx context.Context, d download, p *partial) (progress bool, err error) {
	have, err := p.size()
	if err != nil {
		return false, err
	}
	if have > 0 && have == p.state.Size {
		return false, nil // complete, but not verified yet
	}
	ctx, watch, cancel := c.watched(ctx)
	defer cancel()
	r, err := c.get(ctx, d.address, p.rangeHeader(have))
	if err != nil {
		return false, err
	}
	defer r.Body.Close()
	if r.StatusCode == http.StatusRequestedRangeNotSatisfiable && have > 0 {
		return c.transferAgain(ctx, d, p)
	}
	if r.StatusCode != http.StatusOK && r.StatusCode != http.StatusPartialContent {
		return false, c.status(r, d.address, d.page)
	}
	body := bufio.NewReaderSize(watch(r.Body), 256<<10)
	state, start, err := describe(r, body)
	if err != nil {
		return false, fmt.Errorf("%s: %w", redacted(d.address), err)
	}
	if start != have || have > 0 && state != p.state {
		if start > 0 { // a part of another file than the one begun
			return c.transferAgain(ctx, d, p)
		}
		if err := p.restart(); err != nil { // the server ignores ranges, or the file changed
			return false, err
		}
		have = 0
	}
	if err := p.begin(state); err != nil {
		return false, err
	}
	return c.receive(d, p, have, body)
}

// transferAgain begins from the first byte.
func (c *client) transferAgain(ctx context.Context, d download, p *partial) (bool, error) {
	if err := p.restart(); err != nil {
		return false, err
	}
	return c.transfer(ctx, d, p)
}

// rangeHeader asks for the bytes after the first have ones, if the file is still the same.
func (p *partial) rangeHeader(have int64) http.Header {
	h := http.Header{"Accept-Encoding": {"identity"}}
	if have > 0 {
		h.Set("Range", fmt.Sprintf("bytes=%d-", have))
		if isStrong(p.state.ETag) {
			h.Set("If-Range", p.state.ETag)
		}
	}
	return h
}

// describe reads what file an answer is a part of, and the offset of its first byte.
func describe(r response, body *bufio.Reader) (s partialState, start int64, err error) {
	s = partialState{ETag: r.Header.Get("ETag"), Linked: normalizeETag(r.linked.Get(headerETag)), Size: r.ContentLength}
	if head, _ := body.Peek(512); r.StatusCode == http.StatusOK && isPage(head) { // an error comes again when it is read
		return s, 0, errPage
	}
	if r.StatusCode == http.StatusPartialContent {
		var end int64
		if n, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/%d", &start, &end, &s.Size); n != 3 || err != nil {
			return s, 0, fmt.Errorf("the server sent an invalid Content-Range: %q", r.Header.Get("Content-Range"))
		}
	}
	if linked, err := strconv.ParseInt(r.linked.Get(headerSize), 10, 64); err == nil && s.Linked != "" {
		if s.Size >= 0 && s.Size != linked {
			return s, 0, fmt.Errorf("%w: the server sends %d bytes of a file of %d", ErrUnreachable, s.Size, linked)
		}
		s.Size = linked
	}
	if s.Size > maxSize {
		return s, 0, fmt.Errorf("%d bytes are more than weights of a MobileNet can have", s.Size)
	}
	return s, start, nil
}

// errPage is returned for a web page in place of a file.
var errPage = errors.New("the server sent a web page in place of the file; does this network need a login, or a proxy (HTTPS_PROXY)?")

func isPage(head []byte) bool {
	return strings.HasPrefix(http.DetectContentType(head), "text/html")
}

// receive appends the body. An end before the whole size is an error that another attempt can repair.
func (c *client) receive(d download, p *partial, have int64, body io.Reader) (progress bool, err error) {
	size := p.state.Size
	bounded := io.LimitReader(body, maxSize+1-have)
	buffer, done := make([]byte, 256<<10), have
	for err == nil {
		var n int
		n, err = bounded.Read(buffer)
		if _, e := p.file.Write(buffer[:n]); e != nil {
			return false, fmt.Errorf("save %s: %w", d.path, e)
		}
		if done += int64(n); n > 0 {
			c.progress(done, max(size, done))
		}
	}
	switch {
	case err == io.EOF && done > maxSize:
		return false, fmt.Errorf("%s: more than %d bytes", redacted(d.address), int64(maxSize))
	case err == io.EOF && (size < 0 || done == size):
		return true, nil
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return done-have >= leastProgress, fmt.Errorf("%s: %w after %d of %d bytes: %w", path.Base(redacted(d.address)), ErrUnreachable, done, size, err)
}

// exists reports whether a path is a file, through links too.
func exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
