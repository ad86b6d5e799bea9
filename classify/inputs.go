package classify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/data/shards"
	"depthwise.dev/internal/redact"
)

// InputOptions says what the arguments of [Inputs] may name besides files and folders.
type InputOptions struct {
	// Remote opens addresses; see package data/remote. nil: they are reported as images that cannot be read.
	Remote shards.Remote
	// Stdin is what "-" reads. nil: nothing.
	Stdin io.Reader
	// Keep keeps the content of downloaded images until [data.Dataset.ReadSample] returns it, once.
	Keep bool
}

// InputImages are the images of arguments, in their order.
type InputImages struct {
	*data.Dataset          // without classes
	Folders       []string // arguments, and lines of a list, that are folders
}

// Inputs lists the images that arguments name, in the order of the arguments:
//
//   - a file;
//   - a folder: all images in it and below it, see [data.ListImages]; if it has none, its shards;
//   - shards: a tar file, or a pattern such as train-{000000..000127}.tar;
//   - a glob: *, ?, [a-z] in a name, and ** for any number of folders. A file of that very name has precedence;
//   - an address of an image, of shards, or of a folder of images (s3, gs), where it ends with "/";
//   - "-": standard input, which is an image, or a list of such arguments, a line each, or ended by NUL each. In lines, empty
//     ones and those that begin with # are skipped.
//
// What cannot be listed is an image that cannot be read, in its place: its error is that of [Prediction]. Inputs returns an
// error only if ctx ends, or "-" is given twice.
func Inputs(ctx context.Context, arguments []string, o InputOptions) (InputImages, error) {
	l := &lister{options: o, images: InputImages{Dataset: &data.Dataset{Classes: []string{""}}}}
	for _, argument := range arguments {
		err := ctx.Err()
		switch {
		case err != nil:
		case argument == "-":
			err = l.standardInput(ctx)
		default:
			l.add(ctx, argument)
		}
		if err != nil {
			return InputImages{}, err
		}
	}
	return l.images, ctx.Err()
}

// lister collects the images of arguments.
type lister struct {
	options   InputOptions
	images    InputImages
	readStdin bool
}

// add lists what an argument names; a failure takes the place of its images.
func (l *lister) add(ctx context.Context, argument string) {
	if strings.Contains(argument, "://") {
		l.address(ctx, argument)
		return
	}
	err := l.existing(ctx, argument)
	switch {
	case err == nil:
	case hasGlob(argument):
		l.glob(ctx, argument)
	case strings.HasSuffix(argument, ".tar") && strings.ContainsAny(argument, "{}"):
		l.listed(ctx, argument)
	default:
		l.fail(argument, missing(argument, err))
	}
}

// existing adds a path that exists; otherwise it returns the error of the system.
func (l *lister) existing(ctx context.Context, path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		l.images.Folders = append(l.images.Folders, path)
		l.listed(ctx, path)
	case !info.Mode().IsRegular():
		l.fail(path, errors.New("not a regular file; for standard input give -"))
	case strings.HasSuffix(path, ".tar"):
		l.listed(ctx, path)
	default:
		l.images.Samples = append(l.images.Samples, data.Sample{Path: path})
	}
	return nil
}

// oneSlash matches the beginning of an address without one or both slashes.
var oneSlash = regexp.MustCompile(`^(https?|s3|gs):/?([^/]|$)`)

// missing explains why an argument names nothing.
func missing(argument string, err error) error {
	if scheme := oneSlash.FindStringSubmatch(argument); scheme != nil {
		return fmt.Errorf("no such file; an address begins with %s://", scheme[1])
	}
	if strings.HasSuffix(argument, "\r") {
		return errors.New("no such file: the name ends with a carriage return")
	}
	return reason(err)
}

// fail adds an image that cannot be read. The reason need not repeat the name.
func (l *lister) fail(name string, err error) {
	for _, shown := range []string{name, data.ShowName(name), redact.Address(name)} {
		if text, ok := strings.CutPrefix(err.Error(), shown+": "); ok {
			err = errors.New(text)
			break
		}
	}
	l.images.Samples = append(l.images.Samples, data.Sample{Path: redact.Address(name), Part: data.Part{In: &unreadable{err}}})
}

// listed adds the images of a folder or of shards.
func (l *lister) listed(ctx context.Context, argument string) {
	set := &data.Dataset{Classes: []string{""}}
	if err := addImages(ctx, set, argument, l.options.Remote); err != nil {
		l.fail(argument, reason(err))
		return
	}
	l.images.Samples = append(l.images.Samples, set.Samples...)
	l.images.Problems = append(l.images.Problems, set.Problems...)
}

// reason is an error without the prefixes of packages, and without the secrets of addresses: the path is printed before it.
func reason(err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	text := redact.Text(err.Error())
	for _, prefix := range []string{"classify: ", "data: ", "remote: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return errors.New(text)
}

// unreadable is the place of an image that could not be found.
type unreadable struct{ err error }

// ReadAt implements [data.Container].
func (u *unreadable) ReadAt(context.Context, []byte, int64) error { return u.err }

// ReadAll implements [data.UnsizedContainer].
func (u *unreadable) ReadAll(context.Context) ([]byte, error) { return nil, u.err }
