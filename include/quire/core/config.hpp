// Build-time facts every floor may rely on: attribute spellings, library version.
// Thread-safety: only macros and constants.
#pragma once

#define QUIRE_VERSION_MAJOR 0
#define QUIRE_VERSION_MINOR 1
#define QUIRE_VERSION_PATCH 0

// A function that is never worth inlining: error paths, page misses.
#define QUIRE_COLD [[gnu::cold, gnu::noinline]]
// A function whose call would cost more than its body on the lookup path. Builds that do not
// optimise are for compiling fast and for stepping through.
#if defined(__OPTIMIZE__)
#define QUIRE_INLINE [[gnu::always_inline]] inline
#else
#define QUIRE_INLINE inline
#endif

// A member of a template that costs the compiler less inlined than as a function of its own, also
// without optimisation.
#define QUIRE_TRIVIAL [[gnu::always_inline]] inline

#define QUIRE_LIKELY(condition) __builtin_expect(static_cast<bool>(condition), 1)
#define QUIRE_UNLIKELY(condition) __builtin_expect(static_cast<bool>(condition), 0)
