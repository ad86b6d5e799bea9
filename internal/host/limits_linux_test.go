package host

import (
	"os"
	"testing"
)

func TestThreadsOf(t *testing.T) {
	if n := threadsOf(os.Geteuid()); n < 2 { // a Go program has several
		t.Errorf("%d threads of this user", n)
	}
	if n := threadsOf(1 << 30); n != 0 {
		t.Errorf("%d threads of no user", n)
	}
}
