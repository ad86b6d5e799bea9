//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"depthwise.dev/report"
	"depthwise.dev/report/history"
)

// liveRun is a process that trains and serves its report.
type liveRun struct {
	t       *testing.T
	cmd     *exec.Cmd
	dir     string
	address string // without the token
	token   string

	mu  sync.Mutex
	log bytes.Buffer
}

func (r *liveRun) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(b)
}

func (r *liveRun) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

// startLive trains a small network for a long time.
func startLive(t *testing.T, program string) *liveRun {
	t.Helper()
	r := &liveRun{t: t, dir: filepath.Join(t.TempDir(), "run")}
	r.cmd = exec.CommandContext(t.Context(), program, "--data", dataSet(t), "--out", r.dir, "--epochs", "100000", "--resolution", "96", "--width", "0.25", "--batch-size", "4",
		"--progress", "plain", "--workers", "1", "--threads", "1", "--checkpoint-every", "1h", "--serve", "127.0.0.1:0")
	r.cmd.Stderr = r
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`live report: (http://[^?\n]*)\?token=([0-9a-f]+)\n`)
	for end := time.Now().Add(browserTime); ; time.Sleep(20 * time.Millisecond) {
		if m := link.FindStringSubmatch(r.text()); m != nil && strings.Contains(r.text(), "saved") {
			r.address, r.token = m[1], m[2]
			return r
		}
		if time.Now().After(end) {
			t.Fatalf("the run does not begin:\n%s", r.text())
		}
	}
}

// state is the state of the run by its API.
func (r *liveRun) state() (s struct {
	State    string
	LRFactor float64 `json:"lr_factor"`
	Step     report.Step
}) {
	r.t.Helper()
	answer, err := http.Get(r.address + "api/state")
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
		r.t.Fatal(err)
	}
	return s
}

// button is the selector of a control.
func button(action string) string { return fmt.Sprintf("#controls button[data-action=%s]", action) }

// possible is an expression for a control that can be used.
func possible(action string) string {
	return fmt.Sprintf(`document.querySelector(%q)?.getAttribute("aria-disabled") === "false"`, button(action))
}

func statusHas(text string) string {
	return fmt.Sprintf(`document.getElementById("control-status").textContent.includes(%q)`, text)
}

// TestLivePage: a reader controls a run that trains with the mouse and the keyboard. Screenshots are in INTEROP_SCREENSHOTS, if it
// is set.
func TestLivePage(t *testing.T) {
	chromium := browser(t)
	shots := os.Getenv("INTEROP_SCREENSHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	r := startLive(t, trainProgram(t))
	b := openTab(t, chromium)
	b.show(1280, false)

	needsToken(t, b, r)
	b.open(r.address + "?token=" + r.token)
	b.until(possible("pause"))
	if at := b.evaluate("location.href"); at != r.address {
		t.Errorf("the token stays in the address: %s", at)
	}
	b.evaluate(fmt.Sprintf("document.querySelector(%q).focus()", button("pause")))
	b.press("Enter")
	b.until(possible("continue"))
	b.until(statusHas("paused"))
	paused := r.state()
	if paused.State != "paused" || b.evaluate("document.activeElement.textContent") != "Continue" {
		t.Errorf("the state is %s, the focus on %q", paused.State, b.evaluate("document.activeElement.textContent"))
	}
	if badge := b.evaluate(`document.querySelector("header .state").textContent`); badge != "paused" {
		t.Errorf("the head says %q", badge)
	}
	checkpointOnClick(t, b, r)
	looks(t, b, shots)

	b.evaluate(`document.querySelector("#control-lr input").value = "0.25"`)
	b.click(button("lr"))
	b.until(statusHas("0.25 times that of the schedule"))
	for r.state().LRFactor != 0.25 {
		time.Sleep(20 * time.Millisecond)
	}
	b.click(button("continue"))
	b.until(possible("pause"))
	for r.state().Step.Step == paused.Step.Step {
		time.Sleep(20 * time.Millisecond)
	}
	for _, m := range b.console() {
		t.Errorf("console: %s", m)
	}
	stops(t, b, r, filepath.Join(shots, "live-stop.png"))
}

// needsToken: without the token there are no buttons, a wrong one is refused, and the right one can be typed.
func needsToken(t *testing.T, b *tab, r *liveRun) {
	t.Helper()
	b.open(r.address)
	b.until(`getComputedStyle(document.getElementById("control-token")).display !== "none"`)
	if b.evaluate(`getComputedStyle(document.getElementById("controls")).display`) != "none" {
		t.Error("there are buttons without a token")
	}
	use := func(token string) {
		b.evaluate(fmt.Sprintf(`document.querySelector("#control-token input").value = %q`, token))
		b.click("#control-token button")
	}
	for _, m := range b.console() {
		t.Errorf("console: %s", m)
	}
	use("wrong-0123456789")
	b.until(possible("checkpoint"))
	b.click(button("checkpoint"))
	b.until(statusHas("not that of this server"))
	b.until(`getComputedStyle(document.getElementById("controls")).display === "none"`)
	b.console() // the browser reports the status 401
	use(r.token)
	b.until(possible("checkpoint"))
	b.evaluate("sessionStorage.clear()")
}

// checkpointOnClick: a click writes a checkpoint.
func checkpointOnClick(t *testing.T, b *tab, r *liveRun) {
	t.Helper()
	count := func() (n int) {
		err := history.Events(filepath.Join(r.dir, "events.jsonl"), func(e report.Event) error {
			if _, ok := e.(report.Checkpoint); ok {
				n++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := count()
	b.click(button("checkpoint"))
	b.until(statusHas("writes a checkpoint"))
	for end := time.Now().Add(browserTime); count() == before; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a click on checkpoint writes none")
		}
	}
	path := filepath.Join(r.dir, "checkpoints", fmt.Sprintf("step-%08d.safetensors", r.state().Step.Step))
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

// looks checks the page in all widths and colors.
func looks(t *testing.T, b *tab, shots string) {
	t.Helper()
	for _, width := range []int{1280, 480} {
		for _, dark := range []bool{false, true} {
			b.show(width, dark)
			if over := b.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"); over != "0" {
				t.Errorf("%d pixels, dark %v: the page is %s pixels wider than the window", width, dark, over)
			}
			unnamed := `[...document.querySelectorAll("#live button, #live input, #live select")].filter(e => getComputedStyle(e).display !== "none" && !e.textContent.trim() && !e.getAttribute("aria-label") && !e.labels?.length).length`
			if n := b.evaluate(unnamed); n != "0" {
				t.Errorf("%s controls have no name", n)
			}
			b.screenshot(filepath.Join(shots, fmt.Sprintf("live-%d-dark-%v.png", width, dark)))
		}
	}
	b.show(1280, false)
}

// stops: a stop is confirmed, can be taken back with Escape, and ends the run as Ctrl-C does.
func stops(t *testing.T, b *tab, r *liveRun, shot string) {
	t.Helper()
	const open = `document.getElementById("control-stop").open`
	b.until(possible("stop"))
	b.click(button("stop"))
	b.until(open)
	if focus := b.evaluate("document.activeElement.textContent"); focus != "Cancel" {
		t.Errorf("the focus is on %q", focus)
	}
	b.screenshot(shot)
	b.press("Escape")
	b.until("!" + open)
	if s := r.state().State; s != "running" && s != "validating" {
		t.Errorf("after Escape the run is %s", s)
	}
	b.until(possible("stop"))
	b.click(button("stop"))
	b.until(open)
	b.click("#control-stop button[value=stop]")
	if err := r.cmd.Wait(); r.cmd.ProcessState.ExitCode() != 130 {
		t.Errorf("%v\n%s", err, r.text())
	}
	if !strings.Contains(r.text(), "interrupted after") || !strings.Contains(r.text(), "stop requested") {
		t.Errorf("the end is\n%s", r.text())
	}
	b.until(statusHas("interrupted"))
}
