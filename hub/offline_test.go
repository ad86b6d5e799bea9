package hub

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"depthwise.dev/weights"
)

// TestOffline: the message names a place, and files put there work.
func TestOffline(t *testing.T) {
	for _, c := range []struct {
		name, input, place string // place: expression for the path in the message
		files              map[string]string
		license            string
	}{
		{"repository", "org/net", `save them in the folder (\S+)$`, map[string]string{"model.safetensors": "w", "config.json": "{}"}, weights.LicenseUnknown},
		{"pickle of a repository", "org/net", `save them in the folder (\S+)$`, map[string]string{"pytorch_model.bin": "w"}, weights.LicenseUnknown},
		{"revision", "org/net@v1.0", `save them in the folder (\S+)$`, map[string]string{"model.safetensors": "w"}, weights.LicenseUnknown},
		{"named file", "hf-hub:org/net/a.pth", `save them in the folder (\S+)$`, map[string]string{"a.pth": "w"}, weights.LicenseUnknown},
		{"known file", "torchvision/net", `save it as (\S+)$`, map[string]string{"": "w"}, "bsd-3-clause"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			s.plain(sum([]byte("w")))
			s.hub.Close()
			s.cdn.Close()
			_, _, err := resolve(t.Context(), c.input, Options{}, quick)
			if !errors.Is(err, ErrUnreachable) {
				t.Fatalf("error %v", err)
			}
			if left, _ := filepath.Glob(filepath.Join(cacheRoot(), "*", "*.part*")); left != nil {
				t.Errorf("left: %q", left)
			}
			place := regexp.MustCompile(c.place).FindStringSubmatch(err.Error())
			if place == nil {
				t.Fatalf("no place in %v", err)
			}
			for name, content := range c.files {
				write(t, filepath.Join(place[1], name), []byte(content))
			}
			file, origin, err := resolve(t.Context(), c.input, Options{}, quick)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := os.ReadFile(file); string(got) != "w" || origin.SHA256 != sum(got) || origin.License != c.license {
				t.Errorf("%s: %q, origin %+v", file, got, origin)
			}
		})
	}
}

// TestWrongFilePutInPlace: a known file that was put into the cache is verified as well.
func TestWrongFilePutInPlace(t *testing.T) {
	s := newSite(t)
	k := s.plain(sum([]byte("w")))
	e, err := readEnvironment("")
	if err != nil {
		t.Fatal(err)
	}
	file := e.filePath(&k)
	write(t, file, []byte("v"))
	if _, _, err := resolve(t.Context(), "torchvision/net", Options{}, quick); !errors.Is(err, ErrDigest) || !strings.Contains(err.Error(), file) || !strings.HasSuffix(err.Error(), "delete the file") {
		t.Errorf("error %v", err)
	}
}

// TestOtherCaches: what other tools have downloaded is used, if it is what it should be.
func TestOtherCaches(t *testing.T) {
	content := payload(2000)
	blob := func(name string) func(t *testing.T, home string) {
		return func(t *testing.T, home string) {
			model := filepath.Join(home, "hub", "models--org--net")
			write(t, filepath.Join(model, "refs", "main"), []byte(commit))
			write(t, filepath.Join(model, "blobs", name), content)
			write(t, filepath.Join(model, "snapshots", commit, "config.json"), []byte("{}"))
			link := filepath.Join(model, "snapshots", commit, "model.safetensors")
			if err := os.Symlink(filepath.Join("..", "..", "blobs", name), link); err != nil {
				t.Fatal(err)
			}
			t.Setenv("HF_HOME", home)
		}
	}
	for _, c := range []struct {
		name, input string
		prepare     func(t *testing.T, home string)
		used        bool
	}{
		{"Hugging Face", "org/net", blob(sum(content)), true},
		{"Hugging Face, a commit", "org/net@" + commit, blob(sum(content)), true},
		{"Hugging Face, damaged", "org/net", blob(strings.Repeat("0", 64)), false},
		{"Hugging Face, another revision", "org/net@v1", blob(sum(content)), false},
		{"PyTorch", "torchvision/net", func(t *testing.T, home string) {
			t.Setenv("TORCH_HOME", home)
			write(t, filepath.Join(home, "hub", "checkpoints", "model.safetensors"), content)
		}, true},
		{"PyTorch, another file", "torchvision/net", func(t *testing.T, home string) {
			t.Setenv("TORCH_HOME", home)
			write(t, filepath.Join(home, "hub", "checkpoints", "model.safetensors"), content[1:])
		}, false},
		{"Keras", "keras/net", func(t *testing.T, home string) {
			t.Setenv("KERAS_HOME", home)
			write(t, filepath.Join(home, "models", "model.safetensors"), content)
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			k := s.plain(sum(content))
			keras := k
			keras.Name, keras.Aliases, keras.SHA256 = "keras/net", nil, ""
			setKnown(t, k, keras)
			s.hub.Close()
			s.cdn.Close()
			c.prepare(t, t.TempDir())
			for range 2 { // the second time from the own cache
				file, origin, err := resolve(t.Context(), c.input, Options{}, quick)
				if !c.used {
					if !errors.Is(err, ErrUnreachable) {
						t.Errorf("error %v", err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if got, _ := os.ReadFile(file); !bytes.Equal(got, content) || !strings.HasPrefix(file, cacheRoot()) || origin.SHA256 != sum(content) {
					t.Errorf("%s: %d bytes, origin %+v", file, len(got), origin)
				}
				if strings.HasPrefix(c.input, "org/") && (origin.Revision != commit || !exists(filepath.Join(filepath.Dir(file), "config.json"))) {
					t.Errorf("revision %q, no config.json beside %s", origin.Revision, file)
				}
			}
		})
	}
}
