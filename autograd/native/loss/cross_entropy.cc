//go:build ignore

// Cross entropy of a batch in one call: its value, its gradient (kept for the backward pass) and
// the number of correct rows. log softmax and exp are libtorch's own, so values are as accurate as
// its; the rest are sums over rows.
#include "cross_entropy.h"
#include "graph/node.h"
#include "threads/pool.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <cmath>
#include <torch/csrc/autograd/functions/utils.h>

using depthwise::tensor;
using torch::autograd::variable_list;

namespace {

// While it lives, libtorch's operations of this thread use no others: these are short, and libgomp's
// threads would keep a core busy afterwards, waiting for more while the kernels' threads need it.
class OneThread {
public:
  OneThread() { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(before_); }
  OneThread(const OneThread &) = delete;

private:
  const int before_ = at::get_num_threads();
};

// The graph node; it keeps the gradient that the forward pass computed.
class CrossEntropyBackward : public torch::autograd::Node {
public:
  explicit CrossEntropyBackward(at::Tensor gradient) : gradient_(std::move(gradient)) {}

  std::string name() const override { return "FusedCrossEntropyBackward"; }

  void release_variables() override {
    std::lock_guard<std::mutex> lock(mutex_);
    gradient_.reset();
  }

  variable_list apply(variable_list &&grads) override {
    std::lock_guard<std::mutex> lock(mutex_);
    TORCH_CHECK(!c10::GradMode::is_enabled(),
                "the fused cross entropy has no second derivatives; CrossEntropy.Loss does");
    TORCH_CHECK(gradient_.defined(), torch::autograd::ERR_BACKWARD_TWICE);
    if (!grads[0].defined()) return {at::Tensor()};
    const OneThread one;
    return {gradient_ * grads[0]};
  }

private:
  std::mutex mutex_;
  at::Tensor gradient_; // (N, classes)
};

void check(const at::Tensor &logits, const dw_targets &t) {
  TORCH_CHECK(logits.dim() == 2 && logits.size(0) > 0 && logits.size(1) > 0, "logits must be (N, classes), not ",
              logits.sizes());
  TORCH_CHECK(logits.device().is_cpu() && (logits.scalar_type() == at::kFloat || logits.scalar_type() == at::kDouble),
              "logits must be float32 or float64 on the CPU, not ", logits.scalar_type(), " on ", logits.device(),
              "; CrossEntropy.Loss accepts other types");
  TORCH_CHECK(t.n == logits.size(0), t.n, " labels for ", logits.size(0), " rows");
  TORCH_CHECK(!t.class_weights || t.weighted == logits.size(1), t.weighted, " class weights for ", logits.size(1),
              " classes");
  for (const int64_t *classes : {t.labels, t.mixed_labels})
    for (int64_t i = 0; classes && i < t.n; i++)
      TORCH_CHECK(classes[i] >= 0 && classes[i] < logits.size(1), "label ", classes[i], " of row ", i,
                  " is not in [0, ", logits.size(1), ")");
}

// Calls f with each row, on all threads.
template <class F> void for_each_row(const at::Tensor &x, F f) {
  constexpr int64_t kElements = 1 << 13; // below which another thread does not pay
  depthwise::threads::for_each(at::get_num_threads(), x.size(0), std::max<int64_t>(1, kElements / x.size(1)), f);
}

// Whether the label's logit is the unique maximum. A NaN is never correct.
template <class T> bool is_correct(const T *row, int64_t classes, int64_t own) {
  T least = row[own];
  int64_t reach = 0;
  for (int64_t j = 0; j < classes; j++) reach += !(row[j] < least);
  return reach == 1 && least == least;
}

// -sum(target * log probability) of a row. With mixed labels a target of zero times minus infinity
// is NaN; with a single label such terms are left out, as in libtorch.
template <class T> double row_loss(const T *log_p, int64_t classes, const dw_targets &t, int64_t i) {
  if (t.smoothing == 0 && !t.mixed_labels) return -log_p[t.labels[i]];
  double each = t.smoothing / double(classes), kept = 1 - t.smoothing, loss = 0;
  for (int64_t j = 0; j < classes; j++) {
    double target = each;
    if (j == t.labels[i]) target += t.mixed_labels ? kept * t.lambda : kept;
    if (t.mixed_labels && j == t.mixed_labels[i]) target += kept * (1 - t.lambda);
    loss -= target * log_p[j];
  }
  return loss;
}

// What the sum over the rows is divided by: their number, or the sum of the weights of their labels. With mixed labels
// it is their number, as libtorch divides by it where targets are distributions.
double denominator(const dw_targets &t) {
  if (!t.class_weights || t.mixed_labels) return double(t.n);
  double sum = 0;
  for (int64_t i = 0; i < t.n; i++) sum += t.class_weights[t.labels[i]];
  return sum;
}

// The target of a class in a row, times the weight of the class.
double weighted_target(const dw_targets &t, int64_t classes, int64_t i, int64_t j) {
  double target = t.smoothing / double(classes), kept = 1 - t.smoothing;
  if (j == t.labels[i]) target += t.mixed_labels ? kept * t.lambda : kept;
  if (t.mixed_labels && j == t.mixed_labels[i]) target += kept * (1 - t.lambda);
  return t.class_weights ? target * t.class_weights[j] : target;
}

// (1 - p)^gamma * log p and its derivative with respect to log p (https://arxiv.org/abs/1708.02002).
struct Focal {
  double value, slope;
};

Focal focal(double log_p, double gamma) {
  if (gamma == 0) return {log_p, 1};
  const double rest = -std::expm1(log_p), p = std::exp(log_p); // rest = 1 - p, exact near p = 1
  if (rest <= 0) return {0, 0};
  const double power = gamma == 2 ? rest * rest : std::pow(rest, gamma);
  return {power * log_p, power - (p > 0 ? gamma * p * log_p * (power / rest) : 0)};
}

// row_loss with class weights or gamma.
template <class T> double weighted_row_loss(const T *log_p, int64_t classes, const dw_targets &t, int64_t i) {
  double loss = 0;
  for (int64_t j = 0; j < classes; j++)
    if (double target = weighted_target(t, classes, i, j)) loss -= target * focal(log_p[j], t.gamma).value;
  return loss;
}

// The gradient of weighted_row_loss / total, in place of the probabilities: the term of class c has the derivative
// target * slope * ((j == c) - p[j]) with respect to logit j.
template <class T>
void weighted_row_gradient(T *p, const T *log_p, int64_t classes, const dw_targets &t, int64_t i, double total) {
  std::vector<double> terms(classes);
  double sum = 0;
  for (int64_t j = 0; j < classes; j++)
    if (double target = weighted_target(t, classes, i, j)) sum += terms[j] = target * focal(log_p[j], t.gamma).slope;
  for (int64_t j = 0; j < classes; j++) p[j] = T((double(p[j]) * sum - terms[j]) / total);
}

// (probability - target) / N, in place of the probabilities.
template <class T> void row_gradient(T *p, int64_t classes, const dw_targets &t, int64_t i) {
  T each = T(t.smoothing / double(classes)), weight = T(1 / double(t.n));
  for (int64_t j = 0; j < classes; j++) p[j] = (p[j] - each) * weight;
  double kept = (1 - t.smoothing) / double(t.n);
  p[t.labels[i]] -= T(t.mixed_labels ? kept * t.lambda : kept);
  if (t.mixed_labels) p[t.mixed_labels[i]] -= T(kept * (1 - t.lambda));
}

at::Tensor log_softmax(const at::Tensor &x) {
  const OneThread one;
  return at::log_softmax(x, 1);
}

at::Tensor probabilities(const at::Tensor &log_p) {
  const OneThread one;
  return at::exp(log_p);
}

// Fills in the result and returns the gradient, undefined where none is recorded.
template <class T>
at::Tensor compute(const at::Tensor &logits, const dw_targets &t, bool record, dw_cross_entropy_result *out) {
  at::Tensor x = logits.contiguous(), log_p = log_softmax(x);
  const int64_t classes = x.size(1);
  const bool weighted = t.class_weights || t.gamma != 0;
  const double total = denominator(t);
  const int64_t *main = t.mixed_labels && t.lambda < 0.5 ? t.mixed_labels : t.labels;
  std::vector<double> losses(t.n);
  std::vector<char> correct(t.n);
  for_each_row(x, [&](int64_t i) {
    const T *row = log_p.const_data_ptr<T>() + i * classes;
    losses[i] = weighted ? weighted_row_loss(row, classes, t, i) : row_loss(row, classes, t, i);
    correct[i] = is_correct(x.const_data_ptr<T>() + i * classes, classes, main[i]);
  });
  *out = {0, 0};
  for (int64_t i = 0; i < t.n; i++) { // in order, so that the sum does not depend on the threads
    out->loss += losses[i] / total;
    out->correct += correct[i];
  }
  if (!record) return {};
  if (weighted) {
    at::Tensor p = probabilities(log_p);
    for_each_row(x, [&](int64_t i) {
      const int64_t at = i * classes;
      weighted_row_gradient(p.data_ptr<T>() + at, log_p.const_data_ptr<T>() + at, classes, t, i, total);
    });
    return p;
  }
  {
    const OneThread one;
    log_p.exp_();
  }
  for_each_row(x, [&](int64_t i) { row_gradient(log_p.data_ptr<T>() + i * classes, classes, t, i); });
  return log_p;
}

at::Tensor cross_entropy(const at::Tensor &given, const dw_targets &t, dw_cross_entropy_result *out) {
  at::Tensor logits = given.scalar_type() == at::kBFloat16 ? given.to(at::kFloat) : given;
  check(logits, t);
  bool record = c10::GradMode::is_enabled() && logits.requires_grad();
  at::Tensor values = logits.detach();
  auto computed = logits.scalar_type() == at::kFloat ? compute<float> : compute<double>;
  at::Tensor gradient = computed(values, t, record, out);
  at::Tensor loss = at::scalar_tensor(out->loss, values.options());
  if (record) {
    auto node = depthwise::make_node<CrossEntropyBackward>(std::move(gradient));
    node->set_next_edges(torch::autograd::collect_next_edges(logits));
    torch::autograd::set_history(loss, node);
  }
  return loss;
}

} // namespace

dw_error dw_cross_entropy(dw_tensor *loss, dw_cross_entropy_result *result, dw_tensor logits,
                          const dw_targets *targets) {
  return depthwise::guard([&] { *loss = new at::Tensor(cross_entropy(tensor(logits), *targets, result)); });
}
