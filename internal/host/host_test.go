package host

import (
	"runtime"
	"strings"
	"testing"
)

func TestCacheFolder(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("XDG_CACHE_HOME", "/x")
	if got, err := CacheFolder(); runtime.GOOS == "linux" && (got != "/x/depthwise" || err != nil) {
		t.Errorf("CacheFolder() = %q, %v", got, err)
	}
	t.Setenv("XDG_CACHE_HOME", "")
	if _, err := CacheFolder(); err == nil || !strings.Contains(err.Error(), "set XDG_CACHE_HOME") {
		t.Errorf("without a home folder: %v", err)
	}
}

func TestPeakRSS(t *testing.T) {
	before := PeakRSS()
	held := make([]byte, 64<<20)
	for i := range held {
		held[i] = 1
	}
	if after := PeakRSS(); before < 1 || after < 64 || after < before {
		t.Errorf("peak of %d MB, and of %d MB after 64 MB were written", before, after)
	}
	runtime.KeepAlive(held)
}

func TestEnvironment(t *testing.T) {
	lines := Environment()
	for i, want := range []string{"depthwise ", runtime.Version() + " " + runtime.GOOS, " by default: "} {
		if i >= len(lines) || !strings.Contains(lines[i], want) {
			t.Errorf("line %d of %q lacks %q", i, lines, want)
		}
	}
	if got := modelName(strings.NewReader("processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: a:b\n")); got != "AMD EPYC" {
		t.Errorf("model name %q", got)
	}
}
