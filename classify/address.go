package classify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"depthwise.dev/data"
	"depthwise.dev/data/shards"
	"depthwise.dev/internal/redact"
)

// The limits of an image at an address.
const (
	maxDownload     = 64 << 20 // bytes: a camera's largest JPEG files have half as many
	downloadTimeout = time.Minute
	downloadTries   = 2
)

// address adds the image, the images or the shards at an address.
func (l *lister) address(ctx context.Context, address string) {
	if l.options.Remote == nil {
		l.fail(address, errors.New("an address, and nothing opens it: set Remote to remote.New() of package depthwise.dev/data/remote"))
		return
	}
	name, _, _ := strings.Cut(address, "?")
	switch {
	case strings.HasSuffix(name, ".tar") || strings.ContainsAny(name, "{}") || strings.Contains(name, "::"):
		l.listed(ctx, address)
	case strings.HasSuffix(name, "/"):
		l.remoteFolder(ctx, address)
	case path.Ext(path.Base(name)) == "" && !l.isObject(ctx, address): // a folder without the slash
		l.remoteFolder(ctx, address)
	default:
		l.object(address)
	}
}

// isObject reports whether there is an object at an address.
func (l *lister) isObject(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	_, err := l.options.Remote.Stat(ctx, address)
	return err == nil
}

// remoteFolder adds the images in a folder of a server that lists them, or else its shards.
func (l *lister) remoteFolder(ctx context.Context, address string) {
	names, err := l.options.Remote.List(ctx, address)
	images := slices.DeleteFunc(names, func(name string) bool {
		return !data.HasImageExtension(name) || strings.HasPrefix(path.Base(name), ".")
	})
	if err != nil || len(images) == 0 {
		l.listed(ctx, address)
		return
	}
	slices.Sort(images)
	for _, name := range images {
		if strings.ContainsAny(name, "?\\") {
			l.fail(shards.JoinPath(address, name), errors.New("its name cannot be part of an address: rename it there"))
			continue
		}
		l.object(shards.JoinPath(address, name))
	}
}

// object adds the image at an address, which is downloaded when it is decoded.
func (l *lister) object(address string) {
	o := &object{remote: l.options.Remote, address: address, keep: l.options.Keep, timeout: downloadTimeout, limit: maxDownload}
	l.images.Samples = append(l.images.Samples, data.Sample{Path: redact.Address(address), Part: data.Part{In: o}})
}

// object is an image at an address.
type object struct {
	remote  shards.Remote
	address string
	timeout time.Duration
	limit   int64 // bytes
	keep    bool

	mu   sync.Mutex
	kept []byte
}

// ReadAt implements [data.Container].
func (o *object) ReadAt(context.Context, []byte, int64) error {
	return errors.New("its size is not known before it is read")
}

// ReadAll downloads the image, unless its content was kept. Errors belong to the image, also those of the network: the other
// images of other servers are classified nevertheless.
func (o *object) ReadAll(ctx context.Context) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if content := o.kept; content != nil {
		o.kept = nil
		return content, nil
	}
	content, err := o.download(ctx)
	for try := 1; try < downloadTries && temporary(err) && ctx.Err() == nil; try++ {
		content, err = o.download(ctx)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(reason(err).Error(), redact.Address(o.address)+": ")) // no error of the system, which would end the run
	}
	if o.keep {
		o.kept = content
	}
	return content, nil
}

// download reads the object within the limits.
func (o *object) download(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, fmt.Errorf("not downloaded within %v", o.timeout))
	defer cancel()
	body, about, err := o.remote.Open(ctx, o.address, 0)
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer body.Close() // opened for reading: the error carries no information
	tooLarge := fmt.Errorf("%w: more than %d MB; download the file and give its path", data.ErrTooLarge, o.limit>>20)
	if about.Size > o.limit {
		return nil, tooLarge
	}
	content, err := io.ReadAll(io.LimitReader(body, o.limit+1))
	switch {
	case err != nil:
		return nil, cause(ctx, err)
	case int64(len(content)) > o.limit:
		return nil, tooLarge
	}
	return content, nil
}

// temporary reports whether another attempt may succeed.
func temporary(err error) bool {
	return err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, data.ErrTooLarge)
}

// cause is the reason why a context ended, or else the error.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
