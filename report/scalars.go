package report

// Scalar is a number of a step or an epoch under the name that trackers such as TensorBoard and MLflow show.
type Scalar struct {
	Tag   string // such as val/top1; of single steps it begins with train/, of epochs with epoch/, val/ and the like
	Value float64
	About string
}

// Scalars are the numbers of an event at the step that they belong to; NaN and infinity are left out. Only steps and epochs have some.
func Scalars(e Event) (step int64, list []Scalar) {
	switch e := e.(type) {
	case Step:
		return e.Step, stepScalars(e)
	case Epoch:
		return e.Step, epochScalars(e)
	}
	return 0, nil
}

func addFinite(list []Scalar, tag string, v float64, about string) []Scalar {
	if !finite(v) {
		return list
	}
	return append(list, Scalar{tag, v, about})
}

// stepScalars are the scalars of a step.
func stepScalars(e Step) []Scalar {
	values := make([]Scalar, 0, 5)
	values = addFinite(values, "train/loss", e.Loss, "Loss of the step's images, with its regularization of labels.")
	values = addFinite(values, "train/top1", e.Top1, "Top-1 accuracy of the step's images, augmented; of multi-label images the fraction of exact matches.")
	values = addFinite(values, "train/lr", e.LR, "Learning rate of the step.")
	values = addFinite(values, "train/images_per_second", e.ImagesPerSecond, "Images per second of the step, waiting for images included.")
	if e.GradNorm > 0 {
		values = addFinite(values, "train/grad_norm", e.GradNorm, "L2 norm of all gradients before clipping.")
	}
	if e.LossScale > 0 {
		values = addFinite(values, "train/loss_scale", e.LossScale, "Scale of the loss for gradients in float16.")
	}
	return values
}

// epochScalars are the scalars of an epoch, at its last step.
func epochScalars(e Epoch) []Scalar {
	values := []Scalar{{"epoch/number", float64(e.Epoch), "Completed epochs."}}
	values = addFinite(values, "epoch/train_loss", e.TrainLoss, "Mean training loss of the epoch.")
	values = addFinite(values, "epoch/train_top1", e.TrainTop1, "Top-1 accuracy on the training images, augmented, during the epoch.")
	values = addFinite(values, "epoch/images_per_second", e.ImagesPerSecond, "Training images per second, without the validation.")
	values = addFinite(values, "epoch/data_wait_share", e.DataWaitShare, "Fraction of the training time spent waiting for images.")
	values = addFinite(values, "epoch/seconds", e.Seconds, "Duration of the epoch with its validation.")
	values = addFinite(values, "epoch/skipped", float64(e.Skipped), "Images that could not be read.")
	if e.LossScale > 0 {
		values = append(values, Scalar{"epoch/skipped_updates", float64(e.SkippedUpdates), "Steps whose gradients exceeded float16 and did not change the weights."})
	}
	if e.ValImages == 0 {
		return values
	}
	values = append(values, validationScalars("val", "", e.ValLoss, e.ValTop1, e.ValTop5, e.ValMAP)...)
	if e.Averaged {
		values = append(values, validationScalars("ema_val", " of the weight average", e.EMAValLoss, e.EMAValTop1, e.EMAValTop5, e.EMAValMAP)...)
	}
	if e.SWAEpochs > 0 {
		values = append(values, validationScalars("swa_val", " of the average of the last epochs", e.SWAValLoss, e.SWAValTop1, e.SWAValTop5, e.SWAValMAP)...)
	}
	return values
}

// validationScalars are the scalars of a validation.
func validationScalars(group, of string, loss, top1, top5, mAP float64) []Scalar {
	values := addFinite(nil, group+"/loss", loss, "Cross entropy on the validation images"+of+".")
	values = addFinite(values, group+"/top1", top1, "Top-1 accuracy on the validation images"+of+"; of multi-label images the fraction of exact matches.")
	if mAP > 0 {
		return addFinite(values, group+"/map", mAP, "Mean average precision on the validation images"+of+".")
	}
	return addFinite(values, group+"/top5", top5, "Top-5 accuracy on the validation images"+of+".")
}
