// Every codec of the library: codec::of<T> for all types that have one.
#pragma once

#include <quire/codec/aggregate.hpp>
#include <quire/codec/array.hpp>
#include <quire/codec/checks.hpp>
#include <quire/codec/concepts.hpp>
#include <quire/codec/descending.hpp>
#include <quire/codec/floating.hpp>
#include <quire/codec/integer.hpp>
#include <quire/codec/malformed.hpp>
#include <quire/codec/optional.hpp>
#include <quire/codec/policy.hpp>
#include <quire/codec/raw.hpp>
#include <quire/codec/string.hpp>
#include <quire/codec/tuple.hpp>
#include <quire/codec/vector.hpp>
