// Compiles the sources of cuda/kernels at run time.
#pragma once
#include <map>
#include <string>
#include <vector>

namespace depthwise::cuda {

// The name of a kernel, or of a variant of a template, in C++: "depthwise::cuda::moments<depthwise::cuda::bf16>".
inline std::string kernel_name(const std::string &kernel) { return "depthwise::cuda::" + kernel; }
inline std::string kernel_name(const std::string &kernel, const std::string &type) {
  return kernel_name(kernel) + "<" + (type == "float" ? type : kernel_name(type)) + ">";
}
inline std::string kernel_name(const std::string &kernel, const std::string &type, int size, int stride) {
  std::string name = kernel_name(kernel, type);
  name.pop_back();
  return name + ", " + std::to_string(size) + ", " + std::to_string(stride) + ">";
}

// The kernels in programs that are compiled together, as a network needs them together: those of a storage type, the
// depthwise ones of a window's size apart.
const std::vector<std::vector<std::string>> &programs();

// A program in machine code: a cubin, or PTX, which the driver compiles, where NVRTC is older than the GPU.
struct Compiled {
  std::string code;
  std::map<std::string, std::string> symbols; // of each kernel's name
};

// Compiles kernels for GPUs of a compute capability (90: Hopper). Throws where there is no NVRTC.
Compiled compile_kernels(const std::vector<std::string> &names, int capability);

constexpr const char *kWithoutNvrtc = "the CUDA kernels need NVRTC (libnvrtc.so.13 or libnvrtc.so.12), which PyTorch's "
                                      "packages have; install it, or use --backend torch";

// Whether NVRTC can be loaded.
bool has_nvrtc();

} // namespace depthwise::cuda
