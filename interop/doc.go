// Package interop opens exports with the programs that they are for: timm, torchvision, Transformers, Keras, ONNX Runtime,
// OpenVINO, LiteRT and others, and compares their logits with ours. "make interop" runs it.
//
// The package itself prepares a Python environment with pinned versions ([Environment]), runs the scripts in clients/ in it
// ([Client]) and compares ([Compare]). What is exported, with which options, and who opens it, are the rows of a table in a
// test with the build tag interop (rows_test.go).
//
// Each clients/client_NAME.py works by itself too:
//
//	python clients/client_NAME.py MODEL INPUT.npy OUTPUT.npy
//
// INPUT.npy holds float32 (N, C, H, W), normalized, or uint8 (N, H, W, 3) for exports that normalize. The script writes the
// logits, float32 (N, classes), to OUTPUT.npy and prints a JSON object, see [Answer].
package interop
