package redact

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

func TestAddress(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"a path", "/data/photos", "/data/photos"},
		{"a Windows path", `C:\photos?x=y`, `C:\photos?x=y`},
		{"no secret", "https://host:8080/a/train-{000000..000009}.tar", "https://host:8080/a/train-{000000..000009}.tar"},
		{"options", "s3://b/f?region=eu-west-1&endpoint=http://127.0.0.1:9000&use_path_style=true", "s3://b/f?region=eu-west-1&endpoint=http://127.0.0.1:9000&use_path_style=true"},
		{"an @ in the path", "s3://b/a@2x/train.tar", "s3://b/a@2x/train.tar"},
		{"an # in the path", "s3://b/a#2=x/train.tar", "s3://b/a#2=x/train.tar"},
		{"IPv6", "http://[::1]:9000/a@b.tar", "http://[::1]:9000/a@b.tar"},
		{"password", "https://user:secret@host/x.tar", "https://xxxxx@host/x.tar"},
		{"token as user", "https://secret@host/x.tar", "https://xxxxx@host/x.tar"},
		{"empty user", "https://:secret@host", "https://xxxxx@host"},
		{"password with @", "https://user:sec@ret@host/x", "https://xxxxx@host/x"},
		{"password with a slash", "https://user:sec/ret@host/x", "https://xxxxx@host/x"},
		{"password with a slash and @", "https://user:s@ecret/secret@host/x?region=a@b", "https://xxxxx@host/x?region=a@b"},
		{"password with a question mark", "https://user:sec?ret@host/x", "https://xxxxx@host/x"},
		{"password with a number sign", "https://user:sec#ret@host/x", "https://xxxxx@host/x"},
		{"password with a space", "https://user:sec ret@host/x", "https://xxxxx@host/x"},
		{"IPv6 with a password", "http://u:secret@[::1]:9000/x", "http://xxxxx@[::1]:9000/x"},
		{"AWS", "https://b.s3.amazonaws.com/x.tar?X-Amz-Algorithm=secret&X-Amz-Signature=secret&region=eu", "https://b.s3.amazonaws.com/x.tar?X-Amz-Algorithm=xxxxx&X-Amz-Signature=xxxxx&region=eu"},
		{"Google", "https://storage.googleapis.com/b/x?X-Goog-Signature=secret&Expires=1", "https://storage.googleapis.com/b/x?X-Goog-Signature=xxxxx&Expires=xxxxx"},
		{"Azure", "https://a.blob.core.windows.net/c/x.tar?sv=1&sig=sec%2Fret%3D", "https://a.blob.core.windows.net/c/x.tar?sv=xxxxx&sig=xxxxx"},
		{"an escaped name", "https://h/x?%73ig=secret", "https://h/x?%73ig=xxxxx"},
		{"a value alone", "https://h/x?secret", "https://h/x?xxxxx"},
		{"an empty value", "https://h/x?sig=", "https://h/x?sig="},
		{"semicolons", "https://h/x?region=a;sig=secret", "https://h/x?region=a;sig=xxxxx"},
		{"a fragment", "https://h/x#access_token=secret", "https://h/x#xxxxx"},
		{"an endpoint with a password", "s3://b/x?endpoint=http://u:secret@h:9000&region=a", "s3://b/x?endpoint=http://xxxxx@h:9000&region=a"},
		{"an escaped endpoint", "s3://b/x?endpoint=http%3A%2F%2Fu%3Asecret%40h", "s3://b/x?endpoint=http://xxxxx@h"},
		{"braces", "https://u:secret@h/{train-{0..9},val-0}.tar?sig=secret", "https://xxxxx@h/{train-{0..9},val-0}.tar?sig=xxxxx"},
		{"a list", "https://u:secret@h/a.tar?sig=secret::https://v:secret@g/c.tar", "https://xxxxx@h/a.tar?sig=xxxxx::https://xxxxx@g/c.tar"},
		{"upper case", "HTTPS://u:secret@h/x#t=secret", "HTTPS://xxxxx@h/x#xxxxx"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Address(c.in)
			if got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
			if again := Address(got); again != got {
				t.Errorf("redacted again: %s", again)
			}
			if HasSecrets(c.in) != (c.in != c.want) || Marked(got) != (c.in != c.want && got != "") || Marked(c.in) {
				t.Errorf("HasSecrets %v, Marked %v", HasSecrets(c.in), Marked(got))
			}
		})
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"no address", "a: b", "a: b"},
		{"quoted by net/http", `Get "https://u:secret@h/x?sig=secret": EOF`, `Get "https://xxxxx@h/x?sig=xxxxx": EOF`},
		{"before a colon", "data: https://h/x?sig=secret: 403", "data: https://h/x?sig=xxxxx: 403"},
		{"in a shell word", "--data 'https://h/x?sig=secret'", "--data 'https://h/x?sig=xxxxx'"},
		{"in brackets", "(https://u:secret@h/x)", "(https://xxxxx@h/x)"},
		{"two", "https://u:secret@h to https://g/?t=secret, twice", "https://xxxxx@h to https://g/?t=xxxxx, twice"},
		{"an image in a shard", "https://h/x.tar?sig=xxxxx/cat.jpg: damaged", "https://h/x.tar?sig=xxxxx/cat.jpg: damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Text(c.in); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

func TestError(t *testing.T) {
	err := Error(fmt.Errorf("data: https://u:secret@h/x: %w", fs.ErrNotExist))
	if err.Error() != "data: https://xxxxx@h/x: file does not exist" || !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	plain := errors.New("a")
	if Error(nil) != nil || Error(plain) != plain {
		t.Error("an error without an address was changed")
	}
}

// FuzzAddress: what is redacted stays so, and the secret of a well-formed address is never shown.
func FuzzAddress(f *testing.F) {
	f.Add("user", "secret", "host/x", "sig", "token")
	f.Add("", "a/b@c", "h?region=x", "region", "")
	f.Fuzz(func(t *testing.T, user, password, path, name, text string) {
		address := "https://" + user + ":" + password + "@" + path + "?" + name + "=" + text
		if once := Address(address); Address(once) != once {
			t.Errorf("%q gives %q, then %q", address, once, Address(once))
		}
		if hex := fmt.Sprintf("%x!", password); len(password) > 3 {
			for _, a := range []string{"https://u:" + hex + "@h/" + strings.NewReplacer("@", "", "?", "").Replace(path), "https://h/x?sig=" + hex} {
				if strings.Contains(Address(a), hex) {
					t.Errorf("%q gives %q", a, Address(a))
				}
			}
		}
	})
}
