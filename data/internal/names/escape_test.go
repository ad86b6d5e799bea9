package names

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"", ""}, {"cat", "cat"}, {"café", "café"}, {"a b\t\"%", "a b\t\"%"}, {"\ufffd", "\ufffd"}, {`\`, `\`}, {`\x`, `\x`}, {`\xE9`, `\xE9`},
		{"caf\xe9", `caf\xe9`}, {`caf\xe9`, `caf\x5cxe9`}, {"\xff\xfe", `\xff\xfe`}, {"\xe4\xb8", `\xe4\xb8`}, {"\\\xe9", `\\xe9`},
	} {
		if got := Escape(c.name); got != c.want {
			t.Errorf("%q is escaped as %q, want %q", c.name, got, c.want)
		}
		if got := Unescape(c.want); got != c.name {
			t.Errorf("%q is unescaped as %q, want %q", c.want, got, c.name)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"cat", "caf\xe9", `\xe9`, `\x5c`, "\\\xe9", `\x4` + "\xe9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		text, err := json.Marshal(Escape(name))
		if err != nil {
			t.Fatal(err)
		}
		var read string
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		if got := Unescape(read); got != name {
			t.Errorf("%q became %q", name, got)
		}
		if shown := Show(name); !utf8.ValidString(shown) {
			t.Errorf("%q is shown as %q", name, shown)
		}
	})
}

func TestShow(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"cat", "cat"}, {"két macska", "két macska"}, {"a\nb\tc", `a\nb\tc`}, {"\x1b[31mred", `\u001b[31mred`}, {"caf\xe9", `caf\xe9`}, {`caf\xe9`, `caf\xe9`},
		{"a\u202eb", `a\u202eb`}, {"👩\u200d🚀", "👩\u200d🚀"}, {"a\u2028b", `a\u2028b`},
	} {
		if got := Show(c.name); got != c.want {
			t.Errorf("%q is shown as %q, want %q", c.name, got, c.want)
		}
	}
}
