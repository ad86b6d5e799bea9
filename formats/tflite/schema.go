package tflite

// The values and field numbers of TensorFlow Lite's schema that are written, under its names:
// https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs

// fileIdentifier are bytes 4 to 7 of a file, and schemaVersion is the version that they stand for.
const (
	fileIdentifier = "TFL3"
	schemaVersion  = 3
)

// code is a BuiltinOperator. All of them are below 127, so that the older field for it holds them too.
type code int8

const (
	opAdd             code = 0
	opConv2D          code = 3
	opDepthwiseConv2D code = 4
	opDequantize      code = 6
	opFullyConnected  code = 9
	opMaxPool2D       code = 17
	opMul             code = 18
	opReLU            code = 19
	opReLU6           code = 21
	opReshape         code = 22
	opPad             code = 34
	opTranspose       code = 39
	opMean            code = 40
	opCast            code = 53
	opPadV2           code = 60
)

// optionsOf has the member of the union BuiltinOptions of each operator that has options.
var optionsOf = map[code]byte{
	opConv2D: 1, opDepthwiseConv2D: 2, opMaxPool2D: 5, opFullyConnected: 8, opAdd: 11, opReshape: 17, opMul: 21, opPad: 22,
	opTranspose: 26, opMean: 27, opCast: 37, opDequantize: 38, opPadV2: 43,
}

// Versions of operators: the first ones with what is used. A runtime refuses a version that it does not know. TensorFlow
// 2.9.0 and 1.15.0 have the two above 1, 1.9.0 all others:
// https://github.com/tensorflow/tensorflow/blob/master/tensorflow/lite/tools/versioning/runtime_version.cc
const (
	versionGroups     = 6 // of Conv2D: several groups
	versionDequantize = 3 // of Dequantize: float16
	versionOtherwise  = 1
)

// elementType is a TensorType.
type elementType int8

const (
	typeFloat32 elementType = 0
	typeFloat16 elementType = 1
	typeInt32   elementType = 2
	typeUint8   elementType = 3
)

// scheme is a Padding.
type scheme int8

const (
	schemeSame  scheme = 0
	schemeValid scheme = 1
)

// activation is an ActivationFunctionType, which an operator applies to its result.
type activation int8

const (
	activationNone  activation = 0
	activationReLU  activation = 1
	activationReLU6 activation = 3
)

// Field numbers of the options' tables. Fields that are left out have their defaults, such as a dilation of 1.
const (
	convPadding, convStrideWidth, convStrideHeight = 0, 1, 2 // of pools too
	convActivation                                 = 3
	depthwiseMultiplier, depthwiseActivation       = 3, 4
	poolWidth, poolHeight, poolActivation          = 3, 4, 5
	denseActivation                                = 0 // of FullyConnected, Add and Mul
	castFrom, castTo                               = 0, 1
)
