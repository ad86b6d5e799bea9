package diagnose

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/config"
	"depthwise.dev/internal/testset"
)

// plainPictures makes classes of one color each, three images of each.
func plainPictures(t *testing.T, colors map[string]color.RGBA) string {
	t.Helper()
	dir := t.TempDir()
	for class, c := range colors {
		m := image.NewRGBA(image.Rect(0, 0, 40, 30))
		draw.Draw(m, m.Bounds(), image.NewUniform(c), image.Point{}, draw.Src)
		for i := range 3 {
			testset.WriteImage(t, filepath.Join(dir, "train", class), 2*i, m) // PNG
		}
	}
	return dir
}

func TestDataStatistics(t *testing.T) {
	c := StatisticsConfig{Config: config.Default(), Images: 1000, Sheet: filepath.Join(t.TempDir(), "sheet.png")}
	c.Data = plainPictures(t, map[string]color.RGBA{"a": {51, 0, 255, 255}, "b": {153, 102, 255, 255}})
	c.Model.Resolution, c.BatchSize, c.Workers = 32, 4, 0
	bad := filepath.Join(c.Data, "train", "b", "torn.png")
	if err := os.WriteFile(bad, []byte("\x89PNG\r\n\x1a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	stats, err := DataStatistics(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if stats.Images != 6 || stats.Classes != 2 || len(stats.Skipped) != 1 || stats.Skipped[0].Path != bad || stats.Shown < 3 {
		t.Errorf("%+v", stats)
	}
	wantMean, wantStd := [3]float64{0.4, 0.2, 1}, [3]float64{0.2, 0.2, 0}
	for i := range 3 {
		if math.Abs(stats.Mean[i]-wantMean[i]) > 1e-9 || math.Abs(stats.Std[i]-wantStd[i]) > 1e-7 {
			t.Errorf("mean %v, deviation %v, want %v and %v", stats.Mean, stats.Std, wantMean, wantStd)
		}
	}
	sheet, err := png.Decode(bytes.NewReader(testset.Contents(t, c.Sheet)))
	if err != nil {
		t.Fatal(err)
	}
	if b := sheet.Bounds(); b.Dx() < 2*128 || b.Dy() < 128 { // four images of 32, enlarged four times
		t.Errorf("the sheet is %v", b)
	}
	c.Images = 1
	if stats, err := DataStatistics(context.Background(), c); err != nil || stats.Images < 3 || stats.Images > 4 {
		t.Errorf("of one image: %d images, %v", stats.Images, err)
	}
}

func TestDataStatisticsRefuses(t *testing.T) {
	good := StatisticsConfig{Config: config.Default(), Images: 10}
	good.Data = plainPictures(t, map[string]color.RGBA{"a": {}, "b": {}})
	for name, c := range map[string]struct {
		change func(*StatisticsConfig)
		want   string
	}{
		"no images":    {func(c *StatisticsConfig) { c.Images = 0 }, "images 0"},
		"bad setting":  {func(c *StatisticsConfig) { c.RandomErase = 2 }, "random_erase 2"},
		"no folder":    {func(c *StatisticsConfig) { c.Data = "nowhere" }, "nowhere"},
		"no directory": {func(c *StatisticsConfig) { c.Sheet = filepath.Join(good.Data, "no", "sheet.png") }, "sheet.png"},
	} {
		t.Run(name, func(t *testing.T) {
			config := good
			c.change(&config)
			if _, err := DataStatistics(context.Background(), config); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
		})
	}
	var wrong *config.Error
	config := good
	config.Images = -1
	if _, err := DataStatistics(context.Background(), config); !errors.As(err, &wrong) {
		t.Errorf("%T, want a *config.Error", err)
	}
}
