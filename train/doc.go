// Package train is the training loop: Fit trains a network, validates it, writes checkpoints,
// resumes runs exactly and keeps the files of a run in its folder.
//
// A step is in step.go, an epoch in loop.go, a checkpoint in snapshot.go.
package train
