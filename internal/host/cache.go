package host

import (
	"fmt"
	"os"
	"path/filepath"
)

// CacheFolder returns the folder for files that can be created again: depthwise in the user's cache
// folder.
func CacheFolder() (string, error) {
	user, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder: %w; set XDG_CACHE_HOME to the absolute path of a folder", err)
	}
	return filepath.Join(user, "depthwise"), nil
}
