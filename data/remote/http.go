package remote

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"depthwise.dev/data"
)

// statHTTP asks for the headers alone.
func (o *Opener) statHTTP(ctx context.Context, address string) (data.Object, error) {
	r, err := o.do(ctx, http.MethodHead, address, 0)
	if err != nil {
		return data.Object{}, err
	}
	defer r.Body.Close()
	return describe(r)
}

func (o *Opener) openHTTP(ctx context.Context, address string, offset int64) (io.ReadCloser, data.Object, error) {
	r, err := o.do(ctx, http.MethodGet, address, offset)
	if err != nil {
		return nil, data.Object{}, err
	}
	object, err := describe(r)
	if err == nil && r.StatusCode == http.StatusOK { // the server may know no ranges
		_, err = io.CopyN(io.Discard, r.Body, offset)
	}
	if err != nil {
		r.Body.Close()
		return nil, object, err
	}
	return r.Body, object, nil
}

// do sends a request for what lies from offset on.
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
	return nil, statusError(address, r.StatusCode)
}

// statusError tells what trying again can mend from what it cannot.
func statusError(address string, code int) error {
	err := fmt.Errorf("remote: %s: the server answers %d %s", address, code, http.StatusText(code))
	switch {
	case code == http.StatusNotFound || code == http.StatusGone:
		return fmt.Errorf("%w (%w)", err, fs.ErrNotExist)
	case code == http.StatusRequestTimeout || code == http.StatusTooManyRequests || code >= 500:
		return err
	}
	return fmt.Errorf("%w (%w)", err, fs.ErrPermission)
}

// describe reads the size and version of the whole object off an answer.
func describe(r *http.Response) (data.Object, error) {
	object := data.Object{Size: r.ContentLength, Version: r.Header.Get("ETag")}
	if object.Version == "" {
		object.Version = r.Header.Get("Last-Modified")
	}
	if r.StatusCode == http.StatusPartialContent {
		_, total, _ := strings.Cut(r.Header.Get("Content-Range"), "/")
		size, err := strconv.ParseInt(total, 10, 64)
		if err != nil {
			return object, fmt.Errorf("remote: %s: the server does not tell the size: Content-Range %q", r.Request.URL.Redacted(), r.Header.Get("Content-Range"))
		}
		object.Size = size
	}
	if object.Size < 0 {
		return object, fmt.Errorf("remote: %s: the server does not tell the size: no Content-Length (%w)", r.Request.URL.Redacted(), fs.ErrPermission)
	}
	return object, nil
}
