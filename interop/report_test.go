//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"depthwise.dev/metrics"
	"depthwise.dev/report"
	"depthwise.dev/report/history"
	"depthwise.dev/report/page"
)

// browserTime is the longest time of one start of the browser.
const browserTime = time.Minute

// browser returns the path of Chromium: INTEROP_CHROMIUM, or one of its names on PATH.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("INTEROP_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	t.Skip("Chromium is not installed: apt-get install chromium, or name it in INTEROP_CHROMIUM")
	return ""
}

// probe measures a page as a reader sees it, and puts the result into the page.
const probe = `<pre id="probe"></pre><script>
addEventListener("load", () => {
  const svgs = [...document.querySelectorAll("svg")];
  const small = svgs.filter(s => { const r = s.getBoundingClientRect(); return r.width < 200 || r.height < 60; }).length;
  const overlaps = [];
  for (const s of svgs) {
    const boxes = [...s.querySelectorAll("text")].map(t => [t.textContent, t.getBoundingClientRect()]);
    for (let i = 0; i < boxes.length; i++) for (let j = 0; j < i; j++) {
      const [a, p] = boxes[i], [b, q] = boxes[j];
      const w = Math.min(p.right, q.right) - Math.max(p.left, q.left), h = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
      if (w > 1 && h > 4) overlaps.push(a + " / " + b);
    }
  }
  const result = {svgs: svgs.length, small, overlaps, images: [...document.images].filter(i => i.complete && i.naturalWidth === 0).length,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth, background: getComputedStyle(document.body).backgroundColor};
  const table = document.getElementById("class-table");
  if (table) {
    const button = [...table.querySelectorAll("th button")].find(b => b.textContent === "F1");
    const column = () => [...table.tBodies[0].rows].map(r => parseFloat(r.cells[button.closest("th").cellIndex].dataset.value));
    button.click(); result.down = column(); button.click(); result.up = column();
    result.sorted = button.closest("th").getAttribute("aria-sort");
    const filter = document.querySelector("input[data-filter]");
    if (filter) {
      filter.value = "class 99"; filter.dispatchEvent(new Event("input"));
      result.shown = [...table.tBodies[0].rows].filter(r => r.getBoundingClientRect().height > 0).length;
      filter.value = ""; filter.dispatchEvent(new Event("input"));
    }
    const picture = document.querySelector("#matrix image");
    if (picture) {
      const r = picture.getBoundingClientRect();
      picture.dispatchEvent(new PointerEvent("pointermove", {clientX: r.left + 1, clientY: r.top + 1, bubbles: true}));
      result.readout = document.getElementById("readout").textContent;
    }
  }
  document.getElementById("probe").textContent = JSON.stringify(result);
});
</script>`

// probed is the result of the probe.
type probed struct {
	SVGs       int `json:"svgs"`
	Small      int
	Overlaps   []string
	Images     int // that are broken
	Overflow   float64
	Background string
	Down, Up   []float64
	Sorted     string
	Shown      int
	Readout    string
}

// TestReport: Chromium shows reports of every kind without an error, wide and narrow, light and dark. Screenshots are in
// INTEROP_SCREENSHOTS, if it is set.
func TestReport(t *testing.T) {
	program := browser(t)
	shots := os.Getenv("INTEROP_SCREENSHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	for _, c := range []struct {
		name            string
		classes, epochs int
		svgs            int
		multi           bool
	}{{"no epoch", 0, 0, 6, false}, {"one epoch", 3, 1, 8, false}, {"20 classes", 20, 12, 8, false}, {"1000 classes", 1000, 90, 8, false}, {"multi-label", 20, 12, 6, true}} {
		var file bytes.Buffer
		d := runOf(c.classes, c.epochs)
		if c.multi {
			toMultiLabel(&d)
		}
		if err := page.Write(&file, d); err != nil {
			t.Fatal(err)
		}
		for _, width := range []int{1280, 480} {
			for _, dark := range []bool{false, true} {
				name := fmt.Sprintf("%s, %d pixels, dark %v", c.name, width, dark)
				t.Run(name, func(t *testing.T) {
					path := filepath.Join(t.TempDir(), "report.html")
					if err := os.WriteFile(path, bytes.Replace(file.Bytes(), []byte("</body>"), []byte(probe+"</body>"), 1), 0o644); err != nil {
						t.Fatal(err)
					}
					shot := filepath.Join(shots, strings.ReplaceAll(strings.ReplaceAll(name, ", ", "-"), " ", "-")+".png")
					p := probePage(t, program, path, width, dark)
					checkProbe(t, p, c.svgs, c.classes, dark)
					screenshot(t, program, path, shot, width, dark)
				})
			}
		}
	}
}

// runBrowser starts the browser and fails the test for messages on the page's console.
func runBrowser(t *testing.T, program string, width int, dark bool, args ...string) string {
	t.Helper()
	all := []string{"--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr", "--virtual-time-budget=3000", "--user-data-dir=" + t.TempDir(),
		fmt.Sprintf("--window-size=%d,4000", width), fmt.Sprintf("--blink-settings=preferredColorScheme=%d", map[bool]int{true: 0, false: 1}[dark])}
	cmd := exec.CommandContext(t.Context(), program, append(all, args...)...)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &log, browserTime
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "CONSOLE") {
			t.Errorf("console: %s", line)
		}
	}
	return out.String()
}

func probePage(t *testing.T, program, path string, width int, dark bool) probed {
	t.Helper()
	_, text, _ := strings.Cut(runBrowser(t, program, width, dark, "--dump-dom", "file://"+path), `<pre id="probe">`)
	text, _, _ = strings.Cut(text, "</pre>")
	var p probed
	if text == "" {
		t.Fatal("the page has no result of the probe: its script did not run")
	}
	text = html.UnescapeString(text)
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatalf("%v in %.200q", err, text)
	}
	return p
}

func checkProbe(t *testing.T, p probed, svgs, classes int, dark bool) {
	t.Helper()
	if p.SVGs != svgs || p.Small > 0 || p.Images > 0 || len(p.Overlaps) > 0 {
		t.Errorf("%d charts, %d of them too small, %d images broken, texts overlap: %.5q", p.SVGs, p.Small, p.Images, p.Overlaps)
	}
	if p.Overflow > 0 {
		t.Errorf("the page is %v pixels wider than the window", p.Overflow)
	}
	if want := map[bool]string{true: "rgb(13, 17, 23)", false: "rgb(246, 248, 250)"}[dark]; p.Background != want {
		t.Errorf("the background is %s, want %s", p.Background, want)
	}
	if classes == 0 {
		return
	}
	for i := range classes - 1 {
		if p.Down[i] < p.Down[i+1] || p.Up[i] > p.Up[i+1] {
			t.Fatalf("the table is not sorted: %v, %v", p.Down, p.Up)
		}
	}
	if p.Sorted != "ascending" {
		t.Errorf("aria-sort is %q", p.Sorted)
	}
	if classes == 1000 && (p.Shown != 11 || p.Readout != "class 0 predicted as class 0: 3") { // 99 and 990 to 999
		t.Errorf("%d classes of the filter, %q at the pointer", p.Shown, p.Readout)
	}
}

func screenshot(t *testing.T, program, path, shot string, width int, dark bool) {
	t.Helper()
	runBrowser(t, program, width, dark, "--screenshot="+shot, "file://"+path)
	f, err := os.Open(shot)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if m, err := png.DecodeConfig(f); err != nil || m.Width != width {
		t.Errorf("the screenshot has a width of %d: %v", m.Width, err)
	}
}

// runOf is a run of epochs with predictions of four images for each class, one of them wrong.
func runOf(classes, epochs int) page.Data {
	h := &history.History{}
	h.Add(report.Start{Run: "runs/photos-1", Images: 30 * classes, ValImages: max(4*classes, 1), Epochs: max(epochs, 1), Batches: 50, Steps: int64(50 * epochs), Description: "mobilenet_v1 paper, width 1; cpu"})
	d := page.Data{Dir: "runs/photos-1", State: "running", History: h, Commands: []string{"train report runs/photos-1"}}
	for e := 1; e <= epochs; e++ {
		level := 1 - math.Exp(-float64(e)/8)
		for b := 1; b <= 50; b++ {
			h.Add(report.Step{Step: int64(50*e + b - 50), Epoch: e, Batch: b, Batches: 50, Loss: 3*(1-level) + 0.3 + 0.2*math.Sin(float64(b*b+e)), LR: 0.05 * (1 - float64(e)/float64(epochs+1)), ImagesPerSecond: 200 + 9*math.Sin(float64(b))})
		}
		h.Add(report.Epoch{Epoch: e, Epochs: epochs, Step: int64(50 * e), TrainLoss: 3*(1-level) + 0.3, TrainTop1: level, ValLoss: 3*(1-level) + 0.5, ValTop1: 0.75 * level, ValTop5: level, ImagesPerSecond: 201, Seconds: 8,
			DataWaitShare: 0.01, ValImages: 4 * classes, Best: e == epochs})
	}
	for c := range classes {
		d.Classes = append(d.Classes, fmt.Sprintf("class %d", c))
	}
	for i := range 4 * classes {
		p := metrics.Prediction{Image: fmt.Sprintf("%d.jpg", i), Class: d.Classes[i/4], Predicted: d.Classes[i/4], Rank: 1, Confidence: 0.3 + 0.69*float64(i*7%97)/97, Loss: 0.1}
		if i%4 == 3 {
			p.Predicted, p.Rank, p.Loss = d.Classes[(i*13+5)%classes], 2, 2
		}
		d.Predictions = append(d.Predictions, p)
	}
	return d
}

// toMultiLabel gives each image of a run its class and the next one, of which some are predicted wrongly.
func toMultiLabel(d *page.Data) {
	n := len(d.Classes)
	m := metrics.MultiLabel{Classes: n}
	var paths []string
	for i, x := range d.Predictions {
		paths = append(paths, x.Image)
		for c := range n {
			is := c == i/4 || c == (i/4+1)%n
			m.Labels = append(m.Labels, is)
			m.Scores = append(m.Scores, float32(map[bool]int{true: 2, false: -4}[is])+3*float32(math.Sin(float64(7*i+3*c*c))))
		}
	}
	half := make([]float64, n)
	for i := range half {
		half[i] = 0.5
	}
	p := metrics.NewMultiLabelPredictions(m, d.Classes, paths, half)
	d.Predictions, d.MultiLabel, d.History.Start.MultiLabel = nil, &p, true
	for i := range d.History.Epochs {
		d.History.Epochs[i].ValMAP = 0.9 * d.History.Epochs[i].ValTop5
	}
	for _, i := range page.ChooseMultiLabel(p) {
		d.Worst = append(d.Worst, page.MultiLabelExample(p, i))
	}
}
