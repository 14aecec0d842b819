// Two kinds of assertion. QUIRE_PRECONDITION names a mistake of the caller, QUIRE_ASSERT one of
// ours; both print the condition and its sentence and abort. They are on unless NDEBUG is defined,
// and QUIRE_ASSERTIONS=1 / 0 overrides that. Bytes from a medium are never asserted on: they give
// typed errors (core/error.hpp).
//
// QUIRE_MONITOR=1, which the tests are built with, adds what is too much for every build with
// assertions: statements in QUIRE_WATCH, which keep account of pages and check every write. Like
// QUIRE_ASSERTIONS it must be the same in all units of a program: layouts depend on it.
#pragma once

#include <quire/core/config.hpp>

#if !defined(QUIRE_ASSERTIONS)
#if defined(NDEBUG)
#define QUIRE_ASSERTIONS 0
#else
#define QUIRE_ASSERTIONS 1
#endif
#endif

#if QUIRE_ASSERTIONS
#include <cstdio>
#include <cstdlib>

namespace quire {

[[noreturn]] QUIRE_COLD inline void assertion_failed(const char* kind, const char* condition,
                                                     const char* sentence, const char* file,
                                                     int line) noexcept {
    std::fprintf(stderr, "%s:%d: quire: %s failed: %s (%s)\n", file, line, kind, sentence,
                 condition);
    std::abort();
}

} // namespace quire

#define QUIRE_CHECK_(kind, condition, sentence)                                                    \
    (static_cast<bool>(condition)                                                                  \
         ? static_cast<void>(0)                                                                    \
         : ::quire::assertion_failed(kind, #condition, sentence, __FILE__, __LINE__))
#else
// Unevaluated, so that a name used only in an assertion does not become an unused name.
#define QUIRE_CHECK_(kind, condition, sentence) static_cast<void>(sizeof((condition) ? 1 : 0))
#endif

#define QUIRE_PRECONDITION(condition, sentence) QUIRE_CHECK_("precondition", condition, sentence)
#define QUIRE_ASSERT(condition, sentence) QUIRE_CHECK_("invariant", condition, sentence)

#if !defined(QUIRE_MONITOR)
#define QUIRE_MONITOR 0
#endif
#if QUIRE_MONITOR
#define QUIRE_WATCH(statement) statement
#else
#define QUIRE_WATCH(statement) static_cast<void>(0)
#endif
