package testset

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// MultiLabelList lists the images of [Images] in labels.csv beside them and returns its path: each has the label of its color, and red and green
// ones the label warm. Every sixth image of train has none.
func MultiLabelList(t testing.TB, dir string) string {
	t.Helper()
	text := "path,labels,split\n"
	for _, part := range []string{"train", "val"} {
		files, err := filepath.Glob(filepath.Join(dir, part, "*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for i, file := range files {
			color := filepath.Base(filepath.Dir(file))
			labels := color
			if color != "blue" {
				labels += "|warm"
			}
			if part == "train" && i%6 == 5 {
				labels = ""
			}
			text += fmt.Sprintf("%s/%s/%s,%s,%s\n", part, color, filepath.Base(file), labels, part)
		}
	}
	path := filepath.Join(dir, "labels.csv")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
