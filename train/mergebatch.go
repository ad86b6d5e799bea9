package train

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"depthwise.dev/data"
)

// evaluatedPart is what a rank has evaluated of a batch, beside its logits.
type evaluatedPart struct {
	Samples []int
	Skipped []data.Problem
}

// merge returns the function that puts the parts of a validation batch together that ranks have evaluated, in the order of one
// process; nil of one process. So all ranks score the same images and decide the same.
func (r *run) merge() func(*data.Batch, []float32) (*data.Batch, []float32, error) {
	if !r.ranks.several() {
		return nil
	}
	return func(b *data.Batch, logits []float32) (*data.Batch, []float32, error) {
		return r.mergeBatch(r.images.val, b, logits)
	}
}

// mergeBatch puts the parts of a batch together. values are numbers for each image, such as logits.
func (r *run) mergeBatch(set *data.Dataset, b *data.Batch, values []float32) (*data.Batch, []float32, error) {
	part, err := json.Marshal(evaluatedPart{b.Samples, b.Skipped})
	if err != nil {
		return nil, nil, fmt.Errorf("train: %w", err)
	}
	message := binary.LittleEndian.AppendUint64(nil, uint64(len(part)))
	message = append(message, part...)
	if message, err = binary.Append(message, binary.LittleEndian, values); err != nil {
		return nil, nil, fmt.Errorf("train: %w", err)
	}
	all, err := r.ranks.Gather(message)
	if err != nil {
		return nil, nil, err
	}
	merged, list := &data.Batch{Index: b.Index, Lambda: 1}, []float32(nil)
	for rank, message := range all {
		if list, err = addPart(set, merged, list, message); err != nil {
			return nil, nil, fmt.Errorf("train: what rank %d has sent: %w", rank, err)
		}
	}
	return merged, list, nil
}

// addPart adds the message of a rank to a batch and its values.
func addPart(set *data.Dataset, b *data.Batch, values []float32, message []byte) ([]float32, error) {
	if len(message) < 8 {
		return nil, fmt.Errorf("a message of %d bytes", len(message))
	}
	n := binary.LittleEndian.Uint64(message)
	message = message[8:]
	if n > uint64(len(message)) || (uint64(len(message))-n)%4 != 0 {
		return nil, fmt.Errorf("a message of %d bytes with %d bytes of JSON", len(message), n)
	}
	var part evaluatedPart
	if err := json.Unmarshal(message[:n], &part); err != nil {
		return nil, err
	}
	own := make([]float32, (len(message)-int(n))/4)
	if err := binary.Read(bytes.NewReader(message[n:]), binary.LittleEndian, own); err != nil {
		return nil, err
	}
	for _, sample := range part.Samples {
		if sample < 0 || sample >= set.Len() {
			return nil, fmt.Errorf("image %d of %d", sample, set.Len())
		}
		if set.MultiLabel {
			b.Targets = set.AppendTargets(b.Targets, set.Samples[sample])
		} else {
			b.Labels = append(b.Labels, int64(set.Samples[sample].Class))
		}
	}
	b.Samples, b.Skipped, b.N = append(b.Samples, part.Samples...), append(b.Skipped, part.Skipped...), b.N+len(part.Samples)
	return append(values, own...), nil
}
