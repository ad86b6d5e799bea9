package tensorboard

import "depthwise.dev/report"

// stepValues are the scalars of a step. Their tags begin with stepTags.
func stepValues(e report.Step) []Value {
	values := make([]Value, 0, 5)
	values = finite(values, "train/loss", e.Loss, "Loss of the step's images, with its regularization of labels.")
	values = finite(values, "train/top1", e.Top1, "Top-1 accuracy of the step's images, augmented; of multi-label images the fraction of exact matches.")
	values = finite(values, "train/lr", e.LR, "Learning rate of the step.")
	values = finite(values, "train/images_per_second", e.ImagesPerSecond, "Images per second of the step, waiting for images included.")
	if e.GradNorm > 0 {
		values = finite(values, "train/grad_norm", e.GradNorm, "L2 norm of all gradients before clipping.")
	}
	return values
}

// epochValues are the scalars of an epoch, at its last step.
func epochValues(e report.Epoch) []Value {
	values := []Value{Scalar("epoch/number", float64(e.Epoch)).Described("Completed epochs.")}
	values = finite(values, "epoch/train_loss", e.TrainLoss, "Mean training loss of the epoch.")
	values = finite(values, "epoch/train_top1", e.TrainTop1, "Top-1 accuracy on the training images, augmented, during the epoch.")
	values = finite(values, "epoch/images_per_second", e.ImagesPerSecond, "Training images per second, without the validation.")
	values = finite(values, "epoch/data_wait_share", e.DataWaitShare, "Fraction of the training time spent waiting for images.")
	values = finite(values, "epoch/seconds", e.Seconds, "Duration of the epoch with its validation.")
	values = finite(values, "epoch/skipped", float64(e.Skipped), "Images that could not be read.")
	if e.ValImages == 0 {
		return values
	}
	values = append(values, validation("val", "", e.ValLoss, e.ValTop1, e.ValTop5, e.ValMAP)...)
	if e.Averaged {
		values = append(values, validation("ema_val", " of the weight average", e.EMAValLoss, e.EMAValTop1, e.EMAValTop5, e.EMAValMAP)...)
	}
	if e.SWAEpochs > 0 {
		values = append(values, validation("swa_val", " of the average of the last epochs", e.SWAValLoss, e.SWAValTop1, e.SWAValTop5, e.SWAValMAP)...)
	}
	return values
}

// validation are the scalars of a validation.
func validation(group, of string, loss, top1, top5, mAP float64) []Value {
	values := finite(nil, group+"/loss", loss, "Cross entropy on the validation images"+of+".")
	values = finite(values, group+"/top1", top1, "Top-1 accuracy on the validation images"+of+"; of multi-label images the fraction of exact matches.")
	values = finite(values, group+"/top5", top5, "Top-5 accuracy on the validation images"+of+".")
	if mAP > 0 {
		values = finite(values, group+"/map", mAP, "Mean average precision on the validation images"+of+".")
	}
	return values
}
