//go:build ignore

// Compilation of the kernels by NVRTC, the compiler library that libtorch with CUDA brings. So set-up needs no CUDA
// toolkit, and the kernels are compiled for the GPU that is there.
#include "cuda/nvrtc.h"
#include "cuda_layer.h"
#include "tensors/guard.h"
#include <algorithm>
#include <c10/util/Exception.h>
#include <dlfcn.h>

// The texts below are part of this file: set-up compiles it again when one changes.
#if 0
#include "cuda/kernels/all.h"
#endif

// Embeds a header as text. Paths are those of #include lines, relative to autograd/native, where set-up compiles.
#if defined(__ELF__)
#define DW_SECTION ".section .rodata\n"
#define DW_PREVIOUS ".previous\n"
#define DW_NAME(id) "dw_kernel_text_" #id
#else
#define DW_SECTION ".const_data\n"
#define DW_PREVIOUS ".text\n"
#define DW_NAME(id) "_dw_kernel_text_" #id
#endif
#define DW_EMBED(id, path)                                                                                             \
  __asm__(DW_SECTION DW_NAME(id) ":\n.incbin \"" path "\"\n.byte 0\n" DW_PREVIOUS);                                    \
  extern "C" __attribute__((visibility("hidden"))) const char dw_kernel_text_##id[];
#define DW_KERNEL_FILES(X)                                                                                             \
  X(activate, "cuda/kernels/activate.h")                                                                               \
  X(all, "cuda/kernels/all.h")                                                                                         \
  X(depthwise, "cuda/kernels/depthwise.h")                                                                             \
  X(depthwise_backward, "cuda/kernels/depthwise_backward.h")                                                           \
  X(images, "cuda/kernels/images.h")                                                                                   \
  X(moments, "cuda/kernels/moments.h")                                                                                 \
  X(norm_backward, "cuda/kernels/norm_backward.h")                                                                     \
  X(patches, "cuda/kernels/patches.h")                                                                                 \
  X(ranks, "cuda/kernels/ranks.h")                                                                                     \
  X(reduce, "cuda/kernels/reduce.h")                                                                                   \
  X(rows, "cuda/kernels/rows.h")                                                                                       \
  X(shapes, "cuda/kernels/shapes.h")                                                                                   \
  X(strips, "cuda/kernels/strips.h")                                                                                   \
  X(tiles, "cuda/kernels/tiles.h")                                                                                     \
  X(types, "cuda/kernels/types.h")
DW_KERNEL_FILES(DW_EMBED)

namespace {

struct File {
  const char *name, *text;
};
const File files[] = {
#define DW_ROW(id, path) {path, dw_kernel_text_##id},
    DW_KERNEL_FILES(DW_ROW)
#undef DW_ROW
};

// What is used of nvrtc.h, which is stable since CUDA 11.2.
using Result = int;
using Program = struct _nvrtcProgram *;
struct Nvrtc {
  const char *(*error_string)(Result);
  Result (*create)(Program *, const char *source, const char *name, int headers, const char *const *texts,
                   const char *const *names);
  Result (*destroy)(Program *);
  Result (*version)(int *major, int *minor);
  Result (*add)(Program, const char *name);
  Result (*lowered)(Program, const char *name, const char **symbol);
  Result (*compile)(Program, int options, const char *const *);
  Result (*log_size)(Program, size_t *);
  Result (*log)(Program, char *);
  Result (*cubin_size)(Program, size_t *);
  Result (*cubin)(Program, char *);
  Result (*ptx_size)(Program, size_t *);
  Result (*ptx)(Program, char *);
  Result (*architectures)(int *);
  Result (*architecture_list)(int *);
};

// The folder of a library that is loaded already and has the symbol; "" if none has.
std::string folder_of(const char *symbol) {
  Dl_info info;
  void *at = dlsym(RTLD_DEFAULT, symbol);
  if (!at || !dladdr(at, &info) || !info.dli_fname) return "";
  std::string path = info.dli_fname;
  return path.substr(0, path.find_last_of('/') + 1);
}

// NVRTC and the folder that it was found in; "" where the loader's path has it.
struct Library {
  void *handle = nullptr;
  std::string folder;
};

// Opens NVRTC: beside libtorch's own CUDA libraries, where PyTorch's packages have it (CUDA 13 has one folder, 12 a
// folder for each library), or by the loader's path.
Library open_nvrtc() {
  std::vector<std::string> folders{""};
  const std::string cudart = folder_of("cudaGetDeviceCount");
  if (!cudart.empty()) folders = {cudart, cudart + "../../cuda_nvrtc/lib/", ""};
  for (const char *name : {"libnvrtc.so.13", "libnvrtc.so.12"})
    for (const std::string &folder : folders)
      if (void *handle = dlopen((folder + name).c_str(), RTLD_NOW | RTLD_LOCAL)) return {handle, folder};
  return {};
}

template <class Function> void take(void *library, const char *name, Function &to) {
  to = reinterpret_cast<Function>(dlsym(library, name));
  TORCH_CHECK(to, "libnvrtc has no function ", name, "; use --backend torch, or a PyTorch with CUDA 12 or later");
}

// NVRTC opens a second library by its name alone, which the loader knows only if it is loaded.
void open_builtins(const Nvrtc &n, const std::string &folder) {
  int major = 0, minor = 0;
  if (n.version(&major, &minor) != 0) return;
  const std::string name = "libnvrtc-builtins.so." + std::to_string(major) + "." + std::to_string(minor);
  dlopen((folder + name).c_str(), RTLD_NOW | RTLD_GLOBAL); // without it, compilation says what it lacks
}

const Nvrtc *nvrtc() {
  static const Nvrtc *loaded = []() -> const Nvrtc * {
    const Library opened = open_nvrtc();
    void *library = opened.handle;
    if (!library) return nullptr;
    static Nvrtc n;
    take(library, "nvrtcGetErrorString", n.error_string);
    take(library, "nvrtcCreateProgram", n.create);
    take(library, "nvrtcDestroyProgram", n.destroy);
    take(library, "nvrtcVersion", n.version);
    take(library, "nvrtcAddNameExpression", n.add);
    take(library, "nvrtcGetLoweredName", n.lowered);
    take(library, "nvrtcCompileProgram", n.compile);
    take(library, "nvrtcGetProgramLogSize", n.log_size);
    take(library, "nvrtcGetProgramLog", n.log);
    take(library, "nvrtcGetCUBINSize", n.cubin_size);
    take(library, "nvrtcGetCUBIN", n.cubin);
    take(library, "nvrtcGetPTXSize", n.ptx_size);
    take(library, "nvrtcGetPTX", n.ptx);
    take(library, "nvrtcGetNumSupportedArchs", n.architectures);
    take(library, "nvrtcGetSupportedArchs", n.architecture_list);
    open_builtins(n, opened.folder);
    return &n;
  }();
  return loaded;
}

void check(const Nvrtc &n, Result r, const char *what) {
  TORCH_CHECK(r == 0, "NVRTC: ", what, ": ", n.error_string(r), "; use --backend torch");
}

// A program, destroyed at the end.
class Compilation {
public:
  explicit Compilation(const Nvrtc &n) : n_(n) {
    std::vector<const char *> texts, names;
    for (const File &f : files) {
      texts.push_back(f.text);
      names.push_back(f.name);
    }
    check(n,
          n.create(&program_, "#include \"cuda/kernels/all.h\"\n", "depthwise.cu", int(texts.size()), texts.data(),
                   names.data()),
          "create a program");
  }
  ~Compilation() { n_.destroy(&program_); }
  Compilation(const Compilation &) = delete;

  void compile(const std::vector<std::string> &names, const std::vector<std::string> &options) {
    for (const std::string &name : names) check(n_, n_.add(program_, name.c_str()), name.c_str());
    std::vector<const char *> list;
    for (const std::string &o : options) list.push_back(o.c_str());
    const Result r = n_.compile(program_, int(list.size()), list.data());
    TORCH_CHECK(r == 0, "NVRTC cannot compile the kernels: ", n_.error_string(r), "; use --backend torch\n", log());
  }
  std::string symbol(const std::string &name) {
    const char *text = nullptr;
    check(n_, n_.lowered(program_, name.c_str(), &text), name.c_str());
    return text;
  }
  std::string cubin() { return get(n_.cubin_size, n_.cubin); }
  std::string ptx() { return get(n_.ptx_size, n_.ptx); }

private:
  std::string log() { return get(n_.log_size, n_.log); }
  std::string get(Result (*size)(Program, size_t *), Result (*copy)(Program, char *)) {
    size_t bytes = 0;
    check(n_, size(program_, &bytes), "size of a result");
    std::string text(bytes, '\0');
    check(n_, copy(program_, text.data()), "copy a result");
    return text;
  }

  const Nvrtc &n_;
  Program program_ = nullptr;
};

// The newest architecture that NVRTC compiles for.
int newest_architecture(const Nvrtc &n) {
  int count = 0;
  check(n, n.architectures(&count), "number of architectures");
  std::vector<int> list(count);
  check(n, n.architecture_list(list.data()), "architectures");
  return list.empty() ? 0 : *std::max_element(list.begin(), list.end());
}

} // namespace

namespace depthwise::cuda {

bool has_nvrtc() { return nvrtc() != nullptr; }

const std::vector<std::vector<std::string>> &programs() {
  static const auto list = [] {
    std::vector<std::vector<std::string>> all;
    all.push_back(
        {kernel_name("moments_finish"), kernel_name("norm_backward_finish"), kernel_name("depthwise_backward_finish")});
    all.push_back(
        {kernel_name("rank_sums"), kernel_name("moments_finish_ranks"), kernel_name("norm_backward_finish_ranks")});
    for (const char *type : {"float", "bf16"}) {
      all.emplace_back();
      for (const char *kernel :
           {"moments", "scale_activate", "norm_backward_sums", "norm_backward", "normalize_images", "patches"})
        all.back().push_back(kernel_name(kernel, type));
      for (int size : {3, 5}) {
        all.emplace_back();
        for (const char *kernel : {"depthwise_forward", "depthwise_backward", "depthwise_inference"})
          for (int stride : {1, 2}) all.back().push_back(kernel_name(kernel, type, size, stride));
      }
    }
    return all;
  }();
  return list;
}

Compiled compile_kernels(const std::vector<std::string> &names, int capability) {
  const Nvrtc *n = nvrtc();
  TORCH_CHECK(n, kWithoutNvrtc);
  const int newest = newest_architecture(*n);
  const bool known = capability <= newest;
  Compilation c(*n);
  c.compile(names, {(known ? "--gpu-architecture=sm_" : "--gpu-architecture=compute_") +
                        std::to_string(std::min(capability, newest)),
                    "--std=c++17"});
  Compiled r{known ? c.cubin() : c.ptx(), {}};
  for (const std::string &name : names) r.symbols[name] = c.symbol(name);
  return r;
}

} // namespace depthwise::cuda

dw_error dw_cuda_compile(int64_t *bytes, int *found, int capability) {
  return depthwise::guard([&] {
    *found = depthwise::cuda::has_nvrtc();
    *bytes = 0;
    if (!*found) return;
    for (const auto &names : depthwise::cuda::programs())
      *bytes += int64_t(depthwise::cuda::compile_kernels(names, capability).code.size());
  });
}
