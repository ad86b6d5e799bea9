package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"depthwise.dev/classify"
	"depthwise.dev/config"
	"depthwise.dev/internal/testset"
	"depthwise.dev/metrics"
)

// TestMultiLabelCommands: a run on a CSV file, its evaluation, thresholds, prediction, and the commands for data.
func TestMultiLabelCommands(t *testing.T) {
	dir := testset.Images(t, 4, 2)
	t.Chdir(dir)
	text := "image_name,tags,split\n"
	for _, row := range []string{"train/blue/00,cold sky,train", "train/blue/01,cold,train", "train/blue/02,sky cold,train", "train/red/00,warm,train", "train/red/01,warm sky,train",
		"train/green/00,,train", "val/blue/04,cold,val", "val/red/04,warm sky,val"} {
		text += row + "\n"
	}
	if err := os.MkdirAll("lists", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("lists/l.csv", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	data := []string{"--data", "lists/l.csv", "--images", "."}
	code, _, stderr := execute(t, append([]string{"--width", "0.25", "--resolution", "32", "--epochs", "2", "--batch-size", "4", "--lr", "0.01", "--device", "cpu", "--threads", "1"}, data...)...)
	if code != exitDone || !strings.Contains(stderr, "val mAP ") || !strings.Contains(stderr, "multi-label: 3 classes") || !strings.Contains(stderr, " eval --weights runs/l-1 --images . --data lists/l.csv\n") {
		t.Fatalf("code %d\n%s", code, stderr)
	}
	code, stdout, stderr := execute(t, append([]string{"eval", "--weights", "runs/l-1", "--thresholds", "t.safetensors"}, data...)...)
	for _, want := range []string{"mAP ", "95 % interval", "threshold", "macro average", "micro average", "exact match"} {
		if code != exitDone || !strings.Contains(stdout, want) {
			t.Errorf("eval, code %d: %q lacks %q\n%s", code, stdout, want, stderr)
		}
	}
	code, stdout, stderr = execute(t, append([]string{"eval", "--weights", "t.safetensors", "--json"}, data...)...)
	var r classify.MultiLabelResult
	if err := json.Unmarshal([]byte(stdout), &r); code != exitDone || err != nil || !r.OwnThresholds || r.Images != 2 {
		t.Errorf("code %d: %+v, %v\n%s", code, r, err, stderr)
	}
	if code, stdout, stderr = execute(t, "predict", "--weights", "t.safetensors", "val/red/04.png"); code != exitDone || !strings.Contains(stdout, "val/red/04.png\n  ") {
		t.Errorf("predict, code %d: %q\n%s", code, stdout, stderr)
	}
	if code, stdout, stderr = execute(t, "data", "check", "lists/l.csv", "--images", ".", "--resolution", "32", "--width", "0.25"); code != exitDone || !strings.Contains(stdout, "train    6 images in 3 classes, 2 (warm) to 3 (cold) in each") {
		t.Errorf("data check, code %d: %q\n%s", code, stdout, stderr)
	}
	if code, stdout, stderr = execute(t, "data", "stats", "lists/l.csv", "--image-folder", ".", "--resolution", "32", "--batch-size", "4", "--output", "s.png"); code != exitDone || !strings.Contains(stdout, "of 3 classes") {
		t.Errorf("data stats, code %d: %q\n%s", code, stdout, stderr)
	}
	for name, args := range map[string][]string{
		"a shard holds one class for each image":         {"data", "shard", "lists/l.csv", "shards", "--images", "."},
		"leave --data out to check the network on noise": append([]string{"check", "--resolution", "32", "--width", "0.25", "--batch-size", "4"}, data...),
		"do not exist": {"eval", "--weights", "t.safetensors", "--data", "lists/l.csv"},
	} {
		if code, _, stderr := execute(t, args...); code == exitDone || !strings.Contains(stderr, name) {
			t.Errorf("%q: code %d, %s, want %q", args, code, stderr, name)
		}
	}
}

// TestMultiLabelText: the table has the classes with the lowest average precision, and a class without images no such value.
func TestMultiLabelText(t *testing.T) {
	high, low := 0.75, 0.25
	r := classify.MultiLabelResult{MAP: 0.5, MAPInterval: &metrics.Interval{Low: 0.4, High: 0.6}, Images: 8, BestMacroF1: 0.9, Macro: metrics.ClassScore{F1: 0.3},
		Classes: []classify.MultiLabelClass{{Class: "cat\x1b", AP: &high, Threshold: 0.125}, {Class: "dog", AP: &low, ClassScore: metrics.ClassScore{Support: 3}, Threshold: 0.5}, {Class: "none", Threshold: 0.5}}}
	text := multiLabelText(r, false)
	for _, want := range []string{"mAP                 50.00 %   95 % interval 40.00 to 60.00 %", `cat\u001b`, "75.00 %", "0.125", "none", " - ", "90.00 % with the thresholds that are best on these images (--thresholds)"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s\nlacks %q", text, want)
		}
	}
	for range 25 {
		r.Classes = append(r.Classes, classify.MultiLabelClass{Class: "filler", AP: &high})
	}
	if text := multiLabelText(r, false); strings.Index(text, "dog") > strings.Index(text, "filler") || !strings.Contains(text, "the 20 with the lowest AP of 28") {
		t.Errorf("%s", text)
	}
	if text := multiLabelText(r, true); strings.Count(text, "filler") != 25 {
		t.Errorf("%s", text)
	}
}

func TestListArguments(t *testing.T) {
	c := config.Default()
	if got := listArguments(c); got != "" {
		t.Errorf("%q", got)
	}
	c.Images, c.LabelDelimiter = "my images", "|"
	if got := listArguments(c); got != " --images 'my images' --label-delimiter '|'" {
		t.Errorf("%q", got)
	}
}
