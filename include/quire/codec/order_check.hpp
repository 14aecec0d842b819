// The laws of a codec, executable: for tests of codecs, the library's and your own. Depends on no
// test framework.
//
//   const std::string broken = codec::check_order<my_codec>(samples);   // "" if every law holds
//   static_assert(codec::order_holds_on<my_codec>(std::array{0, 1, 255, 256}));
//
// The laws of every codec, checked by check_round_trip:
//   1. encode writes size(value) bytes, all of them and none beyond, the same each time; all
//      encodings have fixed_size bytes, if it is not codec::variable.
//   2. decode gives back a value that encodes to the same bytes and is == the first one, if the
//      type has == and the value is == itself.
//   3. decode of an encoding that is cut or has a byte more throws quire::corruption or gives a
//      value, and touches nothing else (run it with -fsanitize=address to see that).
// The laws of a key codec, checked by check_order beside those:
//   4. the encodings of two keys, as unsigned bytes and a prefix first, are in the order of
//      codec::before<C>, which is < unless the codec says otherwise; equal keys are equal bytes.
//   5. that stays so when something follows each: made to end, no encoding is a prefix of another.
//   6. the native form, if there is one, comes back as the key and is in the same order.
// Cost: each pair of samples is compared; some hundred samples take milliseconds.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <quire/codec/concepts.hpp>
#include <quire/codec/escape.hpp>
#include <quire/codec/rank.hpp>
#include <quire/core/bytes.hpp>
#include <quire/core/error.hpp>

namespace quire::codec {
namespace detail {

// -1, 0, 1: the order of two byte strings, in constant expressions too.
[[nodiscard]] constexpr int sign_of_bytes(bytes_view left, bytes_view right) noexcept {
    for (std::size_t i = 0; i < left.size() && i < right.size(); ++i)
        if (left[i] != right[i]) return left[i] < right[i] ? -1 : 1;
    return left.size() < right.size() ? -1 : left.size() > right.size() ? 1 : 0;
}

template <class C, class T>
[[nodiscard]] constexpr int sign_of_keys(const T& left, const T& right) {
    return codec::before<C>(left, right) ? -1 : codec::before<C>(right, left) ? 1 : 0;
}

// The encoding of `value`, or what is wrong with it.
template <class C>
struct written {
    std::vector<std::byte> bytes;
    std::string broken;

    explicit written(typename C::arg_type value) {
        constexpr std::size_t guard = 16;
        const std::size_t size = C::size(value);
        if (C::fixed_size != variable && size != C::fixed_size) {
            broken = "size gives " + std::to_string(size) + " and fixed_size is " +
                     std::to_string(C::fixed_size);
            return;
        }
        if (size > bytes.max_size() - guard) {
            broken = "size gives " + std::to_string(size) + ", more than any memory has";
            return;
        }
        for (const std::byte fill : {std::byte{0xA5}, std::byte{0x5A}}) {
            std::vector<std::byte> buffer(size + guard, fill);
            const std::byte* const end = C::encode(value, buffer.data());
            if (end != buffer.data() + size) {
                broken = "size gives " + std::to_string(size) + " and encode writes " +
                         std::to_string(end - buffer.data()) + " bytes";
                return;
            }
            for (std::size_t i = size; i < buffer.size(); ++i)
                if (buffer[i] != fill) broken = "encode writes behind the end it returns";
            buffer.resize(size);
            if (fill == std::byte{0x5A} && buffer != bytes)
                broken = "encode leaves bytes unwritten, or writes others each time";
            bytes = std::move(buffer);
        }
    }
};

// Empty, or how decode misbehaves on bytes that are perhaps no encoding. The copy is exactly as
// large as the bytes, so that a sanitizer sees the first byte beyond.
template <class C>
[[nodiscard]] std::string broken_by(bytes_view bytes) {
    const std::vector<std::byte> copy(bytes.begin(), bytes.end());
    try {
        static_cast<void>(static_cast<typename C::value_type>(C::decode(copy)));
    } catch (const corruption&) {
        return {};
    } catch (...) {
        return "decode of damaged bytes throws something else than quire::corruption";
    }
    return {};
}

template <class C>
[[nodiscard]] std::string broken_round_trip(const typename C::value_type& value,
                                            const std::vector<std::byte>& bytes) {
    try {
        const typename C::value_type back(C::decode(bytes));
        const written<C> again(back);
        if (!again.broken.empty()) return again.broken;
        if (again.bytes != bytes) return "the decoded value encodes to other bytes";
        if constexpr (std::equality_comparable<typename C::value_type>)
            if (value == value && !(back == value))
                return "decode gives a value that differs from the encoded one";
    } catch (const corruption& error) {
        return std::string("decode refuses what encode wrote: ") + error.what();
    }
    return {};
}

template <key_codec C>
[[nodiscard]] std::string broken_order(const typename C::value_type& left, bytes_view left_bytes,
                                       const typename C::value_type& right,
                                       bytes_view right_bytes) {
    const int expected = sign_of_keys<C>(left, right);
    const int found = sign_of_bytes(left_bytes, right_bytes);
    if (found != expected)
        return expected == 0 ? "equal keys have different encodings"
               : found == 0  ? "different keys have equal encodings"
                             : "the encodings are in another order than the keys";
    std::vector<std::byte> ended[2];
    for (std::size_t side = 0; side < 2; ++side) {
        const bytes_view bare = side == 0 ? left_bytes : right_bytes;
        ended[side].assign(bare.begin(), bare.end());
        if constexpr (C::fixed_size == variable) {
            const std::size_t zeros = count_zeros(bare.data(), bare.size());
            ended[side].resize(bare.size() + zeros + 2);
            terminate(ended[side].data(), ended[side].data() + bare.size());
            if (terminated_size<C>(side == 0 ? left : right) != ended[side].size())
                return "zeros(key) is not the number of zero bytes of the encoding";
        }
        // What follows must not matter, so let it say the opposite.
        const bool lower = (expected < 0) == (side == 0);
        ended[side].push_back(lower ? std::byte{0xFF} : std::byte{0});
    }
    if (expected != 0 && sign_of_bytes(ended[0], ended[1]) != expected)
        return "the order of the keys changes when something follows them";
    if constexpr (native_codec<C>) {
        const auto left_rank = to_rank<C::order>(C::to_native(left));
        const auto right_rank = to_rank<C::order>(C::to_native(right));
        if ((left_rank < right_rank ? -1 : left_rank > right_rank ? 1 : 0) != expected)
            return "the native forms are in another order than the keys";
        if (codec::before<C>(C::from_native(C::to_native(left)), left) ||
            codec::before<C>(left, C::from_native(C::to_native(left))))
            return "from_native does not give back what to_native was given";
    }
    return {};
}

} // namespace detail

// "" or which of laws 1 to 3 is broken, and by which sample.
template <value_codec C>
[[nodiscard]] std::string
check_round_trip(std::span<const std::type_identity_t<typename C::value_type>> samples) {
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const std::string where = "sample " + std::to_string(i) + ": ";
        const detail::written<C> one(samples[i]);
        if (!one.broken.empty()) return where + one.broken;
        const std::string back = detail::broken_round_trip<C>(samples[i], one.bytes);
        if (!back.empty()) return where + back;
        for (std::size_t cut = 0; cut < one.bytes.size(); ++cut) {
            const std::string broken = detail::broken_by<C>(bytes_view(one.bytes).first(cut));
            if (!broken.empty()) return where + broken;
        }
        std::vector<std::byte> longer = one.bytes;
        longer.push_back(std::byte{0});
        const std::string broken = detail::broken_by<C>(longer);
        if (!broken.empty()) return where + broken;
    }
    return {};
}

// "" or which of laws 1 to 6 is broken, and by which samples.
template <key_codec C>
[[nodiscard]] std::string
check_order(std::span<const std::type_identity_t<typename C::value_type>> samples) {
    std::string broken = check_round_trip<C>(samples);
    if (!broken.empty()) return broken;
    std::vector<std::vector<std::byte>> encodings;
    encodings.reserve(samples.size());
    for (const auto& sample : samples) encodings.push_back(detail::written<C>(sample).bytes);
    for (std::size_t i = 0; i < samples.size(); ++i)
        for (std::size_t j = 0; j < samples.size(); ++j) {
            broken = detail::broken_order<C>(samples[i], encodings[i], samples[j], encodings[j]);
            if (!broken.empty())
                return "samples " + std::to_string(i) + " and " + std::to_string(j) + ": " +
                       broken;
        }
    return {};
}

// Whether size and law 4 hold for the samples, in a constant expression. Samples are keys, or what
// stands for them in constant expressions, as std::string_view for std::string.
template <key_codec C, class T, std::size_t N>
[[nodiscard]] constexpr bool order_holds_on(const std::array<T, N>& samples) {
    for (std::size_t i = 0; i < N; ++i)
        for (std::size_t j = 0; j < N; ++j) {
            detail::scratch copies[2];
            const T* const pair[2] = {&samples[i], &samples[j]};
            bytes_view encodings[2];
            for (std::size_t side = 0; side < 2; ++side) {
                const std::size_t size = C::size(*pair[side]);
                if (C::fixed_size != variable && C::fixed_size != size) return false;
                std::byte* const to = copies[side].take(size);
                if (C::encode(*pair[side], to) != to + size) return false;
                encodings[side] = bytes_view(to, size);
            }
            if (detail::sign_of_bytes(encodings[0], encodings[1]) !=
                detail::sign_of_keys<C>(samples[i], samples[j]))
                return false;
        }
    return true;
}

} // namespace quire::codec
