package report

// top1Name names what counts as correct: of multi-label data, images whose classes are all predicted, and no other.
func top1Name(multiLabel bool) string {
	if multiLabel {
		return "exact "
	}
	return "top-1 "
}

// mapFields are the fields of the validation of multi-label data.
func mapFields(e Epoch) []string {
	fields := []string{"val loss " + number(e.ValLoss), "val mAP " + percent(e.ValMAP), "val exact " + percent(e.ValTop1)}
	if e.Averaged {
		fields = append(fields, "ema loss "+number(e.EMAValLoss), "ema mAP "+percent(e.EMAValMAP),
			"ema exact "+percent(e.EMAValTop1))
	}
	return fields
}
