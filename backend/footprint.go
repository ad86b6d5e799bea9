package backend

import (
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/internal/capacity"
	"depthwise.dev/internal/host"
	"depthwise.dev/models"
)

// Bytes of a batch's pixels on the host, for each value: one as the loader prepares them.
const pixelBytes = 1

// TrainingMemory estimates the host memory of training steps on batches of images, of which slots
// are prepared at the same time. Measured on MobileNet v1 at 224x224 (5.0 million values between the
// layers), an image takes 20.5 MB on the fused backend and 39.3 MB on torch in fp32, and half of that
// in bf16: each value once, and once more as libtorch keeps it before normalization. Of frozen layers nothing is kept.
func (m Machine) TrainingMemory(g *models.Graph, f Frozen, images, slots int) capacity.Need {
	n := m.imageMemory(g, images, slots)
	n.What = "training"
	if m.Device != "cpu" {
		return n
	}
	copies := 2.
	if m.Name() == "fused" {
		copies = 1
	}
	n.PerImage += copies * m.keptBytes(g, f)
	n.Fixed = trainedBytes(g, f)
	return n
}

// keptBytes is the size of the values between the layers that the backward pass needs, for an image.
func (m Machine) keptBytes(g *models.Graph, f Frozen) (bytes float64) {
	for _, l := range g.Layers[min(f.Layers, len(g.Layers)):] {
		bytes += m.valueBytes() * float64(l.Output.Values())
	}
	return bytes
}

// trainedBytes is a lower bound of the size of weights, gradients, and the optimizer's state.
func trainedBytes(g *models.Graph, f Frozen) float64 {
	if f.Layers > 0 {
		return parameterBytes(g)
	}
	return 3 * parameterBytes(g)
}

// InferenceMemory estimates the host memory of evaluation or prediction. The fused backend computes a
// tile at a time; libtorch holds the input and the output of a layer.
func (m Machine) InferenceMemory(g *models.Graph, images, slots int) capacity.Need {
	n := m.imageMemory(g, images, slots)
	n.What = "inference"
	if m.Device != "cpu" {
		return n
	}
	n.Fixed = parameterBytes(g)
	if m.Name() == "fused" {
		return n
	}
	n.PerImage += m.largestLayer(g)
	return n
}

// CheckTraining returns an error if batches of images, of which slots are prepared at the same time, do not fit into the
// memory of the host or, for a GPU, into what is free there.
func (m Machine) CheckTraining(g *models.Graph, f Frozen, images, slots int) error {
	return m.check(m.TrainingMemory(g, f, images, slots), m.deviceTraining(g, f, images))
}

// CheckInference is CheckTraining for evaluation or prediction.
func (m Machine) CheckInference(g *models.Graph, images, slots int) error {
	return m.check(m.InferenceMemory(g, images, slots), m.deviceInference(g, images))
}

// check compares the need of the host and that of a GPU with what there is.
func (m Machine) check(onHost, onDevice capacity.Need) error {
	if err := onHost.Check(); err != nil || m.Place == autograd.CPU {
		return err
	}
	memory, err := autograd.DeviceMemory(m.Place)
	if err != nil {
		return err
	}
	return onDevice.Within(m.deviceBound(memory))
}

// deviceBound is the memory of a GPU that is available to tensors.
func (m Machine) deviceBound(memory autograd.GPUMemory) host.Bound {
	by := fmt.Sprintf("free on %s, %s of %s", m.Device, m.GPU, host.Size(float64(memory.Total)))
	return host.Bound{N: memory.Free + memory.Reserved - memory.Allocated, By: by}
}

// Copies of the values between the layers on a GPU. Training needs at least one, and most likely the output of each convolution, that
// of its activation, and the gradients of a few layers: steps of MobileNet v1 with 256 images in bf16 took 5.48 GB on an H200, 2.1
// copies. Inference needs the input and the output of a layer.
const (
	likelyTrainingCopies  = 2.5
	likelyInferenceCopies = 3
)

// deviceTraining is the memory of training steps on a GPU: a lower bound, and a likely value.
func (m Machine) deviceTraining(g *models.Graph, f Frozen, images int) capacity.Need {
	n := capacity.Need{What: "training", Images: images, Height: g.Input.Height, Width: g.Input.Width, Fixed: trainedBytes(g, f)}
	n.PerImage = max(m.keptBytes(g, f), m.largestLayer(g))
	n.Likely = likelyTrainingCopies * n.PerImage
	return n
}

// deviceInference is likewise that of inference.
func (m Machine) deviceInference(g *models.Graph, images int) capacity.Need {
	n := capacity.Need{What: "inference", Images: images, Height: g.Input.Height, Width: g.Input.Width, Fixed: parameterBytes(g)}
	n.PerImage = m.largestLayer(g)
	n.Likely = likelyInferenceCopies * n.PerImage
	return n
}

// largestLayer is the largest size of the input and the output of a layer together, for an image.
func (m Machine) largestLayer(g *models.Graph) float64 {
	largest, in := 0., float64(g.Input.Values())
	for _, l := range g.Layers {
		out := float64(l.Output.Values())
		largest, in = max(largest, in+out), out
	}
	return largest * m.valueBytes()
}

// imageMemory is that of the pixels alone.
func (m Machine) imageMemory(g *models.Graph, images, slots int) capacity.Need {
	return capacity.Need{Images: images, Height: g.Input.Height, Width: g.Input.Width,
		PerImage: pixelBytes * float64(slots) * float64(g.Input.Values())}
}

// valueBytes is the size of a value between the layers.
func (m Machine) valueBytes() float64 {
	if m.Precision == autograd.FP32 {
		return 4
	}
	return 2
}

func parameterBytes(g *models.Graph) float64 {
	bytes := 0.
	for _, a := range g.Arrays() {
		bytes += 4 * float64(a.Size())
	}
	return bytes
}
