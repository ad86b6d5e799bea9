package mobilenet

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// The printed form is part of what users see; the counts in it are checked
// against published ones in TestCounts.
func TestSummaryPrints(t *testing.T) {
	article := variant(t, "article")
	small := variant(t, "paper")
	small.Width, small.Resolution, small.Classes, small.Dropout = 0.25, 33, 10, 0.001
	for name, c := range map[string]Config{"article": article, "small": small} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", "summary_"+name+".txt")
			got := c.Summary().String()
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestSummaryRowsAddUp(t *testing.T) {
	c := variant(t, "article")
	c.Dropout = 0.5
	sum := c.Summary()
	var params, multiplyAdds int64
	for _, r := range sum.Rows {
		params += r.Params
		multiplyAdds += r.MultiplyAdds
	}
	if params != sum.Params || params != sum.Trainable+sum.NonTrainable || multiplyAdds != sum.MultiplyAdds {
		t.Errorf("rows hold %d parameters and %d multiply-adds, totals are %+v", params, multiplyAdds, sum)
	}
}

func TestSummaryJSON(t *testing.T) {
	text, err := json.Marshal(variant(t, "paper").Summary())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Params       int64 `json:"params"`
		MultiplyAdds int64 `json:"multiply_adds"`
		Layers       []struct {
			Name   string `json:"name"`
			Output []int  `json:"output"`
		} `json:"layers"`
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	last := got.Layers[len(got.Layers)-1]
	if got.Params != 4_253_864 || got.MultiplyAdds != 568_740_352 || last.Name != "classifier" || last.Output[0] != 1000 {
		t.Errorf("got %+v", got)
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 4253864: "4,253,864"} {
		if got := grouped(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
