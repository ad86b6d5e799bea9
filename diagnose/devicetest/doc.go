// Package devicetest tests a compute device, such as a GPU: what is computed there is compared with the CPU. It has tests only, in
// one package so that one binary holds them for a machine without Go (scripts/gpu_pack.sh).
//
// DEPTHWISE_TEST_DEVICE names the device, as --device does; the default is cpu, so that the tests always run. A device that is
// named and missing fails them.
package devicetest
