// Declarations of gloo that c10d's ProcessGroupGloo.hpp needs and libtorch does not ship. The header names these types and
// has pointers to them only; the definitions are in libtorch_cpu. Interface of gloo: github.com/pytorch/gloo (BSD license).
#pragma once
namespace gloo {
class Algorithm;
namespace transport {
class UnboundBuffer;
}
} // namespace gloo
