package suggest

import "testing"

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"sgd", "sgd", 0},
		{"sdg", "sgd", 1}, // neighbors swapped
		{"kitten", "sitting", 3},
		{"ca", "abc", 3}, // alignment distance: no letter is edited twice
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
		if got := distance(c.b, c.a); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.b, c.a, got, c.want)
		}
	}
}

func TestClosest(t *testing.T) {
	flags := []string{"batch-size", "lr", "epochs", "width", "out", "optimizer"}
	for _, c := range []struct{ name, word, want string }{
		{"missing hyphen", "batchsize", "batch-size"},
		{"underscore", "batch_size", "batch-size"},
		{"case", "LR", "lr"},
		{"missing letter", "epoch", "epochs"},
		{"two errors", "optimzier", "optimizer"},
		{"swapped", "widht", "width"},
		{"prefix", "optim", "optimizer"},
		{"prefix too short", "op", ""},
		{"nothing similar", "color", ""},
		{"short word", "xy", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Closest(c.word, flags); got != c.want {
				t.Errorf("Closest(%q) = %q, want %q", c.word, got, c.want)
			}
		})
	}
}

func TestOneOf(t *testing.T) {
	allowed := []string{"sgd", "adamw"}
	for word, want := range map[string]string{
		"sdg":  "did you mean sgd? allowed: sgd, adamw",
		"lion": "allowed: sgd, adamw",
		"":     "allowed: sgd, adamw",
	} {
		if got := OneOf(word, allowed); got != want {
			t.Errorf("OneOf(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestSynonyms(t *testing.T) {
	for _, c := range []struct {
		name, word string
		allowed    []string
		want       string
	}{
		{"before similar spelling", "gpu", []string{"auto", "cpu", "cuda"}, "did you mean cuda? allowed: auto, cpu, cuda"},
		{"with an index", "gpu:0", []string{"cpu", "cuda"}, "did you mean cuda? allowed: cpu, cuda"},
		{"case", "Half", []string{"fp32", "bf16"}, "did you mean bf16? allowed: fp32, bf16"},
		{"first allowed value", "half", []string{"fp32", "fp16", "bf16"}, "did you mean fp16? allowed: fp32, fp16, bf16"},
		{"no allowed value", "gpu", []string{"left", "right"}, "allowed: left, right"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := OneOf(c.word, c.allowed); got != c.want {
				t.Errorf("OneOf(%q) = %q, want %q", c.word, got, c.want)
			}
		})
	}
}
