// Package remote reads objects at http(s)://, s3:// and gs:// addresses. It implements [shards.Remote].
//
// Package data does not import it, so that programs without remote data do not link its clients.
//
// Credentials are found as the providers' own tools find them:
//
//   - s3: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; the profile AWS_PROFILE of ~/.aws/credentials
//     and ~/.aws/config, SSO and credential_process included; the roles of ECS, EKS and EC2.
//   - gs: Google's application default credentials: GOOGLE_APPLICATION_CREDENTIALS, gcloud auth
//     application-default login, the service account of a Google Cloud machine.
//
// Without credentials, requests are anonymous, which is enough for public buckets.
//
// The query of an address configures the client:
//
//	s3://bucket/folder?region=eu-west-1
//	s3://bucket/folder?endpoint=http://127.0.0.1:9000&use_path_style=true
//	gs://bucket/folder?anonymous=true
//
// s3 supports region (AWS_REGION; otherwise it is looked up), endpoint (AWS_ENDPOINT_URL_S3,
// AWS_ENDPOINT_URL), use_path_style, profile, anonymous, dualstack, accelerate and disable_https. gs
// supports endpoint (STORAGE_EMULATOR_HOST) and anonymous.
package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"depthwise.dev/data/shards"
	"depthwise.dev/internal/redact"
)

// Opener opens addresses. It may be used by several goroutines. Servers that are silent, slow, or answer
// without end give errors: the limits are in limits.go. No error contains a password or a signature of an
// address.
type Opener struct {
	// Log shows a message to the user, such as that a request failed and is repeated. It is called by
	// several goroutines. nil: none is shown. Set it before the first use.
	Log func(text string)

	client *http.Client
	limits limits

	mu      sync.Mutex
	buckets map[string]bucket // by scheme, name and query
}

// bucket is a client for one bucket. Keys are names without a leading slash.
type bucket interface {
	stat(ctx context.Context, key string) (shards.Object, error)
	open(ctx context.Context, key string, offset int64) (io.ReadCloser, shards.Object, error)
	list(ctx context.Context, prefix string, add func(key string) error) error
}

// schemes maps a scheme to the function that opens a bucket with the options of a query.
var schemes = map[string]func(ctx context.Context, name string, query url.Values, transport http.RoundTripper) (bucket, error){
	"s3": openS3,
	"gs": openGCS,
}

// New returns an Opener without open connections.
func New() *Opener { return newOpener(standard) }

func newOpener(l limits) *Opener {
	client := &http.Client{Transport: newTransport(l), CheckRedirect: checkRedirect(false)}
	return &Opener{client: client, limits: l, buckets: map[string]bucket{}}
}

// Note passes a message to Log. Package shards calls it before it repeats a request.
func (o *Opener) Note(text string) {
	if o.Log != nil {
		o.Log(redact.Text(text))
	}
}

// Close closes idle connections.
func (o *Opener) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.client.CloseIdleConnections()
	clear(o.buckets)
	return nil
}

// Stat returns the size and version of an object.
func (o *Opener) Stat(ctx context.Context, address string) (shards.Object, error) {
	ctx, cancel := o.short(ctx)
	defer cancel()
	object, err := o.stat(ctx, address)
	return object, redact.Error(causeOr(ctx, err))
}

func (o *Opener) stat(ctx context.Context, address string) (shards.Object, error) {
	if isHTTP(address) {
		return o.statHTTP(ctx, address)
	}
	b, key, err := o.bucket(ctx, address)
	if err != nil {
		return shards.Object{}, err
	}
	return b.stat(ctx, key)
}

// Open reads an object from offset on.
func (o *Opener) Open(ctx context.Context, address string, offset int64) (io.ReadCloser, shards.Object, error) {
	body, object, err := o.open(ctx, address, offset)
	return body, object, redact.Error(err)
}

func (o *Opener) open(ctx context.Context, address string, offset int64) (io.ReadCloser, shards.Object, error) {
	if isHTTP(address) {
		return o.openHTTP(ctx, address, offset)
	}
	b, key, err := o.bucket(ctx, address)
	if err != nil {
		return nil, shards.Object{}, err
	}
	return b.open(ctx, key, offset)
}

// List returns the names of the objects in a folder of a bucket, relative to the folder. Listings of more
// than 1,000,000 objects are refused.
func (o *Opener) List(ctx context.Context, folder string) ([]string, error) {
	late := refuse("the listing took more than %v", o.limits.list)
	ctx, cancel := context.WithTimeoutCause(withBudget(ctx, o.limits.pages, maxListing), o.limits.list, late)
	defer cancel()
	names, err := o.list(ctx, folder)
	return names, redact.Error(causeOr(ctx, err))
}

func (o *Opener) list(ctx context.Context, folder string) ([]string, error) {
	if isHTTP(folder) {
		return nil, fmt.Errorf("remote: %s: a web server's folder cannot be listed: %w", redact.Address(folder), errors.ErrUnsupported)
	}
	b, key, err := o.bucket(ctx, folder)
	if err != nil {
		return nil, err
	}
	prefix := strings.TrimSuffix(key, "/") + "/"
	if prefix == "/" {
		prefix = ""
	}
	listing := &listing{prefix: prefix, most: o.limits.keys, seen: map[string]bool{}}
	if err := b.list(ctx, prefix, listing.add); err != nil {
		return nil, err
	}
	return listing.names, nil
}

// short bounds a call that returns a description.
func (o *Opener) short(ctx context.Context) (context.Context, context.CancelFunc) {
	late := &timeout{fmt.Sprintf("the server did not complete its answer within %v", o.limits.short)}
	return context.WithTimeoutCause(withBudget(ctx, maxCalls, maxShort), o.limits.short, late)
}

// causeOr returns err, or the limit of time that caused it.
func causeOr(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || !errors.Is(context.Cause(ctx), fs.ErrPermission) && !isTimeout(context.Cause(ctx)) {
		return err
	}
	return fmt.Errorf("remote: %w", context.Cause(ctx))
}

func isTimeout(err error) bool {
	_, ok := errors.AsType[*timeout](err)
	return ok
}

func isHTTP(address string) bool {
	return strings.HasPrefix(address, "http://") || strings.HasPrefix(address, "https://")
}

// bucket returns the client for the bucket of an address, and the key in it.
func (o *Opener) bucket(ctx context.Context, address string) (bucket, string, error) {
	scheme, rest, _ := strings.Cut(address, "://")
	open := schemes[scheme]
	if open == nil {
		return nil, "", fmt.Errorf("remote: %s: the scheme %q is none of http, https, s3 and gs (%w)", redact.Address(address), scheme, fs.ErrNotExist)
	}
	rest, query, _ := strings.Cut(rest, "?")
	name, key, _ := strings.Cut(rest, "/")
	if strings.Contains(name, "@") {
		return nil, "", fmt.Errorf("remote: %s: a bucket's address has no user and password; use the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or GOOGLE_APPLICATION_CREDENTIALS) (%w)", redact.Address(address), fs.ErrPermission)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	id := scheme + "://" + name + "?" + query
	if b := o.buckets[id]; b != nil {
		return b, key, nil
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, "", fmt.Errorf("remote: %s: %w (%w)", redact.Address(address), err, fs.ErrPermission)
	}
	ctx, cancel := o.short(ctx)
	defer cancel()
	b, err := open(ctx, name, values, o.client.Transport)
	if err != nil {
		return nil, "", fmt.Errorf("remote: %s: %w (%w)", redact.Address(address), err, fs.ErrPermission)
	}
	o.buckets[id] = b
	return b, key, nil
}
