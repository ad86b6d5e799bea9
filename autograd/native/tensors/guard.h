// The one door between C++ exceptions and C error messages.
#pragma once
#include "native.h"
#include <cstring>
#include <exception>

namespace depthwise {

// Runs f and turns whatever it throws into a message; NULL when nothing was thrown.
template <class F> dw_error guard(F &&f) noexcept {
  try {
    f();
    return nullptr;
  } catch (const std::exception &e) {
    return strdup(e.what());
  } catch (...) {
    return strdup("an exception that is no std::exception");
  }
}

} // namespace depthwise
