package hub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Errors of downloads. Each error also says what to do.
var (
	ErrUnreachable = errors.New("no connection") // no network, or the server does not answer
	ErrNotFound    = errors.New("not found")     // no such file, repository or revision
	ErrDenied      = errors.New("access denied") // a token is missing, or has no access
	ErrDigest      = errors.New("wrong digest")  // a file is not the published one
	errRedirect    = errors.New("the server redirects")
	errIdle        = errors.New("the server sends nothing")
)

// limits bound the time of requests and the number of attempts.
type limits struct {
	connect, header, idle time.Duration
	rate                  int64         // bytes per second that a body must send on average
	window                time.Duration // over which the average is taken
	pause                 time.Duration // before the second attempt; it doubles with each further one
	longestPause          time.Duration // that a server may ask for with Retry-After
	attempts              int           // without progress
}

var defaultLimits = limits{connect: 15 * time.Second, header: 30 * time.Second, idle: 30 * time.Second,
	rate: 2048, window: time.Minute, // a modem sends 5 KB/s
	pause: 500 * time.Millisecond, longestPause: time.Minute, attempts: 5}

// client sends requests.
type client struct {
	environment
	limits
	http     *http.Client
	progress func(done, total int64)
	note     func(string)
}

func newClient(e environment, l limits, o Options) *client {
	transport := http.DefaultTransport.(*http.Transport).Clone() // with the proxies of the environment
	transport.DialContext = (&net.Dialer{Timeout: l.connect}).DialContext
	transport.TLSHandshakeTimeout, transport.ResponseHeaderTimeout = l.connect, l.header
	transport.DisableCompression = true // digests and ranges are those of the file itself
	c := &client{environment: e, limits: l, http: &http.Client{Transport: transport}, progress: o.Progress, note: o.Note}
	if c.progress == nil {
		c.progress = func(int64, int64) {}
	}
	if c.note == nil {
		c.note = func(string) {}
	}
	return c
}

// response is a server's answer. linked are the headers with which Hugging Face describes a file, also where it
// redirects to another host for the content.
type response struct {
	*http.Response
	linked http.Header
}

// maxRedirects is the limit of net/http's default policy.
const maxRedirects = 10

// get sends one request. The token goes to Hugging Face's own host only, and not to where that redirects. An error names
// the address that was asked for and no other: those of redirects contain signatures.
func (c *client) get(ctx context.Context, address string, header http.Header) (response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return response{}, fmt.Errorf("%s: not an address", address)
	}
	for key, values := range header {
		request.Header[key] = values
	}
	request.Header.Set("User-Agent", "depthwise")
	if c.token != "" && c.isEndpoint(request.URL) {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	r := response{linked: http.Header{}}
	client := *c.http
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if len(via) >= maxRedirects {
			return fmt.Errorf("%w %d times", errRedirect, len(via))
		}
		if via[0].URL.Scheme == "https" && next.URL.Scheme != "https" {
			return fmt.Errorf("%w from https to an unencrypted address", errRedirect)
		}
		if !c.isEndpoint(next.URL) {
			next.Header.Del("Authorization")
		}
		c.readLinked(next.Response, r.linked)
		return nil
	}
	r.Response, err = client.Do(request)
	if err != nil {
		return r, c.unreachable(request.URL, err)
	}
	c.readLinked(r.Response, r.linked)
	return r, nil
}

// readLinked keeps the headers with which Hugging Face describes a file, from its own answers only.
func (c *client) readLinked(r *http.Response, linked http.Header) {
	for _, key := range []string{headerETag, headerSize, headerCommit} {
		if v := r.Header.Get(key); v != "" && c.isEndpoint(r.Request.URL) {
			linked.Set(key, v)
		}
	}
}

// isEndpoint reports whether an address is at the endpoint: the same scheme, host and port.
func (c *client) isEndpoint(u *url.URL) bool {
	return u.Scheme == c.endpoint.Scheme && strings.EqualFold(u.Host, c.endpoint.Host)
}

// unreachable describes a request without an answer.
func (c *client) unreachable(u *url.URL, err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the address, which may have a signature
	}
	if errors.Is(err, errRedirect) {
		return fmt.Errorf("%s: %w", u.Host, err) // another attempt would not help
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		err = fmt.Errorf("%w; if this network inspects encrypted traffic, set SSL_CERT_FILE to its certificate", err)
	}
	if proxy, _ := http.ProxyFromEnvironment(&http.Request{URL: u}); proxy != nil {
		return fmt.Errorf("%s through the proxy %s: %w: %w", u.Host, proxy.Redacted(), ErrUnreachable, err)
	}
	return fmt.Errorf("%s: %w: %w", u.Host, ErrUnreachable, err)
}

// statusError is the error for an answer that is not the file.
type statusError struct {
	status     int
	code       string // X-Error-Code of Hugging Face
	retryAfter time.Duration
	address    string
	hasToken   bool
	page       string // the repository's page
}

func (c *client) status(r response, address, page string) error {
	seconds, _ := strconv.Atoi(r.Header.Get("Retry-After"))
	return &statusError{r.StatusCode, r.Header.Get("X-Error-Code"), time.Duration(seconds) * time.Second, redacted(address), c.token != "", page}
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("%s: the server answered %d %s", e.address, e.status, http.StatusText(e.status))
	switch {
	case e.code == "GatedRepo":
		text += fmt.Sprintf(": its terms must be accepted at %s, with the account whose token HF_TOKEN holds", e.page)
	case e.code == "RevisionNotFound":
		text += ": the repository has no such revision"
	case e.status == http.StatusUnauthorized && e.hasToken:
		text += ": no such repository, or the token of HF_TOKEN has no access to it or has expired"
	case e.status == http.StatusUnauthorized:
		text += ": no such repository, or it needs a token: create one at " + defaultEndpoint + "/settings/tokens and set HF_TOKEN"
	case e.status == http.StatusForbidden && e.page != "":
		text += ": the token of HF_TOKEN has no access"
	case e.status == http.StatusProxyAuthRequired:
		text += ": set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT"
	case e.status == http.StatusTooManyRequests:
		text += ": too many requests; try again later, or set HF_TOKEN"
	case e.temporary():
		text += "; try again later"
	}
	return text
}

// Is makes errors.Is find the class of the error.
func (e *statusError) Is(class error) bool {
	switch class {
	case ErrNotFound: // Hugging Face answers 401 for repositories that do not exist, too
		return e.status == http.StatusNotFound || e.status == http.StatusGone || e.status == http.StatusUnauthorized && e.page != ""
	case ErrDenied:
		return e.status == http.StatusUnauthorized || e.status == http.StatusForbidden
	}
	return false
}

func (e *statusError) temporary() bool {
	return e.status == http.StatusRequestTimeout || e.status == http.StatusTooManyRequests || e.status >= 500
}

// redacted is an address without a password and without a query, which may be a signature.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the address"
	}
	u.RawQuery = ""
	return u.Redacted()
}

// repeat calls try until it succeeds, fails for good, or fails several times without progress. try reports whether it
// made progress.
func (c *client) repeat(ctx context.Context, try func(context.Context) (progress bool, err error)) error {
	for failures := 0; ; {
		progress, err := try(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		pause, again := c.pauseAfter(err, failures)
		if failures++; progress {
			failures = 0
		}
		if !again || failures >= c.attempts {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// pauseAfter returns how long to wait after an error, and whether another attempt can help.
func (c *client) pauseAfter(err error, failures int) (time.Duration, bool) {
	pause := c.pause << failures
	if e, ok := errors.AsType[*statusError](err); ok {
		return max(pause, e.retryAfter), e.temporary() && e.retryAfter <= c.longestPause
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return 0, false
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && (e.Op == "dial" || e.Op == "proxyconnect") {
		return pause, failures == 0 // without a network, more attempts only delay the message
	}
	return pause, errors.Is(err, ErrUnreachable)
}

// watchedBody ends a request whose body sends nothing, or next to nothing, for a time.
type watchedBody struct {
	io.Reader
	limits
	ctx    context.Context
	cancel context.CancelCauseFunc

	waited time.Duration // in this window
	got    int64         // bytes in this window
}

// watched returns the context for a request, and a function that makes its body a watchedBody.
func (c *client) watched(ctx context.Context) (context.Context, func(io.Reader) io.Reader, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	watch := func(body io.Reader) io.Reader {
		return &watchedBody{Reader: body, limits: c.limits, ctx: ctx, cancel: cancel}
	}
	return ctx, watch, func() { cancel(context.Canceled) }
}

func (b *watchedBody) Read(p []byte) (int, error) {
	start := time.Now()
	timer := time.AfterFunc(b.idle, func() { b.cancel(fmt.Errorf("%w for %v", errIdle, b.idle)) })
	n, err := b.Reader.Read(p)
	timer.Stop()
	if cause := context.Cause(b.ctx); err != nil && errors.Is(cause, errIdle) {
		return n, cause
	}
	b.waited += time.Since(start)
	if b.got += int64(n); b.waited < b.window {
		return n, err
	}
	if err == nil && b.got < int64(b.waited.Seconds()*float64(b.rate)) {
		return n, fmt.Errorf("%w: only %d bytes in %v", errIdle, b.got, b.waited.Round(time.Millisecond))
	}
	b.waited, b.got = 0, 0
	return n, err
}
