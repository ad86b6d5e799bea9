package backend

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nlpodyssey/gopickle/pytorch"
	"github.com/nlpodyssey/gopickle/types"
	"github.com/scigolib/hdf5"

	"depthwise.dev/checkpoints"
	"depthwise.dev/models"
)

// readPeer reads a weight file of another library. The names are those given, unless the format has others.
func readPeer(t *testing.T, path string, names func(*models.Graph, models.Layer) peerNames) (map[string]peerArray, func(*models.Graph, models.Layer) peerNames) {
	t.Helper()
	switch {
	case strings.HasSuffix(path, ".safetensors"):
		return readSafetensors(t, path), names
	case strings.HasSuffix(path, ".pth"):
		return readPickle(t, path), names
	case strings.HasSuffix(path, ".keras"):
		return readPeer(t, unzip(t, path, "model.weights.h5"), names)
	case strings.HasSuffix(path, ".weights.h5"):
		weights := readHDF5(t, path)
		_, dense := weights["dense/kernel"]
		return weights, func(g *models.Graph, l models.Layer) peerNames {
			if l.Kind == models.KindLinear && !dense { // the head of keras.applications.MobileNet is a convolution
				return autoNames(g, models.Layer{Kind: models.KindConv, Name: l.Name, Groups: 1})
			}
			return autoNames(g, l)
		}
	}
	return readHDF5(t, path), names
}

func readSafetensors(t *testing.T, path string) map[string]peerArray {
	t.Helper()
	file, err := checkpoints.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	weights := map[string]peerArray{}
	for _, a := range file.Arrays {
		if strings.HasSuffix(a.Name, counter) {
			continue
		}
		v, err := checkpoints.Values[float32](a)
		if err != nil {
			t.Fatal(err)
		}
		weights[a.Name] = peerArray{v, a.Data.Shape()}
	}
	return weights
}

// readPickle reads a state dict of torch.save, zip or legacy.
func readPickle(t *testing.T, path string) map[string]peerArray {
	t.Helper()
	object, err := pytorch.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	entries := map[any]any{}
	switch dict := object.(type) {
	case *types.OrderedDict:
		for key, entry := range dict.Map {
			entries[key] = entry.Value
		}
	case *types.Dict:
		for _, entry := range *dict {
			entries[entry.Key] = entry.Value
		}
	default:
		t.Fatalf("%s holds %T", path, object)
	}
	weights := map[string]peerArray{}
	for key, value := range entries {
		tensor, ok := value.(*pytorch.Tensor)
		if !ok {
			t.Fatalf("%s: %v is %T", path, key, value)
		}
		storage, ok := tensor.Source.(*pytorch.FloatStorage)
		if !ok {
			continue // a batch counter
		}
		n := 1
		for i := len(tensor.Size) - 1; i >= 0; i-- {
			if tensor.Stride[i] != n && tensor.Size[i] > 1 {
				t.Fatalf("%s: %v has strides %v", path, key, tensor.Stride)
			}
			n *= tensor.Size[i]
		}
		weights[fmt.Sprint(key)] = peerArray{storage.Data[tensor.StorageOffset : tensor.StorageOffset+n], tensor.Size}
	}
	return weights
}

// readHDF5 reads Keras' arrays as LAYER/KIND, of whole models ("model_weights/conv1/conv1/kernel") and of weights alone
// ("layers/conv2d/vars/0").
func readHDF5(t *testing.T, path string) map[string]peerArray {
	t.Helper()
	file, err := hdf5.Open(path)
	if err != nil && strings.Contains(err.Error(), "non-leaf B-tree nodes not supported") {
		t.Skipf("%s: the HDF5 reader does not know groups of so many members; the other files of the case have the same weights: %v", path, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	weights := map[string]peerArray{}
	file.Walk(func(name string, object hdf5.Object) {
		dataset, ok := object.(*hdf5.Dataset)
		if !ok {
			return
		}
		parts := strings.Split(strings.Trim(name, "/"), "/")
		layer, kind := parts[len(parts)-2], parts[len(parts)-1]
		switch {
		case slices.Contains(parts, "optimizer_weights"), slices.Contains(parts, "seed_generator"), kind == "seed_generator_state":
			return
		case layer == "vars":
			layer = parts[len(parts)-3]
			place := strings.Index("0123", kind)
			if kind = "kernel"; place == 1 {
				kind = "bias"
			}
			if strings.HasPrefix(layer, "batch_normalization") {
				kind = []string{"gamma", "beta", "moving_mean", "moving_variance"}[place]
			}
		}
		values, err := dataset.Read()
		if err != nil {
			t.Fatalf("%s: %s: %v", filepath.Base(path), name, err)
		}
		v := make([]float32, len(values))
		for i, x := range values {
			v[i] = float32(x)
		}
		weights[layer+"/"+kind] = peerArray{values: v}
	})
	return weights
}
