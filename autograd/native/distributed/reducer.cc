//go:build ignore

#include "distributed/reducer.h"
#include <ATen/ATen.h>
#include <algorithm>
#include <c10/core/GradMode.h>
#include <numeric>

namespace depthwise::distributed {

Reducer::Reducer(std::shared_ptr<Collective> group, ReducerOptions options)
    : group_(std::move(group)), options_(std::move(options)), slots_(options_.parameters.size()) {
  for (const auto &p : options_.parameters) {
    const auto &first = options_.parameters[0];
    TORCH_CHECK(p.is_leaf() && p.requires_grad(), "a parameter of ", p.sizes(), " takes no gradients");
    TORCH_CHECK(p.is_non_overlapping_and_dense(), "a parameter of ", p.sizes(), " with gaps in memory");
    TORCH_CHECK(p.scalar_type() == first.scalar_type() && p.device() == first.device(),
                "parameters of several types: ", first.scalar_type(), " on ", first.device(), " and ", p.scalar_type(),
                " on ", p.device());
  }
  // Layers are listed from the input on, and the backward pass begins at the loss.
  std::vector<int> order(slots_.size());
  std::iota(order.rbegin(), order.rend(), 0);
  make_buckets(std::move(order));
}

void Reducer::make_buckets(std::vector<int> order) {
  const auto type = options_.bf16 ? at::kBFloat16 : slots_.empty() ? at::kFloat : parameters()[0].scalar_type();
  std::vector<int64_t> bytes;
  for (const auto &p : parameters()) bytes.push_back(p.numel() * int64_t(c10::elementSize(type)));
  buckets_.clear();
  for (auto &places : assign(bytes, order, options_.sizes)) {
    int64_t n = 0;
    for (int i : places) n += parameters()[i].numel();
    const auto like = parameters()[places[0]].options();
    Bucket b{std::move(places), at::empty({n}, like.dtype(type))};
    b.mean = options_.bf16 ? at::empty({n}, like) : b.sent;
    b.times.bytes = int64_t(b.sent.nbytes()), b.times.parameters = int(b.places.size());
    n = 0;
    for (int i : b.places) {
      const auto &p = parameters()[i];
      slots_[i].bucket = int(buckets_.size());
      slots_[i].sent = b.sent.as_strided(p.sizes(), p.strides(), n);
      slots_[i].mean = b.mean.as_strided(p.sizes(), p.strides(), n);
      n += p.numel();
    }
    buckets_.push_back(std::move(b));
  }
  order_ = std::move(order);
}

void Reducer::begin(int64_t images, double weight) {
  std::lock_guard<std::mutex> lock(mutex_);
  TORCH_CHECK(!active_ && !broken_, "the previous step was not finished: ranks may be at different steps");
  TORCH_CHECK(images >= 0 && std::isfinite(weight) && weight >= 0 && (images > 0 || weight == 0), images,
              " images of weight ", weight);
  begun_ = std::chrono::steady_clock::now();
  forget_last_step();
  images_ = images, weight_ = weight;
  scale_ = at::scalar_tensor(weight, at::kDouble); // on the CPU: no copy to a GPU
  active_ = true;
}

void Reducer::forget_last_step() {
  next_ = 0;
  arrival_.clear();
  for (auto &b : buckets_) b.missing = b.places.size();
  for (size_t i = 0; i < slots_.size(); i++) {
    slots_[i].arrival = Arrival::None;
    auto &gradient = parameters()[i].mutable_grad(); // accumulated into, it must not be in a bucket
    if (gradient.defined() && gradient.is_alias_of(slots_[i].mean)) gradient = gradient.clone();
  }
}

void Reducer::early(int i, const at::Tensor &gradient) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!active_) return;
  TORCH_CHECK(slots_[i].arrival == Arrival::None, "a second backward pass in one step");
  const auto &before = parameters()[i].grad(); // of accumulated batches
  put(i, before.defined() ? before + gradient : gradient);
  slots_[i].arrival = Arrival::Early;
  arrived(i);
}

void Reducer::accumulated(int i) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!active_) return;
  TORCH_CHECK(slots_[i].arrival != Arrival::Done, "a second backward pass in one step");
  const bool early = slots_[i].arrival == Arrival::Early;
  slots_[i].arrival = Arrival::Done;
  if (early) return;
  put(i, parameters()[i].grad());
  arrived(i);
}

void Reducer::put(int i, const at::Tensor &gradient) {
  c10::NoGradGuard no_grad;
  if (weight_ == 0) // NaN times 0 would be NaN
    slots_[i].sent.zero_();
  else if (scaled())
    at::mul_out(slots_[i].sent, gradient, scale_);
  else
    slots_[i].sent.copy_(gradient);
}

void Reducer::arrived(int i) {
  arrival_.push_back(i);
  buckets_[slots_[i].bucket].missing--;
  if (!options_.deferred) launch();
}

// Begins the sums of the buckets that are complete.
void Reducer::launch() {
  for (; next_ < buckets_.size() && buckets_[next_].missing == 0; next_++) {
    if (next_ == 0) launch_statistics();
    Bucket &b = buckets_[next_];
    b.times.begun = seconds();
    b.work = group_->all_reduce(b.sent);
  }
}

// Small, and in float64, in which the products are exact: a mean of equal values is that value.
void Reducer::launch_statistics() {
  c10::NoGradGuard no_grad;
  const auto &on = options_.statistics.empty() ? parameters() : options_.statistics;
  at::Tensor own = at::empty({2}, at::TensorOptions(at::kDouble).device(on.empty() ? at::kCPU : on[0].device()));
  own[0].fill_(images_);
  own[1].fill_(weight_);
  std::vector<at::Tensor> parts{own.slice(0, 0, 0)};
  for (const auto &t : options_.statistics) parts.push_back(t.reshape({-1}).to(at::kDouble));
  statistics_ = at::cat(parts);
  totals_ = at::cat({own, statistics_ * double(images_)});
  totals_work_ = group_->all_reduce(totals_);
}

std::vector<int> Reducer::finish() {
  std::lock_guard<std::mutex> lock(mutex_);
  c10::NoGradGuard no_grad;
  TORCH_CHECK(active_, "no step was begun");
  finishing_ = seconds(), waited_ = 0;
  active_ = false, broken_ = true; // until all ranks have the means
  auto missing = complete();
  if (!missing.empty()) return missing;
  launch();
  if (next_ == 0) launch_statistics(); // no parameters
  average_statistics();
  average();
  if (!observed_) observe_order();
  broken_ = false;
  return missing;
}

// Fills in what did not arrive: gradients of accumulated batches that the last one did not add to, and zeros of a rank
// of weight 0. Returns the parameters that have neither.
std::vector<int> Reducer::complete() {
  std::vector<int> missing;
  for (int i = 0; i < int(slots_.size()); i++) {
    if (slots_[i].arrival != Arrival::None) continue;
    const auto &gradient = parameters()[i].grad();
    if (weight_ > 0 && !gradient.defined()) {
      missing.push_back(i);
      continue;
    }
    put(i, gradient);
    buckets_[slots_[i].bucket].missing--;
  }
  return missing;
}

// The host does not read the totals, so that it need not wait for a GPU.
void Reducer::average_statistics() {
  wait(totals_work_);
  const at::Tensor images = totals_[0], weight = totals_[1];
  divisor_ = at::where(weight == 0, at::ones_like(weight), weight);
  const at::Tensor means = at::where(images == 0, statistics_, totals_.slice(0, 2) / images); // 0: no forward pass
  std::vector<at::Tensor> parts;
  int64_t begin = 0;
  for (const auto &t : options_.statistics) {
    parts.push_back(means.slice(0, begin, begin + t.numel()).view(t.sizes()));
    begin += t.numel();
  }
  if (!parts.empty()) at::_foreach_copy_(options_.statistics, parts);
}

void Reducer::average() {
  const bool divide = options_.summed || group_->size() > 1; // the mean of one rank is a mean already
  for (auto &b : buckets_) {
    wait(b.work);
    b.times.ended = seconds();
    if (!b.mean.is_same(b.sent)) b.mean.copy_(b.sent);
    if (divide) b.mean.div_(divisor_);
    for (int i : b.places) parameters()[i].mutable_grad() = slots_[i].mean;
  }
}

// Sends the order in which rank 0's gradients arrived to all, by a sum to which the others add zeros, and makes buckets in
// that order. Nothing is sent of a step in which rank 0 did not run.
void Reducer::observe_order() {
  const auto n = int64_t(slots_.size());
  at::Tensor sent = at::zeros({n + 1}, at::kLong);
  if (group_->rank() == 0 && int64_t(arrival_.size()) == n) {
    sent[0] = 1;
    std::copy(arrival_.begin(), arrival_.end(), sent.data_ptr<int64_t>() + 1);
  }
  if (!parameters().empty()) sent = sent.to(parameters()[0].device());
  group_->all_reduce(sent)->wait();
  sent = sent.cpu();
  const int64_t *values = sent.data_ptr<int64_t>();
  if (values[0] == 0) return;
  observed_ = true;
  std::vector<int> order(values + 1, values + 1 + n);
  if (order != order_) make_buckets(std::move(order));
}

void Reducer::wait(std::shared_ptr<Work> &work) {
  const double from = seconds();
  work->wait();
  work.reset();
  waited_ += seconds() - from;
}

std::vector<Reducer::Times> Reducer::times() const {
  std::vector<Times> all;
  for (const auto &b : buckets_) all.push_back(b.times);
  return all;
}

double Reducer::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
}

} // namespace depthwise::distributed
