//go:build ignore

// The C face of the trunk for inference.
#include "fused_bind.h"
#include "fused_inference.h"
#include "node.h"
#include <ATen/Parallel.h>
#include <cstring>

using depthwise::tensor;
using depthwise::tensors;
using namespace depthwise::fused;

namespace {

at::Tensor &bytes_of(dw_tensor t) { return *static_cast<at::Tensor *>(t); }

InferenceSettings settings(const dw_trunk &t) { return {&kernel_set(t.bf16), at::get_num_threads(), float(t.cap)}; }

// Makes t hold n bytes or more; what it held is lost.
void provide(at::Tensor &t, size_t n) {
  if (size_t(t.numel()) < n)
    t = bytes(n);
}

void fold(at::Tensor &folded, const dw_trunk &t, const std::vector<at::Tensor> &parameters, const std::vector<at::Tensor> &statistics) {
  TORCH_CHECK(t.n > 0, "fused kernels: no layers");
  check_layers(t, 1, t.layers[0].height, t.layers[0].width);
  Bound bound = bind_layers(t, 1, parameters, statistics);
  Inference inference(bound.layers, settings(t));
  provide(folded, inference.folded_bytes());
  at::Tensor scratch = bytes(inference.fold_scratch_bytes());
  inference.fold(start(folded), start(scratch));
}

// Makes copy hold the values of the statistics, one after another, and tells whether it held them before.
bool remember(at::Tensor &copy, const std::vector<at::Tensor> &statistics) {
  size_t all = 0;
  for (const at::Tensor &s : statistics) {
    check_statistic(s);
    all += s.nbytes();
  }
  bool same = size_t(copy.numel()) == all;
  if (!same)
    copy = bytes(all);
  char *to = start(copy);
  for (const at::Tensor &s : statistics) {
    same = same && memcmp(to, s.const_data_ptr(), s.nbytes()) == 0;
    if (!same)
      memcpy(to, s.const_data_ptr(), s.nbytes());
    to += s.nbytes();
  }
  return same;
}

Inference inference_of(const dw_trunk &t, int64_t images) {
  std::vector<Layer> layers;
  for (int i = 0; i < t.n; i++) {
    const dw_layer &l = t.layers[i];
    layers.push_back({Kind(l.kind), l.in, l.out, window(l, images), nullptr, nullptr, {}});
  }
  return Inference(std::move(layers), settings(t));
}

// Features of images of the layers' size.
at::Tensor infer(const dw_trunk &t, const at::Tensor &folded, at::Tensor &workspace, const Images &x, InferTimes *times) {
  check_layers(t, x.n, x.height, x.width);
  Inference inference = inference_of(t, x.n);
  TORCH_CHECK(size_t(folded.numel()) == inference.folded_bytes(), "fused kernels: the folded weights are those of another trunk");
  provide(workspace, inference.workspace_bytes());
  at::Tensor features = at::empty({x.n, t.layers[t.n - 1].out}, at::kFloat);
  inference.forward(start(folded), start(workspace), x.input, features.data_ptr<float>(), times);
  computed_layers += t.n;
  return features;
}

} // namespace

dw_error dw_trunk_fold(dw_tensor folded, const dw_trunk *t, const dw_tensor *parameters, int n_parameters, const dw_tensor *statistics,
                       int n_statistics) {
  return depthwise::guard([&] { fold(bytes_of(folded), *t, tensors(parameters, n_parameters), tensors(statistics, n_statistics)); });
}

dw_error dw_trunk_infer(dw_tensor *features, const dw_trunk *t, dw_tensor folded, dw_tensor workspace, dw_tensor x, const dw_pixels *pixels,
                        double *seconds) {
  return depthwise::guard([&] {
    at::Tensor &work = bytes_of(workspace);
    InferTimes times;
    *features = new at::Tensor(infer(*t, tensor(folded), work, x ? images_of(tensor(x)) : images_of(*pixels), seconds ? &times : nullptr));
    if (!seconds)
      return;
    seconds[0] = times.waiting;
    seconds[1] = times.pool;
    std::copy(times.layers.begin(), times.layers.end(), seconds + 2);
  });
}

dw_error dw_versions(int64_t *versions, const dw_tensor *xs, int n) {
  return depthwise::guard([&] {
    for (int i = 0; i < n; i++)
      versions[i] = static_cast<at::Tensor *>(xs[i])->_version();
  });
}

dw_error dw_remember(int *same, dw_tensor copy, const dw_tensor *statistics, int n) {
  return depthwise::guard([&] { *same = remember(bytes_of(copy), tensors(statistics, n)); });
}
