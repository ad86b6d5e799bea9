package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/gcsblob" // gs://
	_ "gocloud.dev/blob/s3blob"  // s3://
	"gocloud.dev/gcerrors"

	"depthwise.dev/data"
)

// bucket opens the bucket of an address, once, and returns the key within it.
func (o *Opener) bucket(ctx context.Context, address string) (*blob.Bucket, string, error) {
	scheme, rest, _ := strings.Cut(address, "://")
	if scheme != "s3" && scheme != "gs" {
		return nil, "", fmt.Errorf("remote: %s: %q is none of http, https, s3 and gs (%w)", address, scheme, fs.ErrNotExist)
	}
	rest, query, _ := strings.Cut(rest, "?")
	name, key, _ := strings.Cut(rest, "/")
	url := scheme + "://" + name
	if scheme == "s3" && !strings.Contains(query, "response_checksum_validation=") {
		// AWS's library otherwise writes a line to standard error for each object without one.
		query = strings.TrimPrefix(query+"&response_checksum_validation=when_required", "&")
	}
	if query != "" {
		url += "?" + query
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if b := o.buckets[url]; b != nil {
		return b, key, nil
	}
	b, err := blob.OpenBucket(ctx, url)
	if err != nil {
		return nil, "", fmt.Errorf("remote: %s: %w (%w)", address, err, fs.ErrPermission)
	}
	o.buckets[url] = b
	return b, key, nil
}

func statBlob(ctx context.Context, bucket *blob.Bucket, key string) (data.Object, error) {
	a, err := bucket.Attributes(ctx, key)
	if err != nil {
		return data.Object{}, plain(key, err)
	}
	return data.Object{Size: a.Size, Version: version(a.ModTime.UTC().Unix())}, nil
}

func openBlob(ctx context.Context, bucket *blob.Bucket, key string, offset int64) (io.ReadCloser, data.Object, error) {
	r, err := bucket.NewRangeReader(ctx, key, offset, -1, nil)
	if err != nil {
		return nil, data.Object{}, plain(key, err)
	}
	return r, data.Object{Size: r.Size(), Version: version(r.ModTime().UTC().Unix())}, nil
}

// version is a time of change in seconds: a reader is told no more than that.
func version(seconds int64) string { return fmt.Sprint(seconds) }

// listBlobs returns the names below a folder.
func listBlobs(ctx context.Context, bucket *blob.Bucket, folder string) ([]string, error) {
	prefix := strings.TrimSuffix(folder, "/") + "/"
	if prefix == "/" {
		prefix = ""
	}
	list := bucket.List(&blob.ListOptions{Prefix: prefix})
	var names []string
	for {
		object, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if err != nil {
			return nil, plain(folder, err)
		}
		names = append(names, strings.TrimPrefix(object.Key, prefix))
	}
}

// plain tells what trying again can mend from what it cannot.
func plain(key string, err error) error {
	switch gcerrors.Code(err) {
	case gcerrors.NotFound:
		return fmt.Errorf("remote: %s: %w (%w)", key, err, fs.ErrNotExist)
	case gcerrors.PermissionDenied, gcerrors.InvalidArgument, gcerrors.Unimplemented:
		return fmt.Errorf("remote: %s: %w (%w)", key, err, fs.ErrPermission)
	}
	return fmt.Errorf("remote: %s: %w", key, err)
}
