//go:build ignore

// The C interface of the backbone for inference.
#include "backbone/bind.h"
#include "inference/schedule.h"
#include "graph/node.h"
#include <ATen/Parallel.h>
#include <cstring>

using depthwise::tensor;
using depthwise::tensors;
using namespace depthwise::fused;

namespace {

at::Tensor &bytes_of(dw_tensor t) { return *static_cast<at::Tensor *>(t); }

InferenceSettings settings(const dw_backbone &t, int classes) {
  return {&kernels_here(), &kernel_set(t.bf16), at::get_num_threads(), float(t.cap), classes};
}

// Grows t to at least n bytes; its content is lost.
void provide(at::Tensor &t, size_t n) {
  if (size_t(t.numel()) < n) t = bytes(n);
}

// The head's weights as the kernels read them, and its number of classes.
struct BoundHead {
  Head head{};
  int classes = 0;
  std::vector<at::Tensor> held;
};

BoundHead bind_head(int channels, const at::Tensor *weight, const at::Tensor *bias) {
  BoundHead b;
  if (!weight) return b;
  TORCH_CHECK(weight->dim() == 2 && weight->size(0) > 0 && weight->size(0) < 1 << 30 && weight->size(1) == channels,
              "fused kernels: the head's weight must be (classes, ", channels, "), not ", weight->sizes());
  b.classes = int(weight->size(0));
  b.held.push_back(laid_out(weight->detach()));
  b.head.weight = values(b.held.back());
  if (bias) {
    check_size(*bias, b.classes);
    b.held.push_back(laid_out(bias->detach()));
    b.head.bias = values(b.held.back());
  }
  return b;
}

void fold(at::Tensor &folded, const dw_backbone &t, const std::vector<at::Tensor> &parameters,
          const std::vector<at::Tensor> &statistics, const at::Tensor *head_weight, const at::Tensor *head_bias) {
  TORCH_CHECK(t.n > 0, "fused kernels: no layers");
  check_layers(t, 1, t.layers[0].height, t.layers[0].width);
  BoundLayers bound = bind_layers(t, 1, parameters, statistics);
  BoundHead head = bind_head(t.layers[t.n - 1].out, head_weight, head_bias);
  Inference inference(bound.layers, settings(t, head.classes));
  if (size_t(folded.numel()) != inference.folded_bytes()) // infer checks this size
    folded = bytes(inference.folded_bytes());
  at::Tensor scratch = bytes(inference.fold_scratch_bytes());
  inference.fold(start(folded), start(scratch), head.head);
}

// Copies the statistics' values into copy, one after another, and returns whether it already held
// them.
bool copy_if_changed(at::Tensor &copy, const std::vector<at::Tensor> &statistics) {
  size_t all = 0;
  for (const at::Tensor &s : statistics) {
    check_statistic(s);
    all += s.nbytes();
  }
  bool same = size_t(copy.numel()) == all;
  if (!same) copy = bytes(all);
  char *to = start(copy);
  for (const at::Tensor &s : statistics) {
    same = same && memcmp(to, s.const_data_ptr(), s.nbytes()) == 0;
    if (!same) memcpy(to, s.const_data_ptr(), s.nbytes());
    to += s.nbytes();
  }
  return same;
}

Inference inference_of(const dw_backbone &t, int64_t images, int classes) {
  std::vector<Layer> layers;
  for (int i = 0; i < t.n; i++) {
    const dw_layer &l = t.layers[i];
    layers.push_back({Kind(l.kind), l.in, l.out, window(l, images), nullptr, nullptr, {}});
  }
  return Inference(std::move(layers), settings(t, classes));
}

// Features or logits of images of the layers' size.
at::Tensor infer(const dw_backbone &t, const at::Tensor &folded, int classes, bool logits, at::Tensor &workspace,
                 const Images &x, InferTimes *times) {
  check_layers(t, x.n, x.height, x.width);
  TORCH_CHECK(classes >= 0 && (classes > 0 || !logits) && x.n < 1 << 30,
              "fused kernels: no classes, or too many images");
  Inference inference = inference_of(t, x.n, classes);
  TORCH_CHECK(size_t(folded.numel()) == inference.folded_bytes(),
              "fused kernels: the folded weights belong to another backbone");
  provide(workspace, inference.workspace_bytes());
  at::Tensor out = at::empty({x.n, logits ? classes : t.layers[t.n - 1].out}, at::kFloat);
  float *to = out.data_ptr<float>();
  inference.forward(start(folded), start(workspace), x.input, logits ? nullptr : to, logits ? to : nullptr, times);
  computed_layers += t.n;
  return out;
}

} // namespace

dw_error dw_backbone_fold(dw_tensor folded, const dw_backbone *t, const dw_tensor *parameters, int n_parameters,
                          const dw_tensor *statistics, int n_statistics, dw_tensor head_weight, dw_tensor head_bias) {
  return depthwise::guard([&] {
    fold(bytes_of(folded), *t, tensors(parameters, n_parameters), tensors(statistics, n_statistics),
         static_cast<at::Tensor *>(head_weight), static_cast<at::Tensor *>(head_bias));
  });
}

dw_error dw_backbone_infer(dw_tensor *out, const dw_backbone *t, dw_tensor folded, int classes, int logits,
                           dw_tensor workspace, dw_tensor x, const dw_pixels *pixels, double *seconds) {
  return depthwise::guard([&] {
    at::Tensor &work = bytes_of(workspace);
    InferTimes times;
    const Images images = x ? images_of(tensor(x)) : images_of(*pixels);
    *out = new at::Tensor(infer(*t, tensor(folded), classes, logits != 0, work, images, seconds ? &times : nullptr));
    if (!seconds) return;
    seconds[0] = times.waiting;
    seconds[1] = times.pool;
    seconds[2] = times.head;
    std::copy(times.layers.begin(), times.layers.end(), seconds + 3);
  });
}

dw_error dw_versions(int64_t *versions, const dw_tensor *xs, int n) {
  return depthwise::guard([&] {
    for (int i = 0; i < n; i++) versions[i] = static_cast<at::Tensor *>(xs[i])->_version();
  });
}

dw_error dw_copy_if_changed(int *unchanged, dw_tensor copy, const dw_tensor *statistics, int n) {
  return depthwise::guard([&] { *unchanged = copy_if_changed(bytes_of(copy), tensors(statistics, n)); });
}
