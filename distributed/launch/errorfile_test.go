package launch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWriteErrorFile(t *testing.T) {
	at := time.Unix(1_790_000_000, 999)
	path := filepath.Join(t.TempDir(), "error.json")
	for _, tt := range []struct{ message, want string }{
		{"rank 1 has failed", `{"message":{"message":"rank 1 has failed","extraInfo":{"timestamp":"1790000000"}}}`},
		{"a \"quote\",\na line, \xff", `{"message":{"message":"a \"quote\",\na line, ` + "\uFFFD" + `","extraInfo":{"timestamp":"1790000000"}}}`}, // replaces the first
	} {
		if err := WriteErrorFile(path, tt.message, at); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != tt.want {
			t.Errorf("%s, %v; want %s", got, err, tt.want)
		}
	}
	err := WriteErrorFile(filepath.Join(path, "error.json"), "x", at)
	if err == nil || !strings.Contains(err.Error(), ErrorFileVariable) {
		t.Errorf("error %v, want one that names %s", err, ErrorFileVariable)
	}
}
