package classify

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"depthwise.dev/data/shards"
)

// inputFiles creates files, whose content no listing reads, and enters their folder.
func inputFiles(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, path := range []string{"a.jpg", "b.png", "notes.txt", "[1].jpg", "#1.jpg", "photos/x/1.jpg", "photos/x/2.JPG", "photos/y/z/3.png",
		"photos/.hidden/4.jpg", "photos/readme.md", "empty/readme.md", "folder.jpg/5.jpg"} {
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, []byte(path), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	err := errors.Join(syscall.Mkfifo("pipe", 0o600), os.Symlink("nowhere", "dangling*.jpg"), os.Mkdir("none", 0o755),
		os.WriteFile("plain.tar", tarOf(t, "x/1.jpg", "x/2.png", "x/notes.txt", "../3.jpg"), 0o644),
		os.WriteFile("labeled.tar", tarOf(t, "1.jpg", "1.cls", "2.jpg"), 0o644),
		os.WriteFile("texts.tar", tarOf(t, "notes.txt"), 0o644),
		os.WriteFile("damaged.tar", []byte("no tar file"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
}

// tarOf is a tar file of members whose content is their name, or 0 for classes.
func tarOf(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range names {
		content := name
		if strings.HasSuffix(name, ".cls") {
			content = "0"
		}
		err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o644, Typeflag: tar.TypeReg})
		if err == nil {
			_, err = io.WriteString(w, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// listing returns the images of arguments: paths, and "path: reason" for those that cannot be read.
func listing(t *testing.T, o InputOptions, arguments ...string) []string {
	t.Helper()
	images, err := Inputs(t.Context(), arguments, o)
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, s := range images.Samples {
		text := s.Path
		if u, ok := s.Part.In.(*unreadable); ok {
			text += ": " + u.err.Error()
		}
		list = append(list, text)
	}
	return list
}

func TestInputs(t *testing.T) {
	inputFiles(t)
	const png = "\x89PNG\r\n\x1a\n"
	all := []string{"photos/x/1.jpg", "photos/x/2.JPG", "photos/y/z/3.png"}
	for _, c := range []struct {
		name      string
		arguments []string
		stdin     string
		want      []string
	}{
		{"files in the order given", []string{"b.png", "a.jpg"}, "", []string{"b.png", "a.jpg"}},
		{"a file twice", []string{"a.jpg", "a.jpg"}, "", []string{"a.jpg", "a.jpg"}},
		{"a file of any name", []string{"notes.txt"}, "", []string{"notes.txt"}},
		{"a missing file", []string{"no.jpg", "a.jpg"}, "", []string{"no.jpg: no such file or directory", "a.jpg"}},
		{"a folder", []string{"photos"}, "", all},
		{"a folder with a slash", []string{"photos/"}, "", all},
		{"a folder named as an image", []string{"folder.jpg"}, "", []string{"folder.jpg/5.jpg"}},
		{"folders and files", []string{"a.jpg", "photos", "photos/x/1.jpg"}, "", slices.Concat([]string{"a.jpg"}, all, []string{"photos/x/1.jpg"})},
		{"a folder without images", []string{"empty", "a.jpg"}, "", []string{"empty: the folder and those below it hold no image that is read, and no shards", "a.jpg"}},
		{"an empty folder", []string{"none"}, "", []string{"none: the folder and those below it hold no image that is read, and no shards"}},
		{"a named pipe", []string{"pipe"}, "", []string{"pipe: not a regular file; for standard input give -"}},
		{"a device", []string{"/dev/null"}, "", []string{"/dev/null: not a regular file; for standard input give -"}},
		{"an empty name", []string{""}, "", []string{": no such file or directory"}},

		{"a glob", []string{"photos/x/*"}, "", all[:2]},
		{"a glob of folders", []string{"photos/?"}, "", all},
		{"a glob of folders with a slash", []string{"p*/"}, "", all},
		{"a glob of any depth", []string{"photos/**/*.png"}, "", all[2:]},
		{"a glob of any depth, written twice", []string{"photos/**/**/*.png"}, "", all[2:]},
		{"a glob of files below", []string{"photos/**"}, "", []string{"photos/readme.md", "photos/x/1.jpg", "photos/x/2.JPG", "photos/y/z/3.png"}},
		{"a glob of files at any depth", []string{"photos/y/**/*"}, "", all[2:]},
		{"a glob of hidden folders", []string{"photos/.*/*.jpg"}, "", []string{"photos/.hidden/4.jpg"}},
		{"a glob with a set", []string{"[ab].*"}, "", []string{"a.jpg", "b.png"}},
		{"a file whose name is a glob", []string{"[1].jpg"}, "", []string{"[1].jpg"}},
		{"a glob that matches nothing", []string{"*.gif", "a.jpg"}, "", []string{"*.gif: no file matches", "a.jpg"}},
		{"a glob that is not valid", []string{"[a"}, "", []string{"[a: no such file, and not a valid glob: a [ without its ]"}},
		{"a dangling link", []string{"dangling*"}, "", []string{"dangling*.jpg: no such file or directory"}},

		{"a tar file", []string{"plain.tar"}, "", []string{"plain.tar/x/1.jpg", "plain.tar/x/2.png", "plain.tar/../3.jpg"}},
		{"a tar file with some classes", []string{"labeled.tar"}, "", []string{"labeled.tar/1.jpg", "labeled.tar/2.jpg"}},
		{"tar files by a glob", []string{"[lp]*.tar"}, "", []string{"labeled.tar/1.jpg", "labeled.tar/2.jpg", "plain.tar/x/1.jpg", "plain.tar/x/2.png", "plain.tar/../3.jpg"}},
		{"shards by braces", []string{"{labeled,plain}.tar"}, "", []string{"labeled.tar/1.jpg", "labeled.tar/2.jpg", "plain.tar/x/1.jpg", "plain.tar/x/2.png", "plain.tar/../3.jpg"}},
		{"a tar file without images", []string{"texts.tar", "a.jpg"}, "", []string{"texts.tar: none of its members is an image: they are empty", "a.jpg"}},

		{"an image on standard input", []string{"a.jpg", "-", "b.png"}, png + "...", []string{"a.jpg", "-", "b.png"}},
		{"a list", []string{"-"}, "b.png\na.jpg\n", []string{"b.png", "a.jpg"}},
		{"a list without its last newline", []string{"-"}, "b.png\na.jpg", []string{"b.png", "a.jpg"}},
		{"a list of Windows", []string{"-"}, "\ufeffb.png\r\na.jpg\r\n", []string{"b.png", "a.jpg"}},
		{"a list with comments", []string{"-"}, "# images\n\nb.png\n   \n#1.jpg\n./#1.jpg\n", []string{"b.png", "./#1.jpg"}},
		{"a list of anything", []string{"-"}, "photos\n*.png\nno.jpg\n", slices.Concat(all, []string{"b.png", "no.jpg: no such file or directory"})},
		{"a list ended by NUL", []string{"-"}, "b.png\x00#1.jpg\x00no\nfile\x00", []string{"b.png", "#1.jpg", "no\nfile: no such file or directory"}},
		{"a list that names standard input", []string{"-"}, "a.jpg\n-\n", []string{"a.jpg", "-: a list cannot name standard input; write a file named - as ./-"}},
		{"nothing on standard input", []string{"-", "a.jpg"}, "", []string{"-: standard input is empty: it must be an image or a list of paths", "a.jpg"}},
		{"comments only", []string{"-"}, "# none\n", []string{"-: standard input is empty: it must be an image or a list of paths"}},

		{"an address without a slash", []string{"https:/host/a.jpg"}, "", []string{"https:/host/a.jpg: no such file; an address begins with https://"}},
		{"an address that nothing opens", []string{"https://host/a.jpg"}, "", []string{"https://host/a.jpg: an address, and nothing opens it: set Remote to remote.New() of package depthwise.dev/data/remote"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := listing(t, InputOptions{Stdin: strings.NewReader(c.stdin)}, c.arguments...)
			if !slices.Equal(got, c.want) {
				t.Errorf("\n%q, want\n%q", got, c.want)
			}
		})
	}
	for _, binary := range []string{"\x7fELF\x02\x01\x01", "%PDF-1.4\n\x01\x02"} {
		if got := listing(t, InputOptions{Stdin: strings.NewReader(binary)}, "-"); len(got) != 1 || !strings.Contains(got[0], "neither an image") {
			t.Errorf("%q: %q", binary, got)
		}
	}
	if _, err := Inputs(t.Context(), []string{"-", "-"}, InputOptions{}); err == nil {
		t.Error("standard input was read twice")
	}
	if got := listing(t, InputOptions{}, "damaged.tar"); len(got) != 1 || !strings.Contains(got[0], "damaged.tar: ") {
		t.Errorf("a damaged tar file: %q", got)
	}
}

// server is a remote with objects.
type server struct {
	objects map[string]string
	opened  map[string]int
	wait    bool
}

func (s *server) Stat(_ context.Context, address string) (shards.Object, error) {
	content, ok := s.objects[address]
	if !ok {
		return shards.Object{}, fmt.Errorf("%s: %w", address, fs.ErrNotExist)
	}
	return shards.Object{Size: int64(len(content))}, nil
}

func (s *server) Open(ctx context.Context, address string, _ int64) (io.ReadCloser, shards.Object, error) {
	if s.wait {
		<-ctx.Done()
		return nil, shards.Object{}, ctx.Err()
	}
	s.opened[address]++
	if s.opened[address] == 1 && strings.Contains(address, "busy") {
		return nil, shards.Object{}, errors.New("503")
	}
	o, err := s.Stat(ctx, address)
	return io.NopCloser(strings.NewReader(s.objects[address])), o, err
}

func (s *server) List(_ context.Context, folder string) (names []string, err error) {
	if strings.HasPrefix(folder, "http") {
		return nil, errors.ErrUnsupported
	}
	for address := range s.objects {
		if name, ok := strings.CutPrefix(address, strings.TrimSuffix(folder, "/")+"/"); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// TestAddresses: images at addresses, without their secrets, and what a server refuses.
func TestAddresses(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	s := &server{opened: map[string]int{}, objects: map[string]string{
		"https://u:secret@host/a.jpg?sig=secret": "A", "https://host/photo": "B", "https://host/busy.jpg": "C",
		"s3://b/photos/2.jpg": "2", "s3://b/photos/x/1.png": "1", "s3://b/photos/notes.txt": "", "https://host/large.jpg": strings.Repeat("x", 100)}}
	o := InputOptions{Remote: s, Keep: true}
	got := listing(t, o, "https://u:secret@host/a.jpg?sig=secret", "s3://b/photos/", "https://host/photo", "https://host/busy.jpg", "s3://b/photos", "https://host/no.jpg")
	want := []string{"https://xxxxx@host/a.jpg?sig=xxxxx", "s3://b/photos/2.jpg", "s3://b/photos/x/1.png", "https://host/photo", "https://host/busy.jpg",
		"s3://b/photos/2.jpg", "s3://b/photos/x/1.png", "https://host/no.jpg"}
	if !slices.Equal(got, want) {
		t.Errorf("\n%q, want\n%q", got, want)
	}

	images, err := Inputs(t.Context(), []string{"https://host/busy.jpg", "https://host/no.jpg", "https://host/large.jpg", "https://u:secret@host/no.jpg"}, o)
	if err != nil {
		t.Fatal(err)
	}
	images.Samples[2].Part.In.(*object).limit = 99
	for i, want := range []string{"C", "file does not exist", "the image is too large: more than 0 MB; download the file and give its path", "file does not exist"} {
		content, err := images.Samples[i].Part.In.(*object).ReadAll(t.Context())
		text := string(content)
		if err != nil {
			text = err.Error()
		}
		if text != want {
			t.Errorf("%s: %q, want %q", images.Samples[i].Path, text, want)
		}
	}
	if content, err := images.ReadSample(t.Context(), 0); err != nil || string(content) != "C" || s.opened["https://host/busy.jpg"] != 2 {
		t.Errorf("the kept content: %q, %v, opened %d times", content, err, s.opened["https://host/busy.jpg"])
	}
	s.wait = true
	slow := &object{remote: s, address: "https://host/a.jpg", timeout: time.Millisecond, limit: 10}
	if _, err := slow.ReadAll(t.Context()); err == nil || err.Error() != "not downloaded within 1ms" {
		t.Errorf("a server that does not answer: %v", err)
	}
}

func FuzzParseList(f *testing.F) {
	f.Add([]byte("a.jpg\nb.jpg\r\n# c\n"))
	f.Add([]byte("a\x00b\x00"))
	f.Add([]byte("\xff\xd8\xff"))
	f.Fuzz(func(t *testing.T, content []byte) {
		entries, err := parseList(content)
		for _, e := range entries {
			if e == "" || err == nil && (len(e) > maxEntry || strings.Contains(e, "\x00")) {
				t.Errorf("entry %q", e)
			}
		}
	})
}

func FuzzGlob(f *testing.F) {
	f.Add("**/*.jpg")
	f.Add("[a")
	f.Add("/*")
	f.Fuzz(func(t *testing.T, pattern string) {
		if strings.HasPrefix(pattern, "/") || strings.Contains(pattern, "..") {
			t.Skip("outside the test's folder")
		}
		t.Chdir(t.TempDir())
		if err := os.WriteFile("a.jpg", nil, 0o644); err != nil {
			t.Fatal(err)
		}
		found, err := expandGlob(t.Context(), pattern)
		if err == nil && len(found) > 2 {
			t.Errorf("%q: %q", pattern, found)
		}
	})
}
