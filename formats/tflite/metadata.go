package tflite

import (
	"depthwise.dev/formats/deploy"
	"strings"

	flatbuffers "github.com/google/flatbuffers/go"
)

// The metadata that Android's Task Library, MediaPipe and the code generator of Android Studio read: a FlatBuffer of its
// own in a buffer of the model, with fields and values under the names of
// https://github.com/tensorflow/tflite-support/blob/master/tensorflow_lite_support/metadata/metadata_schema.fbs

const (
	metadataIdentifier = "M001"
	metadataParser     = "1.0.0" // the first version of readers; all fields below are that old
)

const (
	fileOfAxisLabels     = 2 // AssociatedFileType.TENSOR_AXIS_LABELS
	contentFeatures      = 1 // ContentProperties.FeatureProperties
	contentImage         = 2 // ContentProperties.ImageProperties
	colorRGB             = 1 // ColorSpaceType.RGB
	unitOfNormalization  = 1 // ProcessUnitOptions.NormalizationOptions
	tensorMetadataFields = 7
)

// modelMetadata describes input, output and license. Networks of other than 3 channels take no images, and theirs are described
// by names alone.
func modelMetadata(n deploy.Network, o Options, license string) []byte {
	e := encoder{flatbuffers.NewBuilder(1 << 10)}
	var image, features, units, files flatbuffers.UOffsetT
	if n.Input.Channels == 3 {
		image = e.imageContent(n)
	}
	if !o.Uint8Input && deploy.CheckPixels(n.Input, n.Preprocess) == nil {
		units = e.normalization(n)
	}
	e.StartObject(0)
	features = e.content(contentFeatures, e.EndObject())
	if len(n.Classes) > 0 {
		files = e.labels()
	}
	input := e.tensorMetadata(inputName, "RGB image", image, units, 0)
	output := e.tensorMetadata(outputName, "logits, in the order of "+labelsFile, features, 0, files)
	inputs := e.CreateVectorOfTables([]flatbuffers.UOffsetT{input})
	outputs := e.CreateVectorOfTables([]flatbuffers.UOffsetT{output})
	e.StartObject(4)
	e.PrependUOffsetTSlot(2, inputs, 0)
	e.PrependUOffsetTSlot(3, outputs, 0)
	subgraphs := e.CreateVectorOfTables([]flatbuffers.UOffsetT{e.EndObject()})
	name, parser, terms := e.CreateString(strings.ToValidUTF8(n.Name, "\uFFFD")), e.CreateString(metadataParser), flatbuffers.UOffsetT(0)
	if license != "" {
		terms = e.CreateString(license)
	}
	e.StartObject(8)
	e.PrependUOffsetTSlot(0, name, 0)
	e.PrependUOffsetTSlot(3, subgraphs, 0)
	e.PrependUOffsetTSlot(5, terms, 0)
	e.PrependUOffsetTSlot(7, parser, 0)
	e.FinishWithFileIdentifier(e.EndObject(), []byte(metadataIdentifier))
	return e.FinishedBytes()
}

// tensorMetadata writes a TensorMetadata. Offsets of 0 are left out.
func (e encoder) tensorMetadata(name, description string, content, units, files flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	title, text := e.CreateString(name), e.CreateString(description)
	e.StartObject(tensorMetadataFields)
	e.PrependUOffsetTSlot(0, title, 0)
	e.PrependUOffsetTSlot(1, text, 0)
	e.PrependUOffsetTSlot(3, content, 0)
	e.PrependUOffsetTSlot(4, units, 0)
	e.PrependUOffsetTSlot(6, files, 0)
	return e.EndObject()
}

// imageContent writes a Content: an image of the network's size.
func (e encoder) imageContent(n deploy.Network) flatbuffers.UOffsetT {
	e.StartObject(2)
	e.PrependUint32Slot(0, uint32(n.Input.Width), 0)
	e.PrependUint32Slot(1, uint32(n.Input.Height), 0)
	size := e.EndObject()
	e.StartObject(2)
	e.PrependInt8Slot(0, colorRGB, 0)
	e.PrependUOffsetTSlot(1, size, 0)
	return e.content(contentImage, e.EndObject())
}

func (e encoder) content(kind byte, properties flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	e.StartObject(3)
	e.PrependByteSlot(0, kind, 0)
	e.PrependUOffsetTSlot(1, properties, 0)
	return e.EndObject()
}

// normalization writes the list of one ProcessUnit, (pixel - mean) / std with pixels of 0 to 255.
func (e encoder) normalization(n deploy.Network) flatbuffers.UOffsetT {
	mean, std := make([]float32, 3), make([]float32, 3)
	for i := range 3 {
		mean[i], std[i] = float32(255*n.Preprocess.Mean[i]), float32(255*n.Preprocess.Std[i])
	}
	means, stds := e.float32s(mean), e.float32s(std)
	e.StartObject(2)
	e.PrependUOffsetTSlot(0, means, 0)
	e.PrependUOffsetTSlot(1, stds, 0)
	options := e.EndObject()
	e.StartObject(2)
	e.PrependByteSlot(0, unitOfNormalization, 0)
	e.PrependUOffsetTSlot(1, options, 0)
	return e.CreateVectorOfTables([]flatbuffers.UOffsetT{e.EndObject()})
}

// labels writes the list of one AssociatedFile, the class names.
func (e encoder) labels() flatbuffers.UOffsetT {
	name, description := e.CreateString(labelsFile), e.CreateString("class names, one per line")
	e.StartObject(5)
	e.PrependUOffsetTSlot(0, name, 0)
	e.PrependUOffsetTSlot(1, description, 0)
	e.PrependInt8Slot(2, fileOfAxisLabels, 0)
	return e.CreateVectorOfTables([]flatbuffers.UOffsetT{e.EndObject()})
}
