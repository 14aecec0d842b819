// Whether this build has a sanitizer that reserves shadow memory, which no limit of address space
// leaves room for.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define QUIRE_TEST_SHADOW_MEMORY 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define QUIRE_TEST_SHADOW_MEMORY 1
#endif
#endif
#if !defined(QUIRE_TEST_SHADOW_MEMORY)
#define QUIRE_TEST_SHADOW_MEMORY 0
#endif
