// The only place where C++ exceptions become C error messages.
#pragma once
#include "native.h"
#include <cstring>
#include <exception>

namespace depthwise {

// Runs f and converts anything it throws into a message; returns NULL when nothing is thrown.
template <class F> dw_error guard(F &&f) noexcept {
  try {
    f();
    return nullptr;
  } catch (const std::exception &e) {
    return strdup(e.what());
  } catch (...) {
    return strdup("an exception that is not a std::exception");
  }
}

} // namespace depthwise
