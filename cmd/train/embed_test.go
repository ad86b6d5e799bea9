package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/classify"
	"depthwise.dev/weights/weightstest"
)

// someWeights writes weights of the classes blue, green and red.
func someWeights(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := weightstest.Of(t, "blue", "green", "red").Write(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestEmbedCommand: embeddings and their paths, as NumPy file and as table, and the images near a query in each.
func TestEmbedCommand(t *testing.T) {
	dir, weights := pictures(t), someWeights(t)
	t.Chdir(t.TempDir())
	for _, c := range []struct{ args, wrote string }{
		{"--output e.npy " + dir, "wrote 24 embeddings of 256 values to e.npy, and their paths to e.csv\n"},
		{"--output e.npy " + dir, "and their paths to e.csv\n"}, // once more
		{"--output E.NPY --csv list.csv " + dir, "wrote 24 embeddings of 256 values to E.NPY, and their paths to list.csv\n"},
		{"--output table.csv --normalize --precision fp32 " + dir + "/train", "wrote 18 embeddings of 256 values to table.csv\n"},
		{"--output bare " + dir + "/val/red/6.png", "wrote 1 embeddings of 256 values to bare, and their paths to bare.csv\n"},
	} {
		code, stdout, stderr := execute(t, append([]string{"embed", "--weights", weights}, strings.Fields(c.args)...)...)
		if code != exitDone || stdout != "" || !strings.HasSuffix(stderr, c.wrote) {
			t.Fatalf("%s: exit code %d, %q, %q", c.args, code, stdout, stderr)
		}
	}
	if d, err := checkpoints.ReadNPY("E.NPY"); err != nil || d.Shape()[0] != 24 || d.Shape()[1] != 256 {
		t.Errorf("%v, %v", d, err)
	}
	query := dir + "/train/red/2.png"
	if err := os.Symlink(query, "link.png"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		want int
	}{
		{"--data " + dir, 23}, {"--data " + dir + "/val", 6}, {"--embeddings e.npy", 23}, {"--embeddings E.NPY --csv list.csv", 23}, {"--embeddings table.csv", 17},
	} {
		for _, q := range []string{query, "link.png"} {
			var got []similarImages
			decode(t, done(t, append([]string{"similar", "--weights", weights, "--top", "99", "--json", q}, strings.Fields(c.args)...)...), &got)
			if len(got) != 1 || got[0].Image != q || len(got[0].Similar) != c.want {
				t.Fatalf("%s: %+v, want %d images", c.args, got, c.want)
			}
			for i, n := range got[0].Similar {
				if n.Image == query || n.Similarity > 1 || i > 0 && n.Similarity > got[0].Similar[i-1].Similarity {
					t.Errorf("%s: place %d is %+v", c.args, i, n)
				}
			}
		}
	}
	text := done(t, "similar", "--weights", weights, "--data", dir, "--top", "2", query)
	if lines := strings.Split(text, "\n"); len(lines) != 4 || lines[0] != query || !strings.HasPrefix(lines[1], "  0.") && !strings.HasPrefix(lines[1], "  1.") {
		t.Errorf("the text is %q", text)
	}
}

// TestEmbedUnreadable: an image that was named fails the command at its end; one in a folder is reported. The others
// are written.
func TestEmbedUnreadable(t *testing.T) {
	dir, weights := pictures(t), someWeights(t)
	t.Chdir(t.TempDir())
	bad := filepath.Join(dir, "val", "red", "6.png")
	if err := os.Truncate(bad, 20); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(dir, "val", "red", "7.jpg")
	for _, c := range []struct {
		name, args string
		code       int
		written    int // embeddings in e.csv
		stderr     string
	}{
		{"in a folder", dir + "/val", exitDone, 5, "skipped " + bad},
		{"named", good + " " + bad + " missing.png", exitFailed, 1, "missing.png"},
		{"alone", bad, exitFailed, 0, "error: " + bad},
		{"in a folder without images", dir + "/val " + t.TempDir(), exitFailed, 0, "hold no image"},
	} {
		if err := os.RemoveAll("e.csv"); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := execute(t, append([]string{"embed", "--weights", weights, "--output", "e.csv"}, strings.Fields(c.args)...)...)
		e, err := classify.ReadEmbeddings("e.csv", "")
		if code != c.code || len(e.Paths) != c.written || (err != nil) != (c.written == 0) || !strings.Contains(lastLine(stderr), c.stderr) {
			t.Errorf("%s: exit code %d, %d written, %v, %q", c.name, code, len(e.Paths), err, stderr)
		}
	}
	code, stdout, stderr := execute(t, "similar", "--weights", weights, "--data", dir, "--json", bad, good)
	var got []similarImages
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	if code != exitFailed || len(got) != 2 || got[0].Image != good || len(got[0].Similar) != 5 || got[1].Image != bad || got[1].Error == "" || !strings.Contains(lastLine(stderr), bad) {
		t.Errorf("similar: exit code %d, %+v, %q", code, got, stderr)
	}
}

// TestEmbedUsage: wrong command lines are refused before any work. The weights do not exist: an error about them would
// mean that work had begun.
func TestEmbedUsage(t *testing.T) {
	t.Chdir(t.TempDir())
	for file, text := range map[string]string{"labels.csv": "path,label\nx.png,1\n", "photos.csv": "name\nx\n", "photos.npy": "", "new.csv": "path\nx\n", "weights": "", "image": ""} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ name, args, want string }{
		{"no image", "embed --weights w --output e.npy", "needs images"},
		{"no output", "embed --weights w x.png", "needs: --output"},
		{"another format", "embed --weights w --output e.npz x.png", "use .npy or .csv"},
		{"two tables", "embed --weights w --output e.csv --csv f.csv x.png", "omit --csv"},
		{"one file for both", "embed --weights w --output bare --csv ./bare x.png", "is the file of --output"},
		{"another format of the paths", "embed --weights w --output e.npy --csv p.txt x.png", "--csv p.txt"},
		{"a user's table beside the output", "embed --weights w --output labels.npy x.png", "would replace labels.csv"},
		{"a user's table beside an output that exists", "embed --weights w --output photos.npy x.png", "would replace photos.csv"},
		{"a user's list of paths", "embed --weights w --output new.npy x.png", "would replace new.csv"},
		{"weights as output", "embed --weights weights --output weights --csv p.csv x.png", "is an output and an input"},
		{"an image as output", "embed --weights weights --output e.npy --csv image image", "is an output and an input"},
		{"a device", "embed --weights w --output /dev/null x.png", "name one with --csv"},
		{"no batch", "embed --weights w --output e.npy --batch-size 0 x.png", "--batch-size"},
		{"nothing to search", "similar --weights w x.png", "--data or --embeddings"},
		{"two to search", "similar --weights w --data d --embeddings e.npy x.png", "not both"},
		{"no query", "similar --weights w --data d", "as arguments"},
		{"no result", "similar --weights w --data d --top 0 x.png", "--top"},
		{"paths of a table", "similar --weights w --embeddings e.csv --csv f.csv x.png", "omit --csv"},
		{"paths without a file", "similar --weights w --data d --csv f.csv x.png", "omit --csv"},
	} {
		if code, _, stderr := execute(t, strings.Fields(c.args)...); code != exitUsage || !strings.Contains(lastLine(stderr), c.want) {
			t.Errorf("%s: exit code %d, %q, want %q", c.name, code, lastLine(stderr), c.want)
		}
	}
}
