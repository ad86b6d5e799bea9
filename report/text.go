package report

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// lines formats an event as lines of text; none for progress events.
func lines(e Event) []string {
	switch e := e.(type) {
	case Start:
		return startLines(e)
	case Epoch:
		return []string{join(epochFields(e, Start{}))}
	case Checkpoint:
		return []string{fmt.Sprintf("step %d: saved %s", e.Step, e.Path)}
	case Skip:
		return []string{fmt.Sprintf("warning: step %d: skipped %s: %s", e.Step, oneLine(e.Path), e.Reason)}
	case Note:
		if e.Level == Info {
			return []string{e.Text}
		}
		return []string{e.Level + ": " + e.Text}
	case Budget:
		return []string{budgetLine(e)}
	case Control:
		return []string{controlLine(e)}
	case Done:
		return []string{doneLine(e)}
	}
	return nil
}

func startLines(s Start) []string {
	var list []string
	if s.Description != "" {
		list = strings.Split(strings.TrimRight(s.Description, "\n"), "\n")
	}
	epochs := count(s.Epochs, "epoch", "epochs")
	if s.Epochs == 0 {
		epochs = "epochs"
	}
	line := fmt.Sprintf("%s: %d images, %d to validate; %s of %s", s.Run, s.Images, s.ValImages, epochs, count(s.Batches, "batch", "batches"))
	if s.Step > 0 {
		line += fmt.Sprintf("; continues after step %d", s.Step)
	}
	return append(list, line)
}

// waitShown is the fraction of the training time below which waiting for images does not matter.
const waitShown = 0.05

// epochFields returns the fields of the permanent line of an epoch.
func epochFields(e Epoch, run Start) []string {
	fields := []string{
		epochOf(e.Epoch, e.Epochs), fmt.Sprintf("step %d", e.Step),
		"loss " + number(e.TrainLoss), top1Name(e.ValMAP > 0) + percent(e.TrainTop1),
	}
	if e.ValImages > 0 && e.ValMAP > 0 {
		fields = append(fields, mapFields(e)...)
	} else if e.ValImages > 0 {
		fields = append(fields, accuracyFields("val", e.ValLoss, e.ValTop1, e.ValTop5, run)...)
		if e.Averaged {
			fields = append(fields, accuracyFields("ema", e.EMAValLoss, e.EMAValTop1, e.EMAValTop5, run)...)
		}
	}
	fields = append(fields, swaFields(e)...)
	fields = append(fields, speed(e.ImagesPerSecond), clock(seconds(e.Seconds)))
	if e.DataWaitShare >= waitShown {
		fields = append(fields, "waited for data "+percent(e.DataWaitShare))
	}
	if e.Skipped > 0 {
		fields = append(fields, fmt.Sprintf("%d skipped", e.Skipped))
	}
	if e.Best {
		fields = append(fields, "best")
	}
	return fields
}

// accuracyFields are the fields of a validation.
func accuracyFields(of string, loss, top1, top5 float64, run Start) []string {
	fields := []string{of + " loss " + number(loss), of + " top-1 " + percent(top1)}
	if TrivialTop5(run.Classes) {
		return fields
	}
	return append(fields, of+" top-5 "+percent(top5))
}

// swaFields are the fields of the validation of the average of the last epochs; none before it is complete.
func swaFields(e Epoch) []string {
	switch {
	case e.SWAEpochs == 0:
		return nil
	case e.multiLabel():
		return []string{"swa loss " + number(e.SWAValLoss), "swa mAP " + percent(e.SWAValMAP), "swa exact " + percent(e.SWAValTop1)}
	}
	return []string{"swa loss " + number(e.SWAValLoss), "swa top-1 " + percent(e.SWAValTop1)}
}

// controlLine adds to a pause how it ends: the terminal shows nothing else meanwhile.
func controlLine(c Control) string {
	if c.Action == ControlPause {
		return c.Text() + "; its live page continues the run, and Ctrl-C ends it with a checkpoint"
	}
	return c.Text()
}

func doneLine(d Done) string {
	line := fmt.Sprintf("%s after %s, step %d, %s", d.Status, count(d.Epochs, "epoch", "epochs"), d.Step, clock(seconds(d.Seconds)))
	if d.Reason != "" {
		line += "; stopped early: " + d.Reason
	}
	if d.BestMAP > 0 {
		line += "; best val mAP " + percent(d.BestMAP)
	} else if d.BestTop1 > 0 {
		line += "; best val top-1 " + percent(d.BestTop1)
	}
	return line
}

func budgetLine(b Budget) string {
	return fmt.Sprintf("time limit %s: %d steps fit, in %s; %s used; %.3g s a step, %.2g s at an epoch's end",
		clock(seconds(b.Limit)), b.Steps, count(b.Epochs, "epoch", "epochs"), clock(seconds(b.Used)), b.StepSeconds, b.EndSeconds)
}

func epochOf(epoch, epochs int) string {
	if epochs == 0 { // no Start event
		return fmt.Sprintf("epoch %d", epoch)
	}
	return fmt.Sprintf("epoch %d/%d", epoch, epochs)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// number formats a loss: 2.104, 0.0123, 153.2.
func number(f float64) string {
	switch {
	case !finite(f):
		return fmt.Sprint(f)
	case f >= 100 || f <= -100:
		return fmt.Sprintf("%.1f", f)
	case f < 0.1 && f > -0.1:
		return fmt.Sprintf("%.4f", f)
	}
	return fmt.Sprintf("%.3f", f)
}

func percent(fraction float64) string { return fmt.Sprintf("%.1f %%", 100*fraction) }

func speed(imagesPerSecond float64) string {
	if imagesPerSecond < 10 {
		return fmt.Sprintf("%.1f img/s", imagesPerSecond)
	}
	return fmt.Sprintf("%.0f img/s", imagesPerSecond)
}

// seconds converts an event's seconds; invalid values give 0.
func seconds(s float64) time.Duration {
	if !finite(s) || s < 0 || s > 1e9 {
		return 0
	}
	return time.Duration(s * float64(time.Second))
}

// clock formats a duration: 0:23, 12:05, 1:02:03.
func clock(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// shortClock formats a duration in at most six characters: 0:23, 12:05, 1h02m, 5d03h.
func shortClock(d time.Duration) string {
	const day = 24 * time.Hour
	switch d = d.Round(time.Second); {
	case d < time.Hour:
		return clock(max(0, d))
	case d < 100*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d/time.Minute%60)
	case d < 100*day:
		return fmt.Sprintf("%dd%02dh", d/day, d/time.Hour%24)
	}
	return ">99d"
}

// oneLine writes the control characters of a path, which could end the line or change the terminal, as
// \u000a.
func oneLine(path string) string {
	if !strings.ContainsFunc(path, unicode.IsControl) {
		return path
	}
	var b strings.Builder
	for _, r := range path {
		if unicode.IsControl(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
