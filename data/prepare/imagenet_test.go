package prepare

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"depthwise.dev/data/datasets"
)

// tarOf builds a tar of regular files, in the order of names.
func tarOf(t testing.TB, names []string, content map[string]string) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, n := range names {
		h := &tar.Header{Name: n, Mode: 0o644, Size: int64(len(content[n])), Typeflag: tar.TypeReg}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content[n])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// simpleTar builds a tar whose files hold their own names and something more.
func simpleTar(t testing.TB, names ...string) string {
	t.Helper()
	content := map[string]string{}
	for _, n := range names {
		content[n] = contentOf(n)
	}
	return tarOf(t, names, content)
}

func contentOf(name string) string { return "content of " + filepath.Base(name) }

func trainTar(t testing.TB) string {
	t.Helper()
	return tarOf(t, []string{"n01440764.tar", "n02119789.tar"}, map[string]string{
		"n01440764.tar": simpleTar(t, "n01440764_1.JPEG", "n01440764_22.JPEG"),
		"n02119789.tar": simpleTar(t, "n02119789_1.JPEG"),
	})
}

func valNames(count int) (names []string) {
	for i := range count {
		names = append(names, fmt.Sprintf("ILSVRC2012_val_%08d.JPEG", i+1))
	}
	return names
}

// devkitTar packs testdata's meta.mat and a ground truth as ImageNet's devkit.
func devkitTar(t testing.TB, truth string) string {
	t.Helper()
	meta, err := os.ReadFile("testdata/meta.mat")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{devkitName + "/readme.txt", devkitName + "/" + devkitMeta, devkitName + "/" + devkitGroundTruth}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err = z.Write([]byte(tarOf(t, names, map[string]string{names[0]: "read me", names[1]: string(meta), names[2]: truth})))
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// source writes the given files into a new folder.
func source(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tree returns all files below dir with their content.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// laidOut is what every complete source must become: two training classes, four
// validation images.
func laidOut() map[string]string {
	files := map[string]string{}
	for _, path := range []string{
		"train/n01440764/n01440764_1.JPEG", "train/n01440764/n01440764_22.JPEG", "train/n02119789/n02119789_1.JPEG",
		"val/n02119789/ILSVRC2012_val_00000001.JPEG", "val/n01440764/ILSVRC2012_val_00000002.JPEG",
		"val/n01440764/ILSVRC2012_val_00000003.JPEG", "val/n02119789/ILSVRC2012_val_00000004.JPEG",
	} {
		files[path] = contentOf(path)
	}
	return files
}

const (
	mapping    = "n02119789 kit fox, Vulpes macrotis\nn01440764 tench, Tinca tinca\n"
	simpleList = "ILSVRC2012_val_00000001.JPEG n02119789\nILSVRC2012_val_00000002.JPEG n01440764\nILSVRC2012_val_00000003.JPEG n01440764\nILSVRC2012_val_00000004.JPEG n02119789\n"
	kaggleList = "ImageId,PredictionString\nILSVRC2012_val_00000003,n01440764 1 2 3 4 n01440764 5 6 7 8 \nILSVRC2012_val_00000001,n02119789 85 1 499 272 \nILSVRC2012_val_00000002,n01440764 1 1 9 9 \nILSVRC2012_val_00000004,n02119789 0 0 1 1 \n"
	inOrder    = "n02119789\nn01440764\nn01440764\nn02119789\n"
)

func TestImageNetFromEveryForm(t *testing.T) {
	flat := func(prefix string, more map[string]string) map[string]string {
		for _, n := range valNames(4) {
			more[prefix+n] = contentOf(n)
		}
		return more
	}
	valTar := simpleTar(t, valNames(4)...)
	for _, c := range []struct {
		name  string
		files map[string]string
		names string // of the classes, sorted
	}{
		{"tars and devkit", map[string]string{
			"ILSVRC2012_img_train.tar": trainTar(t), "ILSVRC2012_img_val.tar": valTar, "ILSVRC2012_devkit_t12.tar.gz": devkitTar(t, "1\n3\n3\n1\n"),
		}, "n01440764 tench, Tinca tinca\nn02100735 English setter\nn02119789 kit fox, Vulpes macrotis\n"},
		{"tars and a simple list", map[string]string{
			"ILSVRC2012_img_train.tar": trainTar(t), "ILSVRC2012_img_val.tar": valTar, "labels.txt": simpleList, "synset_words.txt": mapping,
		}, "n01440764 tench, Tinca tinca\nn02119789 kit fox, Vulpes macrotis\n"},
		{"tars and TensorFlow's list", map[string]string{
			"ILSVRC2012_img_train.tar": trainTar(t), "ILSVRC2012_img_val.tar": valTar, "imagenet_val_synset_labels.txt": inOrder,
			"all_synsets.txt": "n02119789\nn02119789\nn02119789\nn02119789\n", // classes alone, not of val
		}, ""},
		{"class tars and a flat val", flat("val/", map[string]string{
			"train/n01440764.tar": simpleTar(t, "./n01440764_1.JPEG", "./n01440764_22.JPEG"), "train/n02119789.tar": simpleTar(t, "n02119789_1.JPEG"), "val_labels.txt": simpleList,
		}), ""},
		{"Kaggle's archive", flat("ILSVRC/Data/CLS-LOC/val/", map[string]string{
			"ILSVRC/Data/CLS-LOC/train/n01440764/n01440764_1.JPEG":  contentOf("n01440764_1.JPEG"),
			"ILSVRC/Data/CLS-LOC/train/n01440764/n01440764_22.JPEG": contentOf("n01440764_22.JPEG"),
			"ILSVRC/Data/CLS-LOC/train/n02119789/n02119789_1.JPEG":  contentOf("n02119789_1.JPEG"),
			"LOC_val_solution.csv":                                  kaggleList, "LOC_synset_mapping.txt": mapping,
		}), "n01440764 tench, Tinca tinca\nn02119789 kit fox, Vulpes macrotis\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, dst := source(t, c.files), filepath.Join(t.TempDir(), "out")
			var done, total int64
			if err := ImageNet(t.Context(), src, dst, func(d, n int64) { done, total = d, n }); err != nil {
				t.Fatal(err)
			}
			if done != total || total == 0 {
				t.Errorf("progress ended at %d of %d", done, total)
			}
			want := laidOut()
			if c.names != "" {
				want[classNamesFile] = c.names
			}
			if got := tree(t, dst); !reflect.DeepEqual(got, want) {
				t.Errorf("laid out\n%q, want\n%q", got, want)
			}
			if _, _, err := datasets.Open(dst, 0, 0); err != nil {
				t.Errorf("Open: %v", err)
			}
		})
	}
}

func TestImageNetSortsAFlatValInPlace(t *testing.T) {
	files := map[string]string{"val_labels.txt": simpleList}
	for path, content := range laidOut() {
		if strings.HasPrefix(path, "val/") {
			path = "val/" + filepath.Base(path)
		}
		files[path] = content
	}
	dir := source(t, files)
	if _, _, err := datasets.Open(dir, 0, 0); !errors.Is(err, datasets.ErrFlatVal) {
		t.Fatalf("Open before: %v", err)
	}
	for range 2 { // the second time there is nothing to do
		if err := ImageNet(t.Context(), dir, dir, nil); err != nil {
			t.Fatal(err)
		}
		want := laidOut()
		want["val_labels.txt"] = simpleList
		if got := tree(t, dir); !reflect.DeepEqual(got, want) {
			t.Errorf("laid out\n%q, want\n%q", got, want)
		}
	}
}

func TestImageNetContinues(t *testing.T) {
	src := source(t, map[string]string{"ILSVRC2012_img_train.tar": trainTar(t), "ILSVRC2012_img_val.tar": simpleTar(t, valNames(4)...), "labels.txt": simpleList})
	for stop := range 8 {
		dst := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		steps := 0
		err := ImageNet(ctx, src, dst, func(done, total int64) {
			if steps++; steps > stop {
				cancel()
			}
		})
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		right := filepath.Join(dst, "val/n02119789/ILSVRC2012_val_00000001.JPEG")
		before, _ := os.Stat(right)
		torn := filepath.Join(dst, "train/n01440764/n01440764_22.JPEG")
		if err := errors.Join(os.MkdirAll(filepath.Dir(torn), 0o700), os.WriteFile(torn, []byte("torn"), 0o600)); err != nil {
			t.Fatal(err)
		}
		if err := ImageNet(t.Context(), src, dst, nil); err != nil {
			t.Fatal(err)
		}
		if got := tree(t, dst); !reflect.DeepEqual(got, laidOut()) {
			t.Errorf("stopped after %d: laid out\n%q", stop, got)
		}
		if after, err := os.Stat(right); err != nil || before != nil && !os.SameFile(before, after) {
			t.Errorf("stopped after %d: a file that was right was written again (%v)", stop, err)
		}
		cancel()
	}
}

func TestImageNetRefuses(t *testing.T) {
	val := simpleTar(t, valNames(4)...)
	for _, c := range []struct {
		name, want string
		files      map[string]string
	}{
		{"nothing", "contains neither", map[string]string{"readme.txt": "hello"}},
		{"no labels", "put LOC_val_solution.csv", map[string]string{"ILSVRC2012_img_val.tar": val}},
		{"an image without a label", "not in the list of", map[string]string{"ILSVRC2012_img_val.tar": val, "val.txt": "ILSVRC2012_val_00000001.JPEG n02119789\n"}},
		{"two labels", "two classes", map[string]string{"ILSVRC2012_img_val.tar": val, "val.txt": simpleList + "ILSVRC2012_val_00000001.JPEG n01440764\n"}},
		{"a damaged list", "line 5", map[string]string{"ILSVRC2012_img_val.tar": val, "val.txt": simpleList + "what is this\n"}},
		{"a number without a class", "no class has the number", map[string]string{"ILSVRC2012_img_val.tar": val, "ILSVRC2012_devkit_t12.tar.gz": devkitTar(t, "1\n99\n")}},
		{"a damaged devkit", "ILSVRC2012_devkit_t12.tar.gz", map[string]string{"ILSVRC2012_img_val.tar": val, "ILSVRC2012_devkit_t12.tar.gz": "not a gzip file"}},
		{"images in the outer tar", "not the tar file of a class", map[string]string{"ILSVRC2012_img_train.tar": simpleTar(t, "n01440764_1.JPEG")}},
		{"a truncated tar", "EOF", map[string]string{"ILSVRC2012_img_train.tar": trainTar(t)[:2500]}},
		{"a name that climbs", "leads out", map[string]string{"ILSVRC2012_img_val.tar": simpleTar(t, "../ILSVRC2012_val_00000001.JPEG"), "val.txt": simpleList}},
		{"an absolute name", "leads out", map[string]string{"ILSVRC2012_img_val.tar": simpleTar(t, "/tmp/ILSVRC2012_val_00000001.JPEG"), "val.txt": simpleList}},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, dst := source(t, c.files), t.TempDir()
			err := ImageNet(t.Context(), src, dst, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if left, _ := filepath.Glob(filepath.Join(dst, ".partial-*")); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

func TestTarsWithLinksAreRefused(t *testing.T) {
	for _, kind := range []byte{tar.TypeSymlink, tar.TypeLink, tar.TypeFifo, tar.TypeChar} {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		if err := errors.Join(w.WriteHeader(&tar.Header{Name: "ILSVRC2012_val_00000001.JPEG", Linkname: "/etc/passwd", Typeflag: kind}), w.Close()); err != nil {
			t.Fatal(err)
		}
		src := source(t, map[string]string{"ILSVRC2012_img_val.tar": out.String(), "val.txt": simpleList})
		if err := ImageNet(t.Context(), src, t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "unsafe") {
			t.Errorf("type %c: error %v", kind, err)
		}
	}
}

func TestClassNames(t *testing.T) {
	dir := source(t, map[string]string{"classes.txt": "a\tfirst class\n\nb second\nc\n", "train/a/1.jpg": ""})
	want := map[string]string{"a": "first class", "b": "second", "c": ""}
	for _, place := range []string{dir, filepath.Join(dir, "train"), filepath.Join(dir, "train") + "/"} {
		if got, err := ClassNames(place); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, %v", place, got, err)
		}
	}
	if got, err := ClassNames(t.TempDir()); got != nil || err != nil {
		t.Errorf("without a list: %q, %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "classes.txt"), []byte("a x\na y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ClassNames(dir); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a class that comes twice: %v", err)
	}
}

func TestReadMATReadsWhatScipyWrote(t *testing.T) {
	for _, name := range []string{"testdata/meta.mat", "testdata/meta_plain.mat"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		ids, names, err := (&devkit{meta: data}).synsets()
		if err != nil {
			t.Fatal(err)
		}
		if want := map[int]string{1: "n02119789", 2: "n02100735", 3: "n01440764", 4: "n00001740"}; !reflect.DeepEqual(ids, want) {
			t.Errorf("%s: %v, want %v", name, ids, want)
		}
		if want := map[string]string{"n02119789": "kit fox, Vulpes macrotis", "n02100735": "English setter", "n01440764": "tench, Tinca tinca"}; !reflect.DeepEqual(names, want) {
			t.Errorf("%s: %q, want %q", name, names, want)
		}
		values, _ := readMAT(data)
		if len(values) != 2 || values[1].name != "version" || !reflect.DeepEqual(values[1].numbers, []float64{1.5}) {
			t.Errorf("%s: %d arrays, the second %+v", name, len(values), values[len(values)-1])
		}
		first := values[0].records[3]
		if !reflect.DeepEqual(first["children"].numbers, []float64{1, 2, 3}) || !reflect.DeepEqual(first["wordnet_height"].numbers, []float64{-3}) || first["gloss"].text != "gloss é" {
			t.Errorf("%s: record %+v", name, first)
		}
	}
}
