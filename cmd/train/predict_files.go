package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/classify"
	"depthwise.dev/data"
	"depthwise.dev/data/sorting"
)

// predictionFiles are the files that train predict writes beside the predictions.
type predictionFiles struct {
	copyTo  string // folder of copies by class
	sheet   string // contact sheet
	explain string // folder of Grad-CAM overlays by class
}

func (f *predictionFiles) flags(fs *pflag.FlagSet) {
	fs.StringVar(&f.copyTo, "copy-to", "", "folder to copy the images to, in a folder for each class; those below --threshold to its folder uncertain")
	fs.StringVar(&f.sheet, "contact-sheet", "", "picture or page with the images and their classes, .png or .html")
	fs.StringVar(&f.explain, "explain", "", "folder for pictures of where the network sees the class (Grad-CAM)")
	folderPath(fs, "copy-to")
	folderPath(fs, "explain")
	filePath(fs, "contact-sheet", "png", "html")
}

// check refuses outputs before any work.
func (f predictionFiles) check(images []string) error {
	if f.copyTo != "" {
		if info, err := os.Stat(f.copyTo); err == nil && !info.IsDir() {
			return usagef("--copy-to %s: is not a folder: name a new folder", shellWord(f.copyTo))
		} else if err != nil {
			if err := checkOutput("copy-to", filepath.Clean(f.copyTo)); err != nil {
				return err
			}
		}
	}
	if f.explain != "" {
		if err := checkOutputFolder("explain", f.explain); err != nil {
			return err
		}
	}
	if f.sheet != "" {
		return cmp.Or(checkOutput("contact-sheet", f.sheet, ".png", ".html", ".htm"), checkNoInput(f.sheet, images))
	}
	return nil
}

// checkFolders refuses folders of images within one that is read: a later run would classify them again.
func (f predictionFiles) checkFolders(inputs []string) error {
	for _, out := range []struct{ flag, dir string }{{"copy-to", f.copyTo}, {"explain", f.explain}} {
		for _, in := range inputs {
			if out.dir != "" && isWithin(out.dir, in) {
				return usagef("--%s %s: is in %s, whose images are classified: a later run would classify these pictures too; name a folder elsewhere, such as %s",
					out.flag, shellWord(out.dir), shellWord(in), shellWord(beside(in, filepath.Base(out.dir))))
			}
		}
	}
	return nil
}

// beside is a folder of a name beside another one.
func beside(dir, name string) string {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		absolute = dir
	}
	if name == "." || name == "/" || name == filepath.Base(absolute) {
		name = filepath.Base(absolute) + "-sorted"
	}
	return filepath.Join(filepath.Dir(absolute), name)
}

// isWithin reports whether a path is a folder or in it, links followed. The path may be missing.
func isWithin(path, dir string) bool {
	folder, err := os.Stat(dir)
	if err != nil {
		return false
	}
	path, err = filepath.Abs(path)
	for err == nil {
		if real, linkErr := filepath.EvalSymlinks(path); linkErr == nil {
			path = real
		}
		if info, statErr := os.Stat(path); statErr == nil && os.SameFile(info, folder) {
			return true
		}
		if filepath.Dir(path) == path {
			return false
		}
		path = filepath.Dir(path)
	}
	return false
}

// leaveOut removes an older contact sheet from images that a folder has.
func (f predictionFiles) leaveOut(images *data.Dataset) {
	sheet, err := os.Stat(f.sheet)
	if f.sheet == "" || err != nil {
		return
	}
	images.Samples = slices.DeleteFunc(images.Samples, func(s data.Sample) bool {
		if s.Part.In != nil || filepath.Base(s.Path) != filepath.Base(f.sheet) || images.Len() == 1 {
			return false
		}
		info, err := os.Stat(s.Path)
		return err == nil && os.SameFile(info, sheet)
	})
}

// sinks returns what writes the files.
func (f predictionFiles) sinks(cmd *cobra.Command, images *data.Dataset, threshold float64) (list []sink) {
	if f.copyTo != "" {
		list = append(list, &copier{ctx: cmd.Context(), dir: f.copyTo, images: images})
	}
	if f.explain != "" {
		list = append(list, &explainer{dir: f.explain})
	}
	if f.sheet != "" {
		list = append(list, newContactSheet(cmd, f.sheet, images.Len(), threshold))
	}
	return list
}

// summary says where the files are.
func (f predictionFiles) summary() (lines []string) {
	for _, line := range []struct{ what, path string }{{"copies are in", f.copyTo}, {"explanations are in", f.explain}, {"the contact sheet is", f.sheet}} {
		if line.path != "" {
			lines = append(lines, line.what+" "+shellWord(line.path))
		}
	}
	return lines
}

// uncertain is the folder of images without a class that reaches the threshold.
const uncertain = "uncertain"

// copier copies images to the folders of their classes.
type copier struct {
	ctx    context.Context
	dir    string
	images *data.Dataset
	folder *sorting.Folder
}

// Add implements [sink]. An image that cannot be read is not copied.
func (c *copier) Add(p classify.Predicted) error {
	if p.Error != "" {
		return nil
	}
	if c.folder == nil {
		c.folder = sorting.New(c.dir, p.Classes)
	}
	content, err := c.images.ReadSample(context.WithoutCancel(c.ctx), p.Index)
	if err != nil {
		return fmt.Errorf("--copy-to: %w", err)
	}
	image := sorting.Image{Name: p.Image, Content: content}
	if info, err := os.Stat(p.Image); err == nil && c.images.Samples[p.Index].Part.In == nil {
		image.Modified = info.ModTime()
	}
	if len(p.Top) == 0 {
		_, err = c.folder.CopyUnsorted(uncertain, image)
	} else {
		_, err = c.folder.Copy(p.Top[0].Class, image)
	}
	return err
}

// Close implements [sink].
func (c *copier) Close() error { return nil }

// explainer writes Grad-CAM overlays to the folders of the explained classes.
type explainer struct {
	dir    string
	folder *sorting.Folder
}

// Add implements [sink].
func (e *explainer) Add(p classify.Predicted) error {
	if p.Map == nil {
		return nil
	}
	if e.folder == nil {
		e.folder = sorting.New(e.dir, p.Classes)
	}
	picture, err := overlayPNG(p)
	if err != nil {
		return err
	}
	name := sorting.FileName(p.Image, nil)
	name = strings.TrimSuffix(name, filepath.Ext(name)) + ".png"
	_, err = e.folder.Copy(p.Map.Class.Class, sorting.Image{Name: name, Content: picture, Modified: time.Time{}})
	return err
}

// Close implements [sink].
func (e *explainer) Close() error { return nil }
