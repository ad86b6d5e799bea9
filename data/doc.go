// Package data turns folders of images into batches for training and evaluation.
//
//	DIR/train/CLASS/*.jpg ─ Open ─> Dataset ─ NewLoader ─> Loader ─ Epoch ─> Iterator ─ Next ─> Batch
//
// Folders are read as torchvision.datasets.ImageFolder reads them, crops and resizes are
// torchvision's (v2 of its transforms, on byte tensors), and the class order is the same. A batch is host
// memory: uint8, NHWC, RGB; normalization happens on the device.
//
// The order of an epoch and the augmentation of a sample are functions of the seed, the
// epoch and the sample's index alone: the number of workers changes nothing, and an
// epoch continued at batch b yields what it would have yielded.
//
// No image is silently replaced. One that cannot be read is left out of its batch and
// named in [Batch.Skipped]; what was left out while a folder was listed is named in
// [Dataset.Problems].
//
// A disk or machine that fails is no fault of an image: reading is tried again for two
// seconds, and then a [StorageError] ends the epoch.
//
// Memory: a Batch belongs to its Iterator and is valid until the next call of Next or
// Close. An Iterator holds Prefetch+1 batches and, for each worker, what the largest
// image needs; images above 89,478,485 pixels (Pillow's limit), sides above 65,535 and
// files above 1 GB are refused.
package data
