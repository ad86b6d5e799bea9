package prepare

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/progress"
	"depthwise.dev/data/internal/sys"
)

// ImageNet converts ImageNet (ILSVRC 2012) from its common forms to dst/train/CLASS/*.JPEG and
// dst/val/CLASS/*.JPEG. src contains any of
//
//	ILSVRC2012_img_train.tar, or train/ with class tars (n01440764.tar) or class folders
//	ILSVRC2012_img_val.tar, or val/ with the images, flat or in class folders
//	the classes of val: LOC_val_solution.csv, a text file with lines like
//	  "ILSVRC2012_val_00000001.JPEG n01751748", or ILSVRC2012_devkit_t12.tar.gz
//	LOC_synset_mapping.txt or synset_words.txt: the names of the classes, written to dst/classes.txt
//
// or Kaggle's ILSVRC/Data/CLS-LOC. dst may be src: then a flat val folder is sorted in place. Files in
// folders are hard-linked if possible. An interrupted call can be repeated: files that exist with the
// right size are kept. report, which may be nil, is called with the number of source bytes done and the
// total.
func ImageNet(ctx context.Context, src, dst string, report func(done, total int64)) error {
	source, err := findImageNet(src)
	if err != nil {
		return fmt.Errorf("data: imagenet: %w", err)
	}
	if err := source.layOut(ctx, dst, report); err != nil {
		return fmt.Errorf("data: imagenet: %w", err)
	}
	return nil
}

// imageNet is the source that was found.
type imageNet struct {
	train, val string // a tar file or a folder; empty: missing
	labels     valLabels
	names      map[string]string
}

// findImageNet looks in src and in the folders of Kaggle's archive.
func findImageNet(src string) (*imageNet, error) {
	if !sys.IsDir(src) {
		return nil, fmt.Errorf("%s is not a folder", src)
	}
	places := []string{src}
	for _, below := range []string{"ILSVRC", "ILSVRC/Data/CLS-LOC", "Data/CLS-LOC", "imagenet-object-localization-challenge"} {
		places = append(places, filepath.Join(src, below))
	}
	s := &imageNet{
		train: firstExisting(places, "ILSVRC2012_img_train.tar", "train", "ILSVRC2012_img_train"),
		val:   firstExisting(places, "ILSVRC2012_img_val.tar", "val", "ILSVRC2012_img_val"),
	}
	if s.train == "" && s.val == "" {
		return nil, fmt.Errorf("%s contains neither ILSVRC2012_img_train.tar nor ILSVRC2012_img_val.tar, nor folders named train or val", src)
	}
	var err error
	if s.labels, s.names, err = findValLabels(places); err != nil {
		return nil, err
	}
	for _, place := range places {
		names, err := ClassNames(place)
		if err != nil {
			return nil, err
		}
		if names != nil {
			s.names = names
			break
		}
	}
	return s, nil
}

func firstExisting(places []string, names ...string) string {
	for _, name := range names {
		for _, place := range places {
			path := filepath.Join(place, name)
			info, err := os.Stat(path)
			if err == nil && (info.IsDir() || strings.HasSuffix(name, ".tar") && info.Mode().IsRegular()) {
				return path
			}
		}
	}
	return ""
}

func (s *imageNet) layOut(ctx context.Context, dst string, report func(done, total int64)) error {
	count := progress.New(report)
	for _, part := range []string{s.train, s.val} {
		size, err := sizeOf(part)
		if err != nil {
			return err
		}
		count.Total += size
	}
	p, err := newPlacer(dst, count)
	if err != nil {
		return err
	}
	defer p.close()
	if len(s.names) > 0 {
		list := string(formatClassNames(s.names))
		if err := p.write(classNamesFile, io.NewSectionReader(strings.NewReader(list), 0, int64(len(list)))); err != nil {
			return err
		}
	}
	if err := s.layOutVal(ctx, p); err != nil { // first, since it is small and may lack labels
		return err
	}
	if err := s.layOutTrain(ctx, p); err != nil {
		return err
	}
	count.Finish() // files that were in place were not counted
	return nil
}

// sizeOf adds up the bytes of a file or of a folder's files.
func sizeOf(path string) (size int64, err error) {
	if path == "" {
		return 0, nil
	}
	if path, err = filepath.EvalSymlinks(path); err != nil { // WalkDir does not follow it
		return 0, err
	}
	err = filepath.WalkDir(path, func(_ string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}

// adoptFolder places the images of a folder in root/to, unless it is that folder.
func adoptFolder(ctx context.Context, p *placer, from, to string) error {
	if sameFile(from, filepath.Join(p.root, to)) {
		return nil
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if data.HasImageExtension(e.Name()) && e.Type().IsRegular() {
			if err := p.adopt(ctx, filepath.Join(from, e.Name()), filepath.Join(to, e.Name()), false); err != nil {
				return err
			}
		}
	}
	return nil
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

func withFile(path string, use func(f *os.File, size int64) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := use(f, info.Size()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
