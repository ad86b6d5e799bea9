package host

import "testing"

func TestSize(t *testing.T) {
	for _, c := range []struct {
		bytes float64
		want  string
	}{{0, "0 bytes"}, {999, "999 bytes"}, {1000, "1 kB"}, {1530, "1.53 kB"}, {999_600, "1 MB"}, {32e9, "32 GB"}, {2.5e12, "2.5 TB"}, {1e22, "1e+04 EB"}} {
		if got := Size(c.bytes); got != c.want {
			t.Errorf("Size(%v) = %q, want %q", c.bytes, got, c.want)
		}
	}
}
