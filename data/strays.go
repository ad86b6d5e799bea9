package data

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
)

// otherExtensions are extensions of images that are not read, as in torchvision, with the reason. They are
// reported, so that such files are not skipped silently.
var otherExtensions = map[string]string{
	".avif": unsupported("AVIF"), ".heic": unsupported("HEIC"), ".heif": unsupported("HEIC"),
	".jxl": unsupported("JPEG XL"), ".jp2": unsupported("JPEG 2000"), ".j2k": unsupported("JPEG 2000"),
	".svg": unsupported("SVG"), ".psd": unsupported("Photoshop"),
	".dng": unsupported("raw"), ".cr2": unsupported("raw"), ".nef": unsupported("raw"),
	".jpe": anotherName("JPEG"), ".jfif": anotherName("JPEG"), ".pjpeg": anotherName("JPEG"),
	".dib": anotherName("BMP"), ".apng": anotherName("PNG"), ".pnm": anotherName("PGM or PPM"),
}

func unsupported(format string) string {
	return format + ", which is not supported; convert it to JPEG"
}

func anotherName(format string) string {
	return fmt.Sprintf("a %s file with an extension that is not read, as in torchvision; rename it", format)
}

// strayName returns the reason to report a file that is not read, "" if there is none.
func strayName(name string) string { return otherExtensions[strings.ToLower(filepath.Ext(name))] }

// foreign are the first bytes of other files that occur with the extension of an image.
var foreign = []struct {
	at             int
	bytes, meaning string
}{
	{4, "ftypavif", unsupported("AVIF")}, {4, "ftypavis", unsupported("AVIF")},
	{4, "ftyphei", unsupported("HEIC")}, {4, "ftyphev", unsupported("HEIC")},
	{4, "ftypmif1", unsupported("HEIC")}, {4, "ftypmsf1", unsupported("HEIC")},
	{4, "ftyp", "a video"},
	{0, "\xff\x0a", unsupported("JPEG XL")}, {4, "JXL ", unsupported("JPEG XL")},
	{4, "jP  ", unsupported("JPEG 2000")}, {0, "\xff\x4f\xff\x51", unsupported("JPEG 2000")},
	{0, "8BPS", unsupported("Photoshop")}, {0, "%PDF", "a PDF document"},
	{0, "\x00\x05\x16\x07", "a macOS resource fork, not an image; remove it"},
	{0, "PK\x03\x04", "a zip archive"}, {0, "\x1f\x8b", "a gzip archive"},
	{0, "version https://git-lfs", "a Git LFS pointer; fetch the file itself (git lfs pull)"},
	{0, "<!DOCTYPE", htmlPage}, {0, "<!doctype", htmlPage}, {0, "<html", htmlPage}, {0, "<HTML", htmlPage},
}

const htmlPage = "a web page, not an image: the download failed"

// foreignReason returns the type of a file that is not an image of a known format.
func foreignReason(data []byte) string {
	for _, f := range foreign {
		if len(data) >= f.at && bytes.HasPrefix(data[f.at:], []byte(f.bytes)) {
			return f.meaning
		}
	}
	if len(bytes.Trim(data[:min(len(data), 512)], "\x00")) == 0 {
		return "only zeros: the download failed"
	}
	return "not an image of a known format"
}
