// Package data loads folders of images as batches for training and evaluation.
//
//	DIR/train/CLASS/*.jpg ─ OpenFolder ─> Dataset ─ NewLoader ─> Loader ─ Epoch ─> Iterator ─ Next ─> Batch
//
// Folders are read as torchvision.datasets.ImageFolder reads them, crops and resizes are those of
// torchvision.transforms.v2 on byte tensors, and the class order is the same. A batch is host memory:
// uint8, NHWC, RGB. Normalization happens on the device.
//
// Package datasets opens a data set by its path, package shards reads samples from tar files, package
// check finds problems before training, package prepare converts MNIST and ImageNet.
//
// The order of an epoch and the augmentation of a sample are functions of the seed, the epoch and the
// sample index only. They do not depend on the number of workers, and an epoch that continues at batch b
// yields the same batches from there on.
//
// No image is silently replaced. An unreadable image is skipped and named in [Batch.Skipped]; files that
// are skipped when a folder is listed are named in [Dataset.Problems].
//
// A failing disk or machine is not an error of an image: reads are repeated for two seconds, then a
// [StorageError] ends the epoch.
//
// Memory: a Batch belongs to its Iterator and is valid until the next call of Next or Close. An Iterator
// holds Prefetch+1 batches and, for each worker, the memory of the largest image. Images above 89,478,485
// pixels (Pillow's limit), sides above 65,535 and files above 1 GB are refused.
package data
