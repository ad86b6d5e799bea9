package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/data/check"
)

func TestDataCheck(t *testing.T) {
	dir := pictures(t)
	flags := []string{"--width", "0.25", "--resolution", "32", "--batch-size", "4", "--threads", "1"}
	args := func(more ...string) []string {
		return append(append([]string{"data", "check", dir}, flags...), more...)
	}

	code, stdout, stderr := execute(t, args("--batch-size", "4611686018427387904")...) // cut to the images, as in training
	if code != exitDone || !strings.Contains(stdout, "24 images") || !strings.Contains(stdout, "an epoch of 18 images takes about") {
		t.Errorf("code %d, %s%s", code, stdout, stderr)
	}
	bad := filepath.Join(dir, "train", "red", "0.png")
	if err := os.WriteFile(bad, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr = execute(t, args("--json")...)
	var r checkResult
	decode(t, stdout, &r)
	if code != exitFailed || lastLine(stderr) != "error: "+dir+": serious problems found: unreadable" {
		t.Errorf("code %d, %s", code, stderr)
	}
	if len(r.Findings) == 0 || r.Findings[0].Kind != "unreadable" || r.Findings[0].Severity != check.Serious || r.Findings[0].Examples[0].Path != bad {
		t.Errorf("findings %+v", r.Findings)
	}
	if r.Images != 24 || r.Epoch.Images != 18 || r.Epoch.Seconds <= 0 || r.Epoch.Training <= 0 || r.Loading <= 0 {
		t.Errorf("%+v", r)
	}
	if code, _, stderr := execute(t, "data", "check"); code != exitUsage || !strings.Contains(stderr, "takes one folder") {
		t.Errorf("code %d, %s", code, stderr)
	}
	if code, _, stderr := execute(t, "data", "check", filepath.Join(dir, "nowhere")); code != exitFailed || !strings.Contains(stderr, "nowhere") {
		t.Errorf("code %d, %s", code, stderr)
	}
}

// TestDataCheckNotes: the time of an epoch comes with what disturbed its measurement.
func TestDataCheckNotes(t *testing.T) {
	r := checkResult{Report: &check.Report{Splits: []check.SplitReport{{Name: "train", Images: 10, Classes: 2}}}, Epoch: epochTime{Images: 10, Seconds: 8, LimitedBy: "training"}}
	if got := lastLine(r.text()); !strings.HasPrefix(got, "an epoch of 10 images takes about 8s") {
		t.Errorf("last line %q", got)
	}
	r.Epoch.Notes = []string{"other processes took 48 %"}
	if got := lastLine(r.text()); got != "note: other processes took 48 %" {
		t.Errorf("last line %q", got)
	}
}
