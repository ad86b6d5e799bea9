package train

import (
	"strings"
	"testing"
)

func TestDifferentSettings(t *testing.T) {
	for _, c := range []struct {
		name    string
		was, is string
		want    []string
	}{
		{"the same", "lr: 0.1\nseed: 3\n", "seed: 3\nlr: 0.1\n", nil},
		{"a value", "batch_size: 8\n", "batch_size: 16\n", []string{"--batch-size was 8 and is 16"}},
		{"a list", "crop_scale: [0.1, 1]\n", "crop_scale: [0.2, 1]\n", []string{"--crop-scale was [0.1, 1] and is [0.2, 1]"}},
		{"a newer setting, by default", "lr: 1\n", "lr: 1\nexif: false\nflip: 0.5\n", nil},
		{"a newer setting, changed", "lr: 1\n", "lr: 1\nexif: true\nflip: 0.5\n", []string{"--exif was false and is true"}},
		{"a setting that is no more", "lr: 1\nold: 3\n", "lr: 1\n", nil},
		{"a network of the caller's", "arch: custom\nvariant: cnn\nlr: 1\n", "arch: mobilenet_v1\nvariant: paper\nlr: 2\n", []string{"--lr was 1 and is 2"}},
		{"all of them, in order", "seed: 1\nlr: 1\n", "seed: 2\nlr: 2\n", []string{"--seed was 1 and is 2", "--lr was 1 and is 2"}},
	} {
		got, err := differentSettings(c.was, c.is, "lr: 0.05\nflip: 0.5\nexif: false\n")
		if err != nil || strings.Join(c.want, "|") != strings.Join(textsOf(got), "|") {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
	if _, err := differentSettings("lr: [", "lr: 1", ""); err == nil || !strings.Contains(err.Error(), "configuration") {
		t.Errorf("broken YAML: %v", err)
	}
}

// TestDifferentVariants: where the variant differs, the settings that it implies are not listed; where they differ alone,
// they are not called flags.
func TestDifferentVariants(t *testing.T) {
	const paper = "arch: mobilenet_v1\nvariant: paper\nactivation: relu\nbn_eps: 1e-05\nlr: 0.1\n"
	for _, c := range []struct{ name, is, want string }{
		{"another variant", "arch: mobilenet_v1\nvariant: keras\nactivation: relu6\nbn_eps: 0.001\nlr: 0.1\n", "--variant was paper and is keras"},
		{"another setting", "arch: mobilenet_v1\nvariant: paper\nactivation: relu\nbn_eps: 0.001\nlr: 0.1\n", "the setting bn_eps was 1e-05 and is 0.001"},
		{"another flag", "arch: mobilenet_v1\nvariant: paper\nactivation: relu\nbn_eps: 1e-05\nlr: 0.2\n", "--lr was 0.1 and is 0.2"},
	} {
		got, err := differentSettings(paper, c.is, paper)
		if err != nil || len(got) != 1 || got[0].String() != c.want {
			t.Errorf("%s: %q, error %v; want %q", c.name, got, err, c.want)
		}
	}
}

func textsOf(list []differentSetting) []string {
	var texts []string
	for _, d := range list {
		texts = append(texts, d.String())
	}
	return texts
}
