package backend

import (
	"strings"
	"testing"

	"depthwise.dev/internal/host"
)

func TestEnvironment(t *testing.T) {
	lines := Environment()
	n := len(host.Environment())
	if len(lines) < n+1 || !strings.HasPrefix(lines[n], "libtorch ") || strings.HasPrefix(lines[n], "libtorch ,") {
		t.Errorf("%q", lines)
	}
}
