package remote

import (
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"

	"depthwise.dev/data/shards"
)

// startAt returns the object of a response to a request for the bytes from offset on, and makes the body
// start there: a server may ignore the Range header and send everything. name is that of the object.
func startAt(r *http.Response, name string, offset int64) (shards.Object, error) {
	object, err := describe(r, name, offset)
	if err == nil && r.StatusCode == http.StatusOK {
		_, err = io.CopyN(io.Discard, r.Body, offset)
	}
	return object, err
}

// describe returns the size and version of the whole object from a response to a request from offset on.
func describe(r *http.Response, name string, offset int64) (shards.Object, error) {
	object := shards.Object{Size: r.ContentLength, Version: r.Header.Get("ETag")}
	if object.Version == "" {
		object.Version = r.Header.Get("Last-Modified")
	}
	if err := checkContent(r.Header, name); err != nil {
		return object, err
	}
	if r.StatusCode == http.StatusPartialContent {
		size, err := sizeFromRange(r.Header, r.ContentLength, offset)
		object.Size = size
		return object, err
	}
	if object.Size < 0 {
		return object, refuse("the server did not send the size: no Content-Length")
	}
	return object, nil
}

// checkContent refuses what is not the stored object: a web page, such as that of a login, or one that was
// compressed on the way, whose offsets are others.
func checkContent(header http.Header, name string) error {
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err == nil && (kind == "text/html" || kind == "application/xhtml+xml") {
		return fmt.Errorf("the server sent a web page instead of the file; check the address, and whether it requires a login (%w)", fs.ErrNotExist)
	}
	if kind == "multipart/byteranges" {
		return refuse("the server sent several ranges instead of one")
	}
	switch coding := strings.ToLower(strings.TrimSpace(header.Get("Content-Encoding"))); {
	case coding == "" || coding == "identity" || coding == "aws-chunked":
	case (coding == "gzip" || coding == "x-gzip") && path.Ext(name) == ".gz": // how some servers describe the stored file
	default:
		return refuse("the server sent the file with Content-Encoding %q; store and serve it uncompressed", coding)
	}
	return nil
}

var contentRange = regexp.MustCompile(`^bytes (\d+)-(\d+)/(\d+)$`)

// sizeFromRange returns the size of the whole object, as in "Content-Range: bytes 100-199/200". The range
// must start at offset. length is that of the body, negative if it is unknown. A range that ends early is
// valid: the rest is requested again.
func sizeFromRange(header http.Header, length, offset int64) (int64, error) {
	text := header.Get("Content-Range")
	m := contentRange.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return 0, refuse("the server sent a part without saying which: Content-Range %q", text)
	}
	var n [3]int64
	for i := range n {
		value, err := strconv.ParseInt(m[i+1], 10, 64)
		if err != nil {
			return 0, refuse("the server sent an impossible part: Content-Range %q", text)
		}
		n[i] = value
	}
	start, end, total := n[0], n[1], n[2]
	switch {
	case start > end || end >= total:
		return 0, refuse("the server sent an impossible part: Content-Range %q", text)
	case start != offset:
		return 0, refuse("the server sent the part from byte %d instead of %d on; it or a proxy handles range requests wrongly: use another server, or download the shards and use the copies", start, offset)
	case length >= 0 && length != end-start+1:
		return 0, refuse("the server sent %d bytes as the part %q", length, text)
	}
	return total, nil
}

// clean makes a text of a server printable.
func clean(text string) string {
	const most = 200
	quoted := strings.Trim(fmt.Sprintf("%+q", text[:min(len(text), most)]), `"`)
	return strings.ReplaceAll(quoted, `\"`, `"`)
}
