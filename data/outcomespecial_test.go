package data

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"depthwise.dev/data/internal/datatest"
	"depthwise.dev/data/internal/sys"
)

// situation is a case that needs more than one file.
type situation struct {
	row
	check func(t *testing.T)
}

const (
	ends    outcome = "ends the run"
	refused outcome = "refused before training"
)

var situations = []situation{
	{row{"EXIF orientation 1 to 8, where it is applied (see below)", "applied in training and evaluation; crops are drawn on the rotated image; within 1 of Pillow's", used}, TestEXIFOrientationEqualsPillow},
	{row{"truncated at any byte: JPEG, PNG, GIF, WebP, BMP, TIFF, PPM", "or used, if the missing bytes hold no pixels: the pixels always equal those of the complete file", skipped}, truncatedAnywhere},
	{row{"shrinks while it is read", "the file is truncated; or used, if it was read completely", skipped}, shrinking},
	{row{"images beside the class folders", "an image beside the class folders has no class", unlisted}, besideTheClasses},
	{row{"empty class folder in train", "the error names it", refused}, emptyClass},
	{row{"class folder that cannot be read, in train or val", "the error names it: permission denied", refused}, TestOpenFolderRefusesUnreadableClasses},
	{row{"service folders (`__MACOSX`, `@eaDir`, `lost+found`, `$RECYCLE.BIN`), hidden folders (`.ipynb_checkpoints`, `.Trash-1000`), with or without images", "a service folder, a hidden folder", unlisted}, TestOpenFolderSkipsServiceFolders},
	{row{"runs and shards of this program beside the classes (`--data .`)", "holds a training run and no image: not a class", unlisted}, TestOpenFolderSkipsServiceFolders},
	{row{"two class folders whose names are Unicode forms (NFC, NFD) of one name", "as one class; also in train and val, and in eval", used}, TestOpenFolderMergesUnicodeForms},
	{row{"class folder whose name is not UTF-8", "each such byte is written as `\\xe9` in the class name", used}, TestClassesThatAreNotUTF8},
	{row{"100,000 classes", "listed in seconds", used}, manyClasses},
	{row{"ESTALE, ETIMEDOUT, EIO and other failures of a disk or the machine", "repeated for two seconds; no image is skipped for them", ends}, failingDisk},
}

// truncatedAnywhere truncates files of every format after each byte. The rest is either refused or has the
// pixels of the complete file.
func truncatedAnywhere(t *testing.T) {
	disk := datatest.RestoreDisk(t)
	for _, from := range []string{
		"jpeg/testdata/one.jpg", "jpeg/testdata/progressive_gray.jpg", "testdata/exif/6.jpg", "testdata/formats/gray.png", "testdata/troubles/corner.gif", "testdata/formats/still.gif",
		"testdata/formats/alpha.webp", "testdata/formats/lossless.webp", "testdata/troubles/animated_lossy.webp", "testdata/formats/palette.bmp", "testdata/formats/gray.tif", "testdata/formats/lzw.tif", "testdata/formats/gray.pgm",
	} {
		data := datatest.Read(t, from)
		p := Preprocess{Resolution: 64, Fit: FitPad, EXIF: true}
		r := openReader(t)
		r.exif = true
		want, err := LoadImage(from, p)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(want))
		for n := range data {
			sys.Disk.ReadFile = func(string, func() ([]byte, error)) ([]byte, error) { return data[:n:n], nil }
			if r.Open(t.Context(), Sample{Path: from}) != nil || r.draw(p.evaluation(r.width, r.height), p.Resolution, got) != nil {
				continue
			}
			if _, worst := difference(t, got, want); worst != 0 {
				t.Errorf("%s cut after %d of %d bytes: other pixels", from, n, len(data))
			}
		}
		sys.Disk = disk
	}
}

// shrinking cuts a file and makes it whole again while it is read: at any moment it is a
// prefix of the image.
func shrinking(t *testing.T) {
	data := datatest.Read(t, "testdata/geometry/150x113.jpg")
	path := filepath.Join(t.TempDir(), "shrinks.jpg")
	datatest.Write(t, path, data)
	p := Preprocess{Resolution: 32}
	whole, err := LoadImage(path, p)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var writer sync.WaitGroup
	stop := make(chan struct{})
	writer.Go(func() {
		for n := len(data) - 1; ; n = (n*7 + 11) % len(data) {
			select {
			case <-stop:
				return
			default:
			}
			if err := f.Truncate(int64(n)); err != nil {
				t.Error(err)
				return
			}
			if _, err := f.WriteAt(data[n:], int64(n)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 200 {
		got, err := LoadImage(path, p)
		if err != nil {
			if !strings.Contains(err.Error(), "truncated") && !strings.Contains(err.Error(), "empty") && !strings.Contains(err.Error(), "not an image") {
				t.Errorf("error %v", err)
			}
			continue
		}
		if _, worst := difference(t, got, whole); worst != 0 {
			t.Error("other pixels")
		}
	}
	close(stop)
	writer.Wait()
}

func besideTheClasses(t *testing.T) {
	d, err := OpenFolder(datatest.Folder(t, map[string]string{"a/1.jpg": "x", "stray.jpg": "x", "notes.txt": "x"}))
	if err != nil || len(d.Problems) != 1 || filepath.Base(d.Problems[0].Path) != "stray.jpg" {
		t.Errorf("problems %q, error %v", d.Problems, err)
	}
}

func emptyClass(t *testing.T) {
	dir := datatest.Folder(t, map[string]string{"a/1.jpg": "x", "b/readme.txt": "x"})
	if _, err := OpenFolder(dir); err == nil || !strings.Contains(err.Error(), `"b"`) {
		t.Errorf("error %v", err)
	}
}

// manyClasses lists, matches and loads 100,000 class folders of one image, on a disk that
// makes them up.
func manyClasses(t *testing.T) {
	const n = 100_000
	real := datatest.Folder(t, map[string]string{"one/image.jpg": string(datatest.Read(t, "testdata/geometry/40x40.jpg"))})
	images, err := os.ReadDir(filepath.Join(real, "one"))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(real, "one"))
	if err != nil {
		t.Fatal(err)
	}
	classes := make([]fs.DirEntry, n)
	for i := range classes {
		classes[i] = numbered{fs.FileInfoToDirEntry(info), i}
	}
	datatest.RestoreDisk(t)
	sys.Disk.Stat = func(string) (fs.FileInfo, error) { return info, nil }
	sys.Disk.ReadDir = func(path string) ([]fs.DirEntry, error) {
		if path == "many" {
			return classes, nil
		}
		return images, nil
	}
	sys.Disk.ReadFile = func(string, func() ([]byte, error)) ([]byte, error) {
		return os.ReadFile(filepath.Join(real, "one", "image.jpg"))
	}
	d, err := OpenFolder("many")
	if err != nil || len(d.Classes) != n || d.Len() != n || d.Samples[n-1].Path != "many/099999/image.jpg" || d.Samples[n-1].Class != n-1 {
		t.Fatalf("%d classes, error %v", len(d.Classes), err)
	}
	matched, unknown, missing := d.Match(d.Classes)
	if matched.Len() != n || len(unknown)+len(missing) > 0 {
		t.Errorf("%d images match, %d unknown, %d missing", matched.Len(), len(unknown), len(missing))
	}
	it := newLoader(t, d, training(2)).Epoch(t.Context(), 0, 0)
	defer it.Close()
	if b, err := it.Next(); err != nil || b.N != 4 {
		t.Errorf("batch %+v, error %v", b, err)
	}
}

// numbered is a folder's entry under a number for a name.
type numbered struct {
	fs.DirEntry
	number int
}

func (n numbered) Name() string { return fmt.Sprintf("%06d", n.number) }

func failingDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		datatest.InjectFaults(t, "40x40.jpg", &datatest.Faults{Err: syscall.ESTALE, Times: -1})
		it := newLoader(t, photos(t, 20, false), training(4)).Epoch(t.Context(), 0, 0)
		defer it.Close()
		var err error
		for err == nil {
			_, err = it.Next()
		}
		checkStorageError(t, err, syscall.ESTALE)
	})
}
