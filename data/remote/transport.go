package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"depthwise.dev/data/shards"
)

// transport sends requests within limits. All clients use it: that of web servers, those of the buckets
// and those that fetch credentials.
type transport struct {
	base *http.Transport
	limits
}

func newTransport(l limits) *transport {
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.DisableCompression = true // with compression, servers send no Content-Length
	base.DialContext = (&net.Dialer{Timeout: l.connect, KeepAlive: 30 * time.Second}).DialContext
	base.TLSHandshakeTimeout = l.connect
	base.MaxResponseHeaderBytes = 1 << 20
	return &transport{base, l}
}

// CloseIdleConnections is called by [http.Client.CloseIdleConnections].
func (t *transport) CloseIdleConnections() { t.base.CloseIdleConnections() }

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	allowed := budgetOf(r.Context())
	if !allowed.request() {
		return nil, refuse("the server needs more than %d requests for one answer", allowed.maxRequests)
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	watch := time.AfterFunc(t.answer, func() { cancel(&timeout{fmt.Sprintf("the server did not answer within %v", t.answer)}) })
	response, err := t.base.RoundTrip(r.WithContext(ctx))
	watch.Stop()
	if err != nil {
		err = explain(causeOf(ctx, err))
		cancel(nil)
		return nil, err
	}
	response.Body = &body{ReadCloser: response.Body, limits: t.limits, allowed: allowed, ctx: ctx, cancel: cancel}
	return response, nil
}

// body is the body of a response. Read fails if the server is silent or slow; the time between reads does
// not count.
type body struct {
	io.ReadCloser
	limits
	allowed *budget
	ctx     context.Context
	cancel  context.CancelCauseFunc

	waited time.Duration // in this window
	got    int64         // bytes in this window
	total  int64         // bytes
}

func (b *body) Read(p []byte) (int, error) {
	watch := time.AfterFunc(b.idle, func() { b.cancel(&timeout{fmt.Sprintf("the server sent nothing for %v", b.idle)}) })
	start := time.Now()
	if b.allowed != nil { // one byte too many at most, so that no answer ends in the read that exceeds the limit
		p = p[:min(int64(len(p)), maxAnswer+1-b.total)]
	}
	n, err := b.ReadCloser.Read(p)
	b.waited += time.Since(start)
	b.got += int64(n)
	b.total += int64(n)
	watch.Stop()
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return n, causeOf(b.ctx, err)
	case !b.allowed.read(int64(n)):
		return n, refuse("the answer is larger than %d MB", b.allowed.maxBytes>>20)
	case b.allowed != nil && b.total > maxAnswer:
		return n, refuse("the answer is larger than %d MB", int64(maxAnswer)>>20)
	case b.waited >= b.window:
		if err == nil && b.got < b.rate*int64(b.waited/time.Millisecond)/1000 {
			return n, &timeout{fmt.Sprintf("the server sent %d bytes in %v, less than %d bytes a second", b.got, b.waited.Round(time.Millisecond), b.rate)}
		}
		b.waited, b.got = 0, 0
	}
	return n, err
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}

// budget bounds the requests and the bytes of one call whose answer is small or a listing. The zero
// pointer has no bounds: objects have a size.
type budget struct {
	maxRequests, maxBytes int64
	requests, bytes       atomic.Int64
}

type budgetKey struct{}

func withBudget(ctx context.Context, requests, bytes int64) context.Context {
	return context.WithValue(ctx, budgetKey{}, &budget{maxRequests: requests, maxBytes: bytes})
}

// withoutBudget removes the bounds from a context that outlives the call.
func withoutBudget(ctx context.Context) context.Context {
	return context.WithValue(ctx, budgetKey{}, (*budget)(nil))
}

func budgetOf(ctx context.Context) *budget {
	b, _ := ctx.Value(budgetKey{}).(*budget)
	return b
}

func (b *budget) request() bool { return b == nil || b.requests.Add(1) <= b.maxRequests }

func (b *budget) read(n int64) bool { return b == nil || b.bytes.Add(n) <= b.maxBytes }

// timeout is an error of a silent or slow server. A retry may succeed.
type timeout struct{ text string }

func (t *timeout) Error() string { return t.text }

// Timeout implements [net.Error].
func (t *timeout) Timeout() bool { return true }

// Temporary implements [net.Error].
func (t *timeout) Temporary() bool { return true }

// refusal is an error that a retry cannot fix. It is a shards.ErrRefused and an fs.ErrPermission.
type refusal struct {
	text  string
	cause error // may be nil
}

func refuse(format string, args ...any) error { return &refusal{text: fmt.Sprintf(format, args...)} }

func (r *refusal) Error() string { return r.text }

func (r *refusal) Unwrap() []error {
	if r.cause == nil {
		return []error{shards.ErrRefused, fs.ErrPermission}
	}
	return []error{shards.ErrRefused, fs.ErrPermission, r.cause}
}

// explain adds what to do to errors of TLS, which a retry cannot fix.
func explain(err error) error {
	var authority x509.UnknownAuthorityError
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	advice := ""
	switch {
	case errors.As(err, &authority):
		advice = "if you trust the server, name a file with its certificate or that of its authority: SSL_CERT_FILE=FILE.pem"
	case errors.As(err, &verification):
		advice = "use the host name that the certificate is for, check this machine's clock, or renew the server's certificate"
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		advice = "the server does not use TLS at this port; use http:// (for s3:// and gs://: endpoint=http://HOST:PORT)"
	default:
		return err
	}
	return &refusal{fmt.Sprintf("%v; %s", err, advice), err}
}

// causeOf returns the cause of ctx if it has ended, and err otherwise.
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// checkRedirect refuses redirects that a retry would meet again, that give up encryption, or, for a client
// whose requests carry credentials, that lead to another host.
func checkRedirect(credentials bool) func(*http.Request, []*http.Request) error {
	return func(next *http.Request, via []*http.Request) error {
		from := via[len(via)-1].URL
		next.Header.Del("Referer") // would send a signed query to the other host
		switch to := next.URL; {
		case len(via) >= maxRedirects:
			return refuse("the server redirects more than %d times", maxRedirects)
		case to.Scheme != "http" && to.Scheme != "https":
			return refuse("the server redirects to an address of scheme %q; only http and https are followed", to.Scheme)
		case from.Scheme == "https" && to.Scheme == "http":
			return refuse("the server redirects from https to http, which would give up encryption; use the http:// address if you trust the network")
		case credentials && to.Host != from.Host:
			return refuse("the server redirects to another host, %s, which must not get the credentials", to.Host)
		}
		for _, earlier := range via {
			if earlier.URL.String() == next.URL.String() {
				return refuse("the server redirects in a loop")
			}
		}
		return nil
	}
}
