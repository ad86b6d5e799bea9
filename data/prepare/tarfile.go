package prepare

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"
)

// eachInTar calls use for every file of a tar, with its base name and its content. Content that use does
// not read is skipped by seeking. Names outside the folder, links, devices and sparse files are errors.
func eachInTar(ctx context.Context, r io.ReaderAt, size int64, use func(name string, content *io.SectionReader) error) error {
	section := io.NewSectionReader(r, 0, size)
	t := tar.NewReader(section)
	for {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("damaged tar file: %w", err)
		}
		if h.Typeflag == tar.TypeDir {
			continue
		}
		if err := checkEntry(h); err != nil {
			return err
		}
		// tar.Reader has read the header only, so the content starts here.
		start, err := section.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		if h.Size > size-start {
			return fmt.Errorf("%s: %w: the tar file is truncated", h.Name, io.ErrUnexpectedEOF)
		}
		if err := use(path.Base(h.Name), io.NewSectionReader(r, start, h.Size)); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}

func checkEntry(h *tar.Header) error {
	if h.Typeflag != tar.TypeReg {
		return fmt.Errorf("unsafe tar file: %q is neither a file nor a folder", h.Name)
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return fmt.Errorf("unsafe tar file: %q is sparse", h.Name)
		}
	}
	base := path.Base(h.Name)
	if !filepath.IsLocal(h.Name) || base == "." || strings.ContainsAny(base, "\\\x00") {
		return fmt.Errorf("unsafe tar file: the name %q leads out of its folder", h.Name)
	}
	return nil
}
