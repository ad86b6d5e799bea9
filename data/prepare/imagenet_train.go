package prepare

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/sys"
)

var classTar = regexp.MustCompile(`^(n\d{8})\.tar$`)

// layOutTrain reads a tar of class tars, or a folder of class tars and class folders.
func (s *imageNet) layOutTrain(ctx context.Context, p *placer) error {
	if s.train == "" {
		return nil
	}
	if !sys.IsDir(s.train) {
		return withFile(s.train, func(f *os.File, size int64) error {
			return eachInTar(ctx, f, size, func(name string, content *io.SectionReader) error {
				class := classTar.FindStringSubmatch(name)
				if class == nil {
					return errors.New("not the tar file of a class, such as n01440764.tar")
				}
				return unpackClass(ctx, p, class[1], content)
			})
		})
	}
	entries, err := os.ReadDir(s.train)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(s.train, e.Name())
		if class := classTar.FindStringSubmatch(e.Name()); class != nil {
			err = withFile(path, func(f *os.File, size int64) error {
				return unpackClass(ctx, p, class[1], io.NewSectionReader(f, 0, size))
			})
		} else if synsetID.MatchString(e.Name()) {
			err = adoptFolder(ctx, p, path, filepath.Join("train", e.Name()))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func unpackClass(ctx context.Context, p *placer, class string, tar *io.SectionReader) error {
	return eachInTar(ctx, tar, tar.Size(), func(name string, content *io.SectionReader) error {
		if !data.HasImageExtension(name) {
			return nil
		}
		p.count.Add(content.Size())
		return p.write(filepath.Join("train", class, name), content)
	})
}
