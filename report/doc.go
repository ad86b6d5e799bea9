// Package report reports the progress and results of a run. The training loop records typed events;
// recorders write them as a progress bar, plain lines, JSON lines or CSV rows:
//
//	recorders := report.Multi{report.NewBar(os.Stderr, terminal), jsonl, csv}
//	err := recorders.Record(report.Step{Step: 57, Epoch: 1, Batch: 57, Batches: 938, Loss: 2.1})
//
// The files of a run, events.jsonl and metrics.csv, contain each step once even if the run was
// killed and resumed: opening them for a resume removes the lines after the checkpoint. To leave no
// gap, record the events of a step before saving its checkpoint.
//
// A recorder is for one goroutine at a time. To add one, implement Record and Close.
//
// The package also writes charts: bar charts as HTML or SVG, rooflines as PNG.
package report
