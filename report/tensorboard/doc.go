// Package tensorboard writes and filters event files of TensorBoard: scalars, images, histograms, hyperparameters and
// precision-recall curves. [Recorder] writes those of a run. It needs no libtorch.
//
// The messages are those of tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto, with old-style
// values (simple_value, image, histo) where there are some, as PyTorch's SummaryWriter writes: every reader knows them.
package tensorboard
