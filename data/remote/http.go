package remote

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"depthwise.dev/data/shards"
)

func (o *Opener) statHTTP(ctx context.Context, address string) (shards.Object, error) {
	r, err := o.do(ctx, http.MethodHead, address, 0)
	if err != nil {
		return shards.Object{}, err
	}
	defer r.Body.Close()
	return describe(r)
}

func (o *Opener) openHTTP(ctx context.Context, address string, offset int64) (io.ReadCloser, shards.Object, error) {
	r, err := o.do(ctx, http.MethodGet, address, offset)
	if err != nil {
		return nil, shards.Object{}, err
	}
	object, err := describe(r)
	if err == nil && r.StatusCode == http.StatusOK { // the server may ignore the Range header
		_, err = io.CopyN(io.Discard, r.Body, offset)
	}
	if err != nil {
		r.Body.Close()
		return nil, object, err
	}
	return r.Body, object, nil
}

// do sends a request for an object from offset on.
func (o *Opener) do(ctx context.Context, method, address string, offset int64) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, fmt.Errorf("remote: %w (%w)", err, fs.ErrNotExist)
	}
	if offset > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	r, err := o.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("remote: %w", err)
	}
	if r.StatusCode == http.StatusOK || r.StatusCode == http.StatusPartialContent {
		return r, nil
	}
	r.Body.Close()
	err = fmt.Errorf("remote: %s: the server returned %d %s", address, r.StatusCode, http.StatusText(r.StatusCode))
	return nil, mark(err, r.StatusCode)
}

// mark wraps an error with fs.ErrNotExist or fs.ErrPermission if a retry cannot fix the HTTP status.
// Status 0, no response, is temporary.
func mark(err error, status int) error {
	switch {
	case status == http.StatusNotFound || status == http.StatusGone:
		return fmt.Errorf("%w (%w)", err, fs.ErrNotExist)
	case status == 0 || isTemporary(status):
		return err
	}
	return fmt.Errorf("%w (%w)", err, fs.ErrPermission)
}

// isTemporary reports whether a retry may succeed.
func isTemporary(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}

// describe returns the size and version of the whole object from a response.
func describe(r *http.Response) (shards.Object, error) {
	object := shards.Object{Size: r.ContentLength, Version: r.Header.Get("ETag")}
	if object.Version == "" {
		object.Version = r.Header.Get("Last-Modified")
	}
	address := r.Request.URL.Redacted()
	if r.StatusCode == http.StatusPartialContent {
		size, err := sizeFromRange(r.Header)
		if err != nil {
			return object, fmt.Errorf("remote: %s: %w", address, err)
		}
		object.Size = size
	}
	if object.Size < 0 {
		return object, fmt.Errorf("remote: %s: the server did not send the size: no Content-Length (%w)", address, fs.ErrPermission)
	}
	return object, nil
}

// sizeFromRange returns the size of the whole object, as in "Content-Range: bytes 100-199/200".
func sizeFromRange(header http.Header) (int64, error) {
	_, total, _ := strings.Cut(header.Get("Content-Range"), "/")
	size, err := strconv.ParseInt(total, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the server did not send the size: Content-Range %q", header.Get("Content-Range"))
	}
	return size, nil
}
