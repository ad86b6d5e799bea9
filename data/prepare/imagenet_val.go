package prepare

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/sys"
)

// layOutVal reads a tar of images, or a folder of images and class folders.
func (s *imageNet) layOutVal(ctx context.Context, p *placer) error {
	if s.val == "" {
		return nil
	}
	if !sys.IsDir(s.val) {
		return withFile(s.val, func(f *os.File, size int64) error {
			return eachInTar(ctx, f, size, func(name string, content *io.SectionReader) error {
				if !data.HasImageExtension(name) {
					return nil
				}
				place, err := s.placeOfVal(name)
				if err != nil {
					return err
				}
				p.count.Add(content.Size())
				return p.write(place, content)
			})
		})
	}
	entries, err := os.ReadDir(s.val)
	if err != nil {
		return err
	}
	inside := sameFile(s.val, filepath.Join(p.root, "val"))
	for _, e := range entries {
		path := filepath.Join(s.val, e.Name())
		if e.IsDir() {
			if err := adoptFolder(ctx, p, path, filepath.Join("val", e.Name())); err != nil {
				return err
			}
		} else if data.HasImageExtension(e.Name()) {
			place, err := s.placeOfVal(e.Name())
			if err != nil {
				return err
			}
			if err := p.adopt(ctx, path, place, inside); err != nil {
				return err
			}
		}
	}
	return nil
}

// placeOfVal returns the path of a validation image.
func (s *imageNet) placeOfVal(name string) (string, error) {
	if s.labels == nil {
		return "", fmt.Errorf("%s: the classes of the validation images are unknown; put %s, %s.tar.gz or a text file with lines like \"ILSVRC2012_val_00000001.JPEG n01751748\" beside them",
			name, kaggleLabels, devkitName)
	}
	class, ok := s.labels[strings.TrimSuffix(name, filepath.Ext(name))]
	if !ok {
		return "", fmt.Errorf("%s: not in the list of %d validation images", name, len(s.labels))
	}
	return filepath.Join("val", class, name), nil
}
