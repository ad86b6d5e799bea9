package data

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/data/internal/datatest"
	"depthwise.dev/data/internal/names"
)

func TestOpenFolderMergesUnicodeForms(t *testing.T) {
	nfc, nfd := "caf\u00e9", "cafe\u0301"
	dir := datatest.EmptyFiles(t, nfc+"/1.jpg", nfd+"/2.jpg", "dog/1.jpg", "zoo/1.jpg")
	d, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, d, dir, nfd+"/2.jpg", nfc+"/1.jpg", "dog/1.jpg", "zoo/1.jpg")
	if counts := d.Counts(); len(d.Classes) != 3 || names.Key(d.Classes[0]) != nfc || !slices.Equal(counts, []int{2, 1, 1}) {
		t.Errorf("classes %q of %d images", d.Classes, counts)
	}
	if len(d.Problems) != 1 || !strings.Contains(d.Problems[0].Reason, "one class") {
		t.Errorf("problems %v", d.Problems)
	}
	matched, unknown, missing := d.Match([]string{"zoo", nfc, "owl"})
	if len(unknown) != 1 || !slices.Equal(missing, []string{"owl"}) || !slices.Equal(matched.Counts(), []int{1, 2, 0}) {
		t.Errorf("%v images, unknown %q, missing %q", matched.Counts(), unknown, missing)
	}
}

func TestClassesThatAreNotUTF8(t *testing.T) {
	dir := datatest.EmptyFiles(t, "caf\xe8/1.jpg", "caf\xe9/\xff.jpg", `caf\xe9/1.jpg`)
	d, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(d.Classes)
	if err != nil {
		t.Fatal(err)
	}
	var read []string
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	want := []string{`caf\x5cxe9`, `caf\xe8`, `caf\xe9`}
	if !slices.Equal(read, want) || !slices.Equal(d.Classes, want) {
		t.Errorf("classes %q, from JSON %q, want %q", d.Classes, read, want)
	}
	matched, unknown, missing := d.Match(read)
	if !reflect.DeepEqual(matched.Samples, d.Samples) || unknown != nil || missing != nil {
		t.Errorf("%v, unknown %q, missing %q", matched.Samples, unknown, missing)
	}
}

func TestProblemsKeepTheirPath(t *testing.T) {
	want := []Problem{{"a/\xff.jpg", "x"}, {`a/\xff.jpg`, "y"}, {"a/é\n.jpg", "z"}}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got []Problem
	if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%q from %s, want %q (%v)", got, text, want, err)
	}
	if !strings.HasPrefix(string(text), `[{"path":"a/\\xff.jpg","reason":"x"}`) {
		t.Errorf("JSON %s", text)
	}
	if got := want[2].String(); got != `a/é\n.jpg: z` {
		t.Errorf("shown as %q", got)
	}
}
