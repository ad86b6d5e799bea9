// Package page renders the report of a run as one self-contained HTML page: curves, confusion matrix, classes, images, calibration,
// layers, settings. Write is a function of Data alone; Gather collects Data from the files of a run:
//
//	events.jsonl     curves, notes, how the run ended (package history)
//	predictions.csv  what the best epoch made of the validation images (package metrics)
//	report.json      what only the training process knows: Extra
//	config.yaml      settings, machine
//
// It needs no libtorch.
package page
