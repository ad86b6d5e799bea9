package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// LaunchComment begins the line of a run's config.yaml that holds [Config.Launch].
const LaunchComment = "# launch: "

// Launched reports whether the run that Resume "auto" would continue was begun by the same run of the launcher, of which this
// process is a restart. In a folder without such a run there is nothing to continue, or what another command has begun.
func (c Config) Launched() bool {
	dir := c.ResumedFolder()
	if c.Launch == "" || dir == "" {
		return false
	}
	text, err := os.ReadFile(filepath.Join(dir, "config.yaml"))
	return err == nil && slices.Contains(strings.Split(string(text), "\n"), LaunchComment+c.Launch)
}
