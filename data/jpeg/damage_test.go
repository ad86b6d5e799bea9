//go:build cgo

package jpeg

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestDamage(t *testing.T) {
	for _, path := range samples(t) {
		data := read(t, path)
		if got := Damage(data); got != "" && filepath.Base(path) != "garbage_after_end.jpg" {
			t.Errorf("%s is whole, but %q", path, got)
		}
	}
	data := read(t, "testdata/420.jpg")
	at := len(data) / 2
	early := append(append([]byte{}, data[:at]...), 0xff, 0xd9)
	broken := append([]byte{}, data...)
	copy(broken[at:], "\xff\xd0\xff\xd1\xff\xd2")
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"an early end": {early, "remature end"}, "wrong bytes": {broken, "orrupt JPEG data"}, "no end": {data[:at], "remature end"},
		"no image": {[]byte("text"), "Not a JPEG"}, "nothing": {nil, ""},
	} {
		if got := Damage(c.data); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
