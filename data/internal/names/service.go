package names

import "strings"

// serviceFolders are folders that systems and programs create beside or among a user's images, in lower
// case. Their images, if any, are thumbnails, deleted files or copies.
var serviceFolders = map[string]string{
	"__macosx":                  "resource forks that macOS adds to archives",
	"@eadir":                    "thumbnails of a Synology disk",
	"@tmp":                      "temporary files of a Synology disk",
	"#recycle":                  "deleted files of a Synology disk",
	"#snapshot":                 "snapshots of a Synology disk",
	"@recycle":                  "deleted files of a QNAP disk",
	"lost+found":                "files that the file system's check has found",
	"$recycle.bin":              "deleted files of Windows",
	"system volume information": "files of Windows",
	"__pycache__":               "compiled Python",
}

// ServiceFolder returns why a folder is not part of a data set by its name, or "".
func ServiceFolder(name string) string {
	if what := serviceFolders[strings.ToLower(name)]; what != "" {
		return "a service folder: " + what
	}
	if strings.HasPrefix(name, ".") { // such as .ipynb_checkpoints, .Trash-1000, .git, .thumbnails
		return "a hidden folder"
	}
	return ""
}

// ServiceFile returns why an image file is not part of a data set by its name, or "".
func ServiceFile(name string) string {
	switch {
	case strings.HasPrefix(name, "._"):
		return "a macOS resource fork, not an image"
	case strings.HasPrefix(name, "."):
		return "a hidden file"
	}
	return ""
}
