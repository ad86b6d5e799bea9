// Package remote reads objects at addresses: http and https itself, s3 and gs through
// gocloud.dev. It implements data.Remote.
//
// Credentials come from where the providers' own programs take them: AWS_ACCESS_KEY_ID
// and the other variables and files of AWS, Google's application default credentials. A
// query belongs to gocloud.dev: s3://bucket/folder?region=eu-west-1, or
// s3://bucket/folder?endpoint=http://127.0.0.1:9000&use_path_style=true for a server of
// one's own. See https://gocloud.dev/howto/blob/.
package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"gocloud.dev/blob"

	"depthwise.dev/data"
)

// Opener opens addresses. It may be used by several goroutines.
type Opener struct {
	client *http.Client

	mu      sync.Mutex
	buckets map[string]*blob.Bucket // by address
}

// New returns an Opener that has opened nothing yet.
func New() *Opener {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // tells sizes, and images do not shrink
	return &Opener{client: &http.Client{Transport: transport}, buckets: map[string]*blob.Bucket{}}
}

// Close gives connections back.
func (o *Opener) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.client.CloseIdleConnections()
	var errs []error
	for _, b := range o.buckets {
		errs = append(errs, b.Close())
	}
	clear(o.buckets)
	return errors.Join(errs...)
}

// Stat asks what lies at an address.
func (o *Opener) Stat(ctx context.Context, address string) (data.Object, error) {
	if isHTTP(address) {
		return o.statHTTP(ctx, address)
	}
	bucket, key, err := o.bucket(ctx, address)
	if err != nil {
		return data.Object{}, err
	}
	return statBlob(ctx, bucket, key)
}

// Open reads the object from offset on.
func (o *Opener) Open(ctx context.Context, address string, offset int64) (io.ReadCloser, data.Object, error) {
	if isHTTP(address) {
		return o.openHTTP(ctx, address, offset)
	}
	bucket, key, err := o.bucket(ctx, address)
	if err != nil {
		return nil, data.Object{}, err
	}
	return openBlob(ctx, bucket, key, offset)
}

// List returns the names of the objects below a folder of a bucket.
func (o *Opener) List(ctx context.Context, folder string) ([]string, error) {
	if isHTTP(folder) {
		return nil, fmt.Errorf("remote: %s: a web server's folder cannot be listed: %w", folder, errors.ErrUnsupported)
	}
	bucket, key, err := o.bucket(ctx, folder)
	if err != nil {
		return nil, err
	}
	return listBlobs(ctx, bucket, key)
}

func isHTTP(address string) bool {
	return strings.HasPrefix(address, "http://") || strings.HasPrefix(address, "https://")
}
