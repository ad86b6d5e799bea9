package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"depthwise.dev/data/shards"
)

// s3Bucket is a bucket of Amazon S3 or of a compatible server.
type s3Bucket struct {
	client minio.Core
	name   string
}

const amazonS3 = "s3.amazonaws.com"

// maxAttempts bounds the requests for one call: the first may find that the region is another one.
// Package data repeats failed calls with longer pauses.
const maxAttempts = 3

var (
	s3Parameters = []string{"region", "endpoint", "use_path_style", "profile", "anonymous", "dualstack", "accelerate", "disable_https"}
	s3Ignored    = []string{"awssdk", "hostname_immutable", "s3ForcePathStyle", "request_checksum_calculation",
		"response_checksum_validation", "ssetype", "kmskeyid"}
)

func openS3(_ context.Context, name string, query url.Values, transport http.RoundTripper) (bucket, error) {
	if err := s3utils.CheckValidBucketName(name); err != nil {
		return nil, err
	}
	q := newOptions(query, s3Parameters, s3Ignored)
	options := &minio.Options{
		Secure:     !q.bool("disable_https"),
		Transport:  transport,
		Region:     cmp.Or(query.Get("region"), os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")),
		MaxRetries: maxAttempts,
	}
	host := amazonS3
	if text := cmp.Or(query.Get("endpoint"), os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL")); text != "" {
		endpoint := q.endpoint(text, "https")
		host, options.Secure = endpoint.Host, options.Secure && endpoint.Scheme == "https"
	}
	if q.bool("use_path_style", "s3ForcePathStyle", "hostname_immutable") {
		options.BucketLookup = minio.BucketLookupPath
	}
	anonymous, dualStack, accelerate := q.bool("anonymous"), q.bool("dualstack"), q.bool("accelerate")
	if q.err != nil {
		return nil, q.err
	}
	var err error
	if options.Creds, err = s3Credentials(anonymous, query.Get("profile"), transport); err != nil {
		return nil, err
	}
	client, err := minio.New(host, options)
	if err != nil {
		return nil, err
	}
	client.SetS3EnableDualstack(dualStack)
	if accelerate {
		client.SetS3TransferAccelerate("s3-accelerate.amazonaws.com")
	}
	return &s3Bucket{minio.Core{Client: client}, name}, nil
}

// s3Credentials finds credentials as the AWS tools do. A profile that is named must have some;
// otherwise requests are anonymous if there are none.
func s3Credentials(anonymous bool, profile string, transport http.RoundTripper) (*credentials.Credentials, error) {
	none := credentials.NewStatic("", "", "", credentials.SignatureAnonymous)
	if anonymous {
		return none, nil
	}
	named := profile
	if os.Getenv("AWS_ACCESS_KEY_ID") == "" {
		named = cmp.Or(profile, os.Getenv("AWS_PROFILE"))
	}
	found := credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{},
		&credentials.FileAWSCredentials{},
		&credentials.IAM{Region: os.Getenv("AWS_REGION")},
	})
	if named != "" {
		found = credentials.New(&credentials.FileAWSCredentials{Profile: named})
	}
	value, err := found.GetWithContext(&credentials.CredContext{Client: &http.Client{Transport: transport, Timeout: 10 * time.Second}})
	if err != nil {
		return nil, fmt.Errorf("profile %q of the AWS configuration: %w", named, err)
	}
	if value.AccessKeyID == "" {
		if named != "" {
			return nil, fmt.Errorf("profile %q of the AWS configuration has no credentials; run: aws configure --profile %s", named, named)
		}
		return none, nil // and do not search again for each request
	}
	return found, nil
}

func (b *s3Bucket) stat(ctx context.Context, key string) (shards.Object, error) {
	info, err := b.client.StatObject(ctx, b.name, key, minio.StatObjectOptions{})
	if err == nil {
		err = checkContent(info.Metadata, key)
	}
	if err != nil {
		return shards.Object{}, b.wrap(key, err)
	}
	return shards.Object{Size: info.Size, Version: s3Version(info)}, nil
}

func (b *s3Bucket) open(ctx context.Context, key string, offset int64) (io.ReadCloser, shards.Object, error) {
	var options minio.GetObjectOptions
	if offset > 0 {
		if err := options.SetRange(offset, 0); err != nil {
			return nil, shards.Object{}, b.wrap(key, err)
		}
	}
	body, info, header, err := b.client.GetObject(ctx, b.name, key, options)
	if err != nil {
		return nil, shards.Object{}, b.wrap(key, err)
	}
	object := shards.Object{Size: info.Size, Version: s3Version(info)}
	if err = checkContent(header, key); err == nil && (offset > 0 || header.Get("Content-Range") != "") {
		object.Size, err = sizeFromRange(header, info.Size, offset)
	}
	if err == nil && object.Size < 0 {
		err = refuse("the server did not send the size: no Content-Length")
	}
	if err != nil {
		body.Close()
		return nil, object, b.wrap(key, err)
	}
	return body, object, nil
}

func (b *s3Bucket) list(ctx context.Context, prefix string, add func(key string) error) error {
	for info := range b.client.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		err := info.Err
		if err == nil {
			err = add(info.Key)
		}
		if err != nil {
			return b.wrap(prefix, err)
		}
	}
	return ctx.Err()
}

// s3Version is the time in seconds, the resolution of the Last-Modified header, and the ETag.
func s3Version(info minio.ObjectInfo) string {
	return strings.TrimSpace(fmt.Sprint(info.LastModified.UTC().Unix(), " ", info.ETag))
}

// wrap adds the object's address and marks errors that a retry cannot fix.
func (b *s3Bucket) wrap(key string, err error) error {
	var response minio.ErrorResponse // else 0, no response
	if errors.As(err, &response) {
		response.Message = clean(response.Message)
		err = response
	}
	err = fmt.Errorf("remote: s3://%s/%s: %w", b.name, key, err)
	switch code := response.StatusCode; {
	case response.Code == minio.NoSuchBucket || response.Code == minio.NoSuchKey:
		return fmt.Errorf("%w (%w)", err, fs.ErrNotExist)
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return fmt.Errorf("%w; check the permissions and credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE), "+
			"or add ?anonymous=true for a public bucket (%w)", err, fs.ErrPermission)
	}
	return mark(err, response.StatusCode, nil)
}
