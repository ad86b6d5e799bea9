package hub

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/models/mobilenet"
)

// TestParse: what a name means.
func TestParse(t *testing.T) {
	repo := func(org, name, revision, file string) repository { return repository{org, name, revision, file} }
	for _, c := range []struct {
		input, known string // known: the row's name
		repo         repository
	}{
		{"torchvision/mobilenet_v2", "torchvision/mobilenet_v2.IMAGENET1K_V2", repository{}},
		{"torchvision/mobilenet_v2.IMAGENET1K_V1", "torchvision/mobilenet_v2.IMAGENET1K_V1", repository{}},
		{"keras/mobilenet_1_0_224", "keras/mobilenet_1_0_224", repository{}},
		{"keras/mobilenet_v2_0.35_96", "keras/mobilenet_v2_0.35_96", repository{}},
		{"timm/mobilenetv1_100.ra4_e3600_r224_in1k", "timm/mobilenetv1_100.ra4_e3600_r224_in1k", repo("timm", "mobilenetv1_100.ra4_e3600_r224_in1k", "main", "")},
		{"timm/mobilenetv1_100", "timm/mobilenetv1_100.ra4_e3600_r224_in1k", repo("timm", "mobilenetv1_100.ra4_e3600_r224_in1k", "main", "")},
		{"hf-hub:timm/mobilenetv1_100.ra4_e3600_r224_in1k", "timm/mobilenetv1_100.ra4_e3600_r224_in1k", repo("timm", "mobilenetv1_100.ra4_e3600_r224_in1k", "main", "")},
		{"timm/mobilenetv2_100.ra_in1k@v2", "timm/mobilenetv2_100.ra_in1k", repo("timm", "mobilenetv2_100.ra_in1k", "v2", "")},
		{"google/mobilenet_v1_1.0_224", "google/mobilenet_v1_1.0_224", repo("google", "mobilenet_v1_1.0_224", "main", "")},
		{"org/net", "", repo("org", "net", "main", "")},
		{"org/net@v1.0", "", repo("org", "net", "v1.0", "")},
		{"hf-hub:org/net/sub/a.pth", "", repo("org", "net", "main", "sub/a.pth")},
		{"hf_hub:org/net@r/a.pth", "", repo("org", "net", "r", "a.pth")},
		{"hf://org/net", "", repo("org", "net", "main", "")},
		{"hf-hub:keras/net", "", repo("keras", "net", "main", "")},
		{"https://huggingface.co/org/net/tree/" + commit, "", repo("org", "net", commit, "")},
		{"https://huggingface.co/org/net/resolve/main/a.pth", "", repo("org", "net", "main", "a.pth")},
	} {
		got, err := parse(c.input, Options{})
		known := ""
		if got.known != nil {
			known = got.known.Name
		}
		if err != nil || known != c.known || got.repo != c.repo {
			t.Errorf("%s: row %q, %+v, %v", c.input, known, got.repo, err)
		}
	}
}

// TestParseRefuses: what a mistyped name gets, including the name that was meant.
func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ input, want string }{
		{"torchvision/mobilenet_v3", "did you mean torchvision/mobilenet_v2?"},
		{"torchvision/resnet50", "all names: train weights list"},
		{"keras/mobilenet_1_0_225", "did you mean keras/mobilenet_1_0_224?"},
		{"keras/net", "name hf-hub:keras/net"},
		{"hf-hub:net", "is ORG/NAME"},
		{"hf-hub:org/net/../../x", "not a file or revision"},
		{"hf-hub:org/net@refs", "not a file or revision"},
		{"https://huggingface.co/", "is ORG/NAME"},
	} {
		if _, err := parse(c.input, Options{}); !errors.Is(err, ErrName) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.input, err, c.want)
		}
	}
}

// TestBest: "imagenet" means the row with the highest accuracy, and an error lists what there is.
func TestBest(t *testing.T) {
	for _, c := range []struct {
		arch  string
		width float64
		want  string // name, or part of the error
	}{
		{"mobilenet_v1", 1, "timm/mobilenetv1_100.ra4_e3600_r224_in1k"},
		{"mobilenet_v1", 0.75, "keras/mobilenet_7_5_224"},
		{"mobilenet_v1", 1.25, "timm/mobilenetv1_125.ra4_e3600_r224_in1k"},
		{"mobilenet_v2", 1, "timm/mobilenetv2_100.ra_in1k"},
		{"mobilenet_v2", 1.3, "keras/mobilenet_v2_1.3_224"},
		{"mobilenet_v1", 2, "widths with published weights: 0.25, 0.5, 0.75, 1, 1.25"},
		{"mobilenet_v3", 1, "did you mean mobilenet_v1?"},
		{"", 0, "name the weights, such as timm/"},
	} {
		k, err := Lookup(Best, Options{Arch: c.arch, Width: c.width})
		if k.Name != c.want && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s, width %g: %s, %v; want %q", c.arch, c.width, k.Name, err, c.want)
		}
	}
}

// TestIsName: a path stays a path.
func TestIsName(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"exports", "org/net", "keras"} {
		if err := os.MkdirAll(filepath.FromSlash(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for value, want := range map[string]bool{
		"imagenet": true, "timm/mobilenetv1_100": true, "torchvision/mobilenet_v2": true, "hf-hub:a/b/c.pth": true, "a/b": true, "a/b@v1": true,
		"timm/other": true, "keras/mobilenet_1_0_224": true, "torchvision/typo": true, "https://huggingface.co/a/b": true,
		"": false, "runs/typo": false, "exports/typo": false, "org/net": false, "org/typo": false, "keras/typo": false, "a": false, "a/b.pth": false, "a/b/c": false, "./a/b": false,
		"../a/b": false, "/a/b": false, "a/b/": false, "~/a": false, "s3://a/b": false, "best.safetensors": false, "a/b.SAFETENSORS": false,
	} {
		if got := IsName(value); got != want {
			t.Errorf("IsName(%q) = %t", value, got)
		}
	}
}

// TestClosest suggests a whole name for what a user may type.
func TestClosest(t *testing.T) {
	for word, want := range map[string]string{
		"mobilenetv1_100": "timm/mobilenetv1_100", "mobilenet_v2": "torchvision/mobilenet_v2", "tim/mobilenetv2_100": "timm/mobilenetv2_100",
		"mobilenet_v1": "timm/mobilenetv1_100.ra4_e3600_r224_in1k", "runs/mobilenet_v2": "torchvision/mobilenet_v2",
		"timm/mobilenetv1_125.ra4_e3600_r224_in1k.": "timm/mobilenetv1_125.ra4_e3600_r224_in1k", "resnet50": "", "runs/photos": "",
	} {
		if got := Closest(word); got != want {
			t.Errorf("Closest(%q) = %q, want %q", word, got, want)
		}
	}
}

// TestTable: every row is complete and belongs to a network of this program, and its name means it.
func TestTable(t *testing.T) {
	digest := regexp.MustCompile(`^([0-9a-f]{8}|[0-9a-f]{64})?$`)
	var names []string
	for _, k := range All() {
		names = append(append(names, k.Name), k.Aliases...)
		c, err := mobilenet.Default(k.Arch, k.Variant)
		if err != nil {
			t.Errorf("%s: %v", k.Name, err)
			continue
		}
		c.Width, c.Resolution = k.Width, k.Preprocess.Resolution
		if _, err := c.Graph(); err != nil {
			t.Errorf("%s: %v", k.Name, err)
		}
		if err := k.Preprocess.Validate(); err != nil || k.Preprocess.Std[2] == 0 {
			t.Errorf("%s: %+v, %v", k.Name, k.Preprocess, err)
		}
		if (k.Address == "") == (k.Repository == "") || !digest.MatchString(k.SHA256) || k.License == "" || k.LicenseURL == "" || k.Dataset == "" ||
			k.Top1 < 0 || k.Top1 > 100 || k.Facts == "" {
			t.Errorf("incomplete: %+v", k)
		}
		if k.SHA256 != "" && !strings.Contains(path.Base(k.Address), k.SHA256[:8]) {
			t.Errorf("%s: the file is not named after its digest %s", k.Address, k.SHA256)
		}
		if got, err := Lookup(k.Name, Options{}); err != nil || got.Name != k.Name || !IsName(k.Name) {
			t.Errorf("%s means %s, %v", k.Name, got.Name, err)
		}
	}
	slices.Sort(names)
	for i := range names[1:] {
		if strings.EqualFold(names[i], names[i+1]) {
			t.Errorf("%s is there twice", names[i])
		}
	}
}

// FuzzName: any text is a valid repository or an error.
func FuzzName(f *testing.F) {
	for _, s := range []string{"org/net", "hf-hub:org/net@v/a/b.pth", "https://huggingface.co/a/b/tree/main", "../..", "a/b@refs", "a/b/../c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		IsName(name)
		got, err := parse(name, Options{Arch: "mobilenet_v1", Width: 1})
		if err != nil || got.repo.org == "" {
			return
		}
		folder := environment{cache: "/cache"}.repositoryFolder(got.repo)
		for _, p := range []string{folder, filepath.Join(folder, got.repo.revision), filepath.Join(folder, got.repo.revision, filepath.FromSlash(got.repo.file))} {
			if !strings.HasPrefix(p, "/cache/huggingface/") || strings.Contains(p, "/..") && !strings.Contains(p, "/...") && strings.Contains(p+"/", "/../") {
				t.Errorf("%q leads to %s", name, p)
			}
		}
	})
}

// FuzzInfo: any answer of the API is read or refused, and names no file outside the folder.
func FuzzInfo(f *testing.F) {
	f.Add([]byte(`{"sha":"` + commit + `","siblings":[{"rfilename":"model.safetensors"},{"rfilename":"a/b.pth"}],"cardData":{"license":["mit","x"]},"tags":["license:mit"]}`))
	f.Add([]byte(`{"sha":"` + commit + `","siblings":[{"rfilename":"../x"}],"cardData":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		info, err := parseInfo(text)
		if err != nil {
			return
		}
		if l := info.license(); l == "" || printable(l) != l {
			t.Errorf("license %q", l)
		}
		var names []string
		for _, file := range info.Files {
			names = append(names, file.Name)
			if !filepath.IsLocal(file.Name) {
				t.Errorf("name %q", file.Name)
			}
		}
		if chosen, err := chooseWeights(names, ""); err == nil && !slices.Contains(names, chosen) {
			t.Errorf("chose %q of %q", chosen, names)
		}
	})
}
