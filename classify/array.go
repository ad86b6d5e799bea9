package classify

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"depthwise.dev/checkpoints"
	"gorgonia.org/tensor"
)

// readBatch reads a float32 array of shape (N, 3, H, W) of finite values.
func readBatch(path string) (pixels []float32, shape []int, err error) {
	d, err := checkpoints.ReadNPY(path)
	if err != nil {
		return nil, nil, err
	}
	shape = d.Shape()
	if d.Dtype() != tensor.Float32 {
		return nil, nil, fmt.Errorf("classify: %s holds %v: must be float32, normalized as in training; in NumPy: x.astype(numpy.float32)", path, d.Dtype())
	}
	if len(shape) != 4 || shape[1] != 3 || slices.Min(shape) < 1 {
		return nil, nil, fmt.Errorf("classify: %s: its shape is %v: must be (N, 3, H, W)%s", path, shape, transpose(shape))
	}
	pixels, err = checkpoints.Values[float32](checkpoints.Array{Name: path, Data: d})
	if err != nil {
		return nil, nil, fmt.Errorf("classify: %s: %w", path, err)
	}
	for i, v := range pixels {
		if x := float64(v); math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, nil, fmt.Errorf("classify: %s: the value at index %s is %v: all values must be finite", path, index(i, shape), v)
		}
	}
	return pixels, shape, nil
}

// transpose suggests how to convert images in another layout.
func transpose(shape []int) string {
	switch {
	case len(shape) == 4 && shape[3] == 3:
		return "; in NumPy: x.transpose(0, 3, 1, 2)"
	case len(shape) == 3 && shape[0] == 3:
		return "; in NumPy: x[None]"
	case len(shape) == 3 && shape[2] == 3:
		return "; in NumPy: x.transpose(2, 0, 1)[None]"
	}
	return ""
}

// index is the position of the i-th value of a row-major array, as NumPy writes it.
func index(i int, shape []int) string {
	at := make([]int, len(shape))
	for axis := len(shape) - 1; axis >= 0; axis-- {
		at[axis], i = i%shape[axis], i/shape[axis]
	}
	return strings.ReplaceAll(fmt.Sprint(at), " ", ", ")
}
