package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"depthwise.dev/data/shards"
	"depthwise.dev/internal/redact"
)

func (o *Opener) statHTTP(ctx context.Context, address string) (shards.Object, error) {
	r, err := o.do(ctx, http.MethodHead, address, 0)
	if errors.Is(err, fs.ErrPermission) && !errors.Is(err, shards.ErrRefused) { // a signature may allow GET alone
		r, err = o.do(ctx, http.MethodGet, address, 0)
	}
	if err != nil {
		return shards.Object{}, err
	}
	defer r.Body.Close()
	object, err := describe(r, objectName(address), 0)
	if err != nil {
		return object, fmt.Errorf("remote: %s: %w", redact.Address(address), err)
	}
	return object, nil
}

func (o *Opener) openHTTP(ctx context.Context, address string, offset int64) (io.ReadCloser, shards.Object, error) {
	r, err := o.do(ctx, http.MethodGet, address, offset)
	if err != nil {
		return nil, shards.Object{}, err
	}
	object, err := startAt(r, objectName(address), offset)
	if err != nil {
		r.Body.Close()
		return nil, object, fmt.Errorf("remote: %s: %w", redact.Address(address), err)
	}
	return r.Body, object, nil
}

// objectName returns an address without its query.
func objectName(address string) string {
	name, _, _ := strings.Cut(address, "?")
	return name
}

// validPort reports whether an address's port is a number that exists, or none.
func validPort(port string) bool {
	_, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil
}

// do sends a request for an object from offset on.
func (o *Opener) do(ctx context.Context, method, address string, offset int64) (*http.Response, error) {
	shown := redact.Address(address)
	// The errors of net/url quote the part that is wrong, which may be one of a password.
	if u, err := url.Parse(address); err != nil || u.Host == "" || !validPort(u.Port()) || strings.ContainsAny(u.RawQuery, " \t\r\n") {
		return nil, fmt.Errorf("remote: %s: not a valid address; write special characters in user, password and query as %%XX (@ is %%40, / is %%2F, : is %%3A) (%w)", shown, fs.ErrNotExist)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, fmt.Errorf("remote: %s: %w (%w)", shown, withoutAddress(err), fs.ErrNotExist)
	}
	setRange(request.Header, offset)
	r, err := o.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("remote: %s: %w", shown, withoutAddress(err))
	}
	if r.StatusCode == http.StatusOK || r.StatusCode == http.StatusPartialContent {
		return r, nil
	}
	r.Body.Close()
	err = fmt.Errorf("remote: %s: the server returned %d %s", shown, r.StatusCode, http.StatusText(r.StatusCode))
	return nil, mark(err, r.StatusCode, r.Header)
}

// withoutAddress returns the cause of an error of a request. The address in it may be one that the server
// redirects to, with a signature of its own.
func withoutAddress(err error) error {
	e, ok := errors.AsType[*url.Error](err)
	switch {
	case !ok:
		return err
	case strings.Contains(e.Err.Error(), "Location header"): // net/http has no error value for this, and quotes it
		return refuse("the server redirects to an invalid address")
	case strings.Contains(e.Err.Error(), "proxy address"): // likewise
		return refuse("HTTP_PROXY, HTTPS_PROXY or ALL_PROXY is not a valid address")
	}
	return e.Err
}

// setRange requests the bytes from offset on.
func setRange(header http.Header, offset int64) {
	if offset > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
}

// mark wraps an error with fs.ErrNotExist or fs.ErrPermission if a retry cannot fix the HTTP status, and
// with the time that the server asks to wait otherwise. Status 0, no response, is temporary.
func mark(err error, status int, header http.Header) error {
	switch {
	case status == http.StatusNotFound || status == http.StatusGone:
		return fmt.Errorf("%w (%w)", err, fs.ErrNotExist)
	case status == http.StatusRequestedRangeNotSatisfiable:
		return fmt.Errorf("%w: the object is shorter than it was; start again (%w)", err, fs.ErrPermission)
	case status == 0 || isTemporary(status):
		if wait := retryAfter(header, time.Now()); wait > 0 {
			return &busy{err, wait}
		}
		return err
	}
	return fmt.Errorf("%w (%w)", err, fs.ErrPermission)
}

// isTemporary reports whether a retry may succeed.
func isTemporary(status int) bool {
	never := status == http.StatusNotImplemented || status == http.StatusHTTPVersionNotSupported
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500 && !never
}

// busy is an error with the time after which the server asks to try again.
type busy struct {
	error
	wait time.Duration
}

func (b *busy) Unwrap() error { return b.error }

// RetryAfter returns the time; package shards bounds it.
func (b *busy) RetryAfter() time.Duration { return b.wait }

// retryAfter returns the time of a Retry-After header, seconds or a date; 0 without a valid one.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}
