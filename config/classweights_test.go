package config

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestClassWeightsMatchScikitLearn: testdata/make_class_weights.py has written the numbers.
func TestClassWeightsMatchScikitLearn(t *testing.T) {
	text, err := os.ReadFile("testdata/class_weights.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Counts              []int
		Balanced, Effective []float64
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) < 5 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		for method, want := range map[string][]float64{WeightsNone: nil, WeightsBalanced: c.Balanced, WeightsEffective: c.Effective} {
			got, err := Config{ClassWeights: method}.WeightsOfClasses(make([]string, len(c.Counts)), c.Counts)
			close := func(a, b float64) bool { return math.Abs(a-b) <= 1e-12*b }
			if err != nil || !slices.EqualFunc(got, want, close) {
				t.Errorf("%s of %v: %v, %v, want %v", method, c.Counts, got, err, want)
			}
		}
	}
}

func TestClassWeightsFile(t *testing.T) {
	classes := []string{"cat", "caf\u00e9", "a, b", "no"}
	for _, c := range []struct {
		name, file, text string
		want             []float64 // nil: an error
		message          string    // in it
	}{
		{"lines", "w.csv", "no,4\ncat,1\n\"a, b\", 3\ncaf\u00e9,2\n", []float64{1, 2, 3, 4}, ""},
		{"header", "w.csv", "class,weight\nno,4\ncat,1\n\"a, b\",3\ncaf\u00e9,2.5e0\n", []float64{1, 2.5, 3, 4}, ""},
		{"columns in another order", "w.CSV", "\ufeffimages,Weight, Class\r\n9,4,no\r\n9,1,cat\r\n9,3,\"a, b\"\r\n9,2,caf\u00e9\r\n", []float64{1, 2, 3, 4}, ""},
		{"other Unicode form", "w.csv", "no,4\ncat,1\n\"a, b\",3\ncafe\u0301,2\n", []float64{1, 2, 3, 4}, ""},
		{"YAML", "w.yaml", "no: 4\ncat: 1\na, b: 3\ncaf\u00e9: 2\n", []float64{1, 2, 3, 4}, ""},
		{"JSON", "w.json", `{"no": 4, "cat": 1, "a, b": 3, "caf\u00e9": 2}`, []float64{1, 2, 3, 4}, ""},
		{"unknown class", "w.csv", "cat,1\ncats,1\n", nil, `line 2: the data has no class "cats"; did you mean "cat"?`},
		{"missing classes", "w.csv", "cat,1\n", nil, `no weight for 3 of the 4 classes of the data, such as "café": list every class`},
		{"class twice", "w.yml", "cat: 1\nno: 2\ncat: 3\n", nil, `line 3: class "cat" is set twice, first in line 1`},
		{"class twice in CSV", "w.csv", "cat,1\nno,2\ncat,3\n", nil, `line 3: class "cat" is set twice, first in line 1`},
		{"zero", "w.csv", "cat,0\n", nil, `line 1: the weight "0" of class "cat" must be 1e-06 to 1e+06; to train without a class, remove its folder`},
		{"below zero", "w.csv", "cat,-1\n", nil, "must be 1e-06"},
		{"not a number", "w.csv", "cat,NaN\n", nil, "must be 1e-06"},
		{"infinite", "w.yaml", "cat: Inf\n", nil, "must be 1e-06"},
		{"text", "w.csv", "cat,heavy\n", nil, `line 1: the weight "heavy" of class "cat" must be a number`},
		{"no weight", "w.yaml", "cat:\n", nil, `line 1: the weight "" of class "cat" must be a number`},
		{"list", "w.yaml", "- 1\n- 2\n", nil, "must be a mapping of classes to weights"},
		{"semicolons", "w.csv", "cat;1\n", nil, "line 1 must have a class and a weight in each line, such as cat,2.5"},
		{"three columns without header", "w.csv", "cat,9,1\n", nil, "columns named class and weight"},
		{"another number of columns", "w.csv", "cat,1\nno\n", nil, "line 2"},
		{"empty", "w.csv", "", nil, "no weight for 4 of the 4 classes"},
		{"empty YAML", "w.yaml", "", nil, "must be a mapping"},
		{"not YAML", "w.yaml", "{", nil, "yaml:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), c.file)
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := Config{ClassWeights: path}.WeightsOfClasses(classes, nil)
			if !slices.Equal(got, c.want) || (err == nil) != (c.want != nil) {
				t.Fatalf("%v, error %v, want %v", got, err, c.want)
			}
			if err != nil && (!strings.Contains(err.Error(), c.message) || !strings.Contains(err.Error(), path)) {
				t.Errorf("error %q lacks %q", err, c.message)
			}
		})
	}
	t.Run("no file", func(t *testing.T) {
		_, err := Config{ClassWeights: filepath.Join(t.TempDir(), "w.csv")}.WeightsOfClasses(classes, nil)
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error %v", err)
		}
	})
}

func TestLossSettings(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string // in the error; "": valid
	}{
		{"focal", func(c *Config) { c.Loss, c.FocalGamma = LossFocal, 0 }, ""},
		{"name of PyTorch", func(c *Config) { c.Loss = "CrossEntropyLoss" }, "did you mean cross_entropy?"},
		{"gamma", func(c *Config) { c.FocalGamma = -1 }, "focal_gamma -1: must be at least 0"},
		{"no number", func(c *Config) { c.FocalGamma = math.NaN() }, "focal_gamma NaN"},
		{"weights", func(c *Config) { c.ClassWeights = WeightsEffective }, ""},
		{"file", func(c *Config) { c.ClassWeights = "my/weights.YML" }, ""},
		{"mistyped weights", func(c *Config) { c.ClassWeights = "balance" }, "did you mean balanced? allowed: none, balanced, effective, or a file that ends in .csv, .yaml"},
		{"file of another kind", func(c *Config) { c.ClassWeights = "weights.txt" }, "or a file that ends in .csv"},
		{"sampler", func(c *Config) { c.Sampler = "sqrt" }, ""},
		{"name of a sampler of PyTorch", func(c *Config) { c.Sampler = "WeightedRandomSampler" }, "did you mean balanced?"},
		{"weights and sampler", func(c *Config) { c.Sampler, c.ClassWeights = "balanced", WeightsBalanced }, "a second time: sampler balanced already does"},
		{"weights and square roots", func(c *Config) { c.Sampler, c.ClassWeights = "sqrt", WeightsEffective }, "a second time"},
		{"file and sampler", func(c *Config) { c.Sampler, c.ClassWeights = "balanced", "costs.csv" }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := valid()
			c.change(&config)
			err := config.Validate()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func FuzzClassWeights(f *testing.F) {
	for _, text := range []string{"cat,1\ndog,2\n", "class,weight\ncat,1\ndog,2", "cat: 1\ndog: 2", "{cat: 1, dog: 1e300}", "a: &a [*a]", "\"", "cat,1,2"} {
		f.Add([]byte(text), true)
		f.Add([]byte(text), false)
	}
	f.Fuzz(func(t *testing.T, text []byte, csv bool) {
		path := map[bool]string{true: "w.csv", false: "w.yaml"}[csv]
		weights, err := parseClassWeights(path, text, []string{"cat", "dog"})
		if err == nil && (len(weights) != 2 || checkClassWeight(weights[0]) != nil || checkClassWeight(weights[1]) != nil) {
			t.Errorf("%v", weights)
		}
	})
}
