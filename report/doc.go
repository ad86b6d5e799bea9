// Package report tells what a run does. The training loop records typed events; recorders turn them into a progress bar, plain lines, JSON
// lines, or rows of a table:
//
//	recorders := report.Multi{report.NewBar(os.Stderr, terminal), jsonl, csv}
//	err := recorders.Record(report.Step{Step: 57, Epoch: 1, Batch: 57, Batches: 938, Loss: 2.1})
//
// The files of a run, events.jsonl and metrics.csv, hold each step once, however often the run was killed and resumed: opening them for a
// resume removes what lies behind the checkpoint. For that to leave no gap, record a step's events before saving its checkpoint.
//
// A recorder is used by one goroutine at a time. A new one is one type with Record and Close.
package report
