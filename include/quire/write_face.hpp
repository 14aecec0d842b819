// The changing half of the map's face, shared by map and transaction. Derived says what a change
// is: derived.change(work) runs work() on the writer's working state, as a transaction of its own
// or within the one that is open, and gives back what work gives; derived.change_record(work) does
// the same for a change of one record, and may call work again if it throws before it has changed
// anything.
//
// Guarantee: every function has the strong guarantee - if it throws, whatever it threw, the map is
// as it was - with two exceptions. Insert of a range, erase of one and erase_if keep what they have
// done when there are no transactions. And the iterator that erase(iterator) gives, or an insertion
// that splits a page, is found after the change is done: if reading the page it stands on fails,
// that is thrown, and the change is done.
// User code (codecs, predicates, updates) must not change the map it is called from: with
// transactions it would wait for itself for ever, without them std::logic_error is thrown.
// Cost: one descent, and the pages on its path copied once a transaction.
// Exceptions: key_too_large, value_too_large, storage_full, io_error, corruption, read_only,
// poisoned, std::bad_alloc, and what user code throws. Thread-safety: that of Derived.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <quire/change_window.hpp>
#include <quire/core/raise.hpp>
#include <quire/read_face.hpp>
#include <quire/record_change.hpp>
#include <quire/sorted_load.hpp>

namespace quire::detail {

template <class First, class Last>
concept range_of_pairs = requires(First it, Last end) {
    it != end;
    ++it;
    (*it).first;
    (*it).second;
};

template <class Derived, class Base>
class write_face : public Base {
    using types = typename Base::types;
    using layout = typename types::layout;
    using store = typename types::store;
    using path = tree::descent<layout>;
    using encoded_key = typename types::encoded_key;
    using encoded_value = typename types::encoded_value;

public:
    using typename Base::const_iterator;
    using typename Base::key_param;
    using typename Base::key_type;
    using typename Base::key_view;
    using typename Base::mapped_type;
    using typename Base::size_type;
    using typename Base::value_view;
    using value_param = typename types::value_param;
    using insert_result = std::pair<const_iterator, bool>;

    // Inserts the record unless the key is there. first: the record with that key; second:
    // inserted.
    insert_result insert(key_param k, value_param v) {
        return put(
            k, [&](encoded_value& to, const std::string& at) { to.encode(v, at); },
            when_there::keep);
    }
    template <class Pair>
    requires requires(const Pair& pair) {
        requires std::convertible_to<decltype((pair.first)), key_param>;
        requires std::convertible_to<decltype((pair.second)), value_param>;
    }
    insert_result insert(const Pair& pair) { return insert(pair.first, pair.second); }
    insert_result insert(const std::pair<key_type, mapped_type>& pair) {
        return insert(pair.first, pair.second);
    }
    // Inserts the record or gives it the new value.
    insert_result insert_or_assign(key_param k, value_param v) {
        return put(
            k, [&](encoded_value& to, const std::string& at) { to.encode(v, at); },
            when_there::assign);
    }
    // Makes a value of the arguments, only if the key is not there.
    template <class... Args>
    insert_result try_emplace(key_param k, Args&&... args) {
        return put(
            k,
            [&](encoded_value& to, const std::string& at) {
                to.encode(mapped_type(std::forward<Args>(args)...), at);
            },
            when_there::keep);
    }
    // Makes a pair of the arguments and inserts it.
    template <class... Args>
    insert_result emplace(Args&&... args) {
        const std::pair<key_type, mapped_type> pair(std::forward<Args>(args)...);
        return insert(pair.first, pair.second);
    }
    // Inserts every pair of [first, last) whose key is not there; of pairs with one key the first.
    // In steps of 4 MiB, each in the order of the keys: for many keys in any order much faster than
    // one by one.
    template <class First, class Last>
    requires range_of_pairs<First, Last>
    void insert(First first, Last last) {
        whole([&] {
            range_insertion to(*this);
            for (; first != last; ++first) to.add(*first);
            to.apply();
        });
    }
    template <class Range>
    void insert_range(Range&& pairs) {
        whole([&] {
            range_insertion to(*this);
            for (auto&& pair : pairs) to.add(pair);
            to.apply();
        });
    }

    // Replaces everything by the pairs of [first, last), which are in ascending order of distinct
    // keys: the tree is built from below, page by page, for a fraction of the time of inserting,
    // and the log gets no record of each. `fill`, above 0 and at most 1: how full pages become;
    // less than 1 leaves room for what is inserted later. Throws unsorted_input, which says the
    // number of the record that is out of order, from 0; nothing has changed then, under txn::none
    // neither. Until the old content is given up, the store holds both. Under txn::wal the commit
    // is a checkpoint.
    template <class First, class Last>
    requires range_of_pairs<First, Last>
    void assign_sorted(First first, Last last, double fill = 1.0) {
        QUIRE_PRECONDITION(fill > 0 && fill <= 1, "pages are filled to a part of them");
        if (!(fill > 0 && fill <= 1)) fill = 1;
        whole([&] {
            sorted_load<types> to(derived().store_ref(), edit(), fill);
            for (; first != last; ++first) {
                auto&& pair = *first;
                const encoded_key key(pair.first);
                key.require_possible(derived().path());
                encoded_value value;
                value.encode(pair.second, derived().path());
                to.add(key.arg(), value.view());
            }
            derived().state().trail = {};
            to.finish();
        });
    }

    // 1 if the key was there, else 0.
    size_type erase(key_param k) {
        const encoded_key key(k);
        if (!key.possible()) return 0;
        return derived().change_record(
            [&] { return erase_now(key.arg()) ? size_type{1} : size_type{0}; });
    }
    // Erases the record's key, if it is still there, and gives the record after it.
    const_iterator erase(const_iterator at) {
        at.check_record();
        typename layout::key_buffer buffer;
        typename layout::key_buffer key;
        key.assign(layout::arg_of(layout::key(at.cursor_.leaf(), at.cursor_.index(), buffer)));
        at = const_iterator();
        derived().change_record([&] { return erase_now(key.arg()); });
        return this->from(derived().source(), key.arg());
    }
    // Erases all keys from first's on and below last's, and gives the record after them.
    const_iterator erase(const_iterator first, const_iterator last) {
        if (first == last) return last;
        first.check_record();
        typename layout::key_buffer buffer;
        typename layout::key_buffer low;
        typename layout::key_buffer high;
        low.assign(
            layout::arg_of(layout::key(first.cursor_.leaf(), first.cursor_.index(), buffer)));
        const bool to_end = last.cursor_.at_end();
        if (!to_end)
            high.assign(
                layout::arg_of(layout::key(last.cursor_.leaf(), last.cursor_.index(), buffer)));
        first = const_iterator();
        last = const_iterator();
        whole([&] {
            const auto keys = keys_of(low.arg(), to_end ? nullptr : &high,
                                      [](const const_iterator&) { return true; });
            erase_all(keys);
        });
        return this->from(derived().source(), low.arg());
    }
    // Erases every record for which pred(std::pair<key view, value view>) holds; gives their
    // number. All questions are asked before anything is erased.
    template <class Predicate>
    size_type erase_if(Predicate pred) {
        size_type erased = 0;
        whole([&] {
            const auto keys = keys_of_all([&](const const_iterator& it) { return pred(*it); });
            erase_all(keys);
            erased = keys.count();
        });
        return erased;
    }
    // Erases everything. Cost: inner pages are read, leaves where they may refer to overflow runs.
    void clear() {
        derived().change([&] { edit().clear(); });
    }
    // Calls fn(V&) on a copy of the value and stores the result. False if the key is not there.
    template <class Function>
    bool update(key_param k, Function&& fn) {
        const encoded_key key(k);
        if (!key.possible()) return false;
        encoded_once value;
        return derived().change_record([&] {
            if (!value.made) {
                std::optional<mapped_type> found = this->read_working(key.arg());
                if (!found) return false;
                fn(*found);
                value.value.encode(*found, derived().path());
                value.made = true;
            }
            static_cast<void>(put_now(key, value, no_encoding, when_there::assign));
            return true;
        });
    }
    // Takes the record out and gives its value, or nothing if the key is not there.
    std::optional<mapped_type> extract(key_param k) {
        const encoded_key key(k);
        std::optional<mapped_type> value;
        if (!key.possible()) return value;
        derived().change_record([&] {
            value = this->read_working(key.arg());
            return value && erase_now(key.arg());
        });
        return value;
    }

protected:
    [[nodiscard]] Derived& derived() noexcept { return static_cast<Derived&>(*this); }

private:
    enum class when_there : std::uint8_t { keep, assign };

    // Encoded keys, one after the other.
    class key_list {
    public:
        void add(bytes_view stored) {
            bytes_.append(stored.data(), stored.size());
            ends_.push_back(bytes_.size());
        }
        [[nodiscard]] std::size_t count() const noexcept { return ends_.size(); }
        [[nodiscard]] bytes_view key(std::size_t i) const noexcept {
            const std::size_t from = i == 0 ? 0 : ends_[i - 1];
            return {bytes_.data() + from, ends_[i] - from};
        }

    private:
        growing_array<std::byte> bytes_;
        growing_array<std::size_t> ends_;
    };

    [[nodiscard]] record_change<types> edit() noexcept {
        return {derived().store_ref(), derived().state()};
    }
    // A change of many records: all or nothing also inside an open transaction.
    template <class Work>
    void whole(Work&& work) {
        derived().change([&] { derived().all_or_nothing(work); });
    }

    [[nodiscard]] std::optional<mapped_type> read_working(typename layout::key_arg key) {
        store& s = derived().store_ref();
        std::optional<mapped_type> value;
        s.guarded([&] {
            path at;
            at.to(s.cache(), s.root(types::tree_index), key);
            if (!at.found) return;
            [[maybe_unused]] small_bytes<8> scratch;
            value.emplace(static_cast<mapped_type>(types::decode_value(
                s.cache(), layout::value(at.leaf().page, at.leaf().index), scratch)));
        });
        return value;
    }

    // A value as it is stored; made once, though the change that it is for may start over.
    struct encoded_once {
        encoded_value value;
        bool made = false;
    };
    static constexpr auto no_encoding = [](encoded_value&, const std::string&) noexcept {};

    template <class Encode>
    insert_result put(key_param k, Encode&& encode, when_there there) {
        const encoded_key key(k);
        key.require_possible(derived().path());
        encoded_once value;
        insert_result result = derived().change_record([&] {
            insert_result done = put_now(key, value, encode, there);
            // What the iterator stands on is the version that the change makes.
            if constexpr (Derived::changes_commit) done.first.share_ = derived().share_written();
            return done;
        });
        if (result.first.cursor_.at_end())
            this->seek(result.first, [&](const format::root_record& root) {
                result.first.cursor_.to_lower_bound(this->pages(), root, key.arg());
            });
        return result;
    }
    // The insertion of a range, inside a change.
    class range_insertion {
    public:
        explicit range_insertion(write_face& face)
            : face_(face), window_(face.edit(), std::size_t{4} << 20) {}
        template <class Pair>
        void add(Pair&& pair) {
            const encoded_key key(pair.first);
            const std::string& path = face_.derived().path();
            key.require_possible(path);
            store& s = face_.derived().store_ref();
            const std::uint64_t before = s.changes();
            encoded_value value;
            value.encode(pair.second, path);
            if (QUIRE_UNLIKELY(s.changes() != before)) fail_reentered();
            window_.add(record_action::insert, typename types::logged_key(key.arg()).view(),
                        value.view());
        }
        void apply() { window_.apply(); }

    private:
        write_face& face_;
        change_window<types> window_;
    };

    // Inserts or assigns in the working state; the iterator reads it too, and is at the end if the
    // change has split a page and it is not known where the record went.
    template <class Encode>
    insert_result put_now(const encoded_key& key, encoded_once& value, Encode&& encode,
                          when_there there) {
        store& s = derived().store_ref();
        insert_result result{const_iterator(typename Base::share(s, nullptr)), false};
        s.changing(s.root(types::tree_index).level, [&] {
            path at;
            at.to(s.cache(), s.root(types::tree_index), key.arg());
            if (at.found && there == when_there::keep) {
                result.first.cursor_.to(s.cache(), at);
                return;
            }
            if (!value.made) {
                const std::uint64_t before = s.changes();
                encode(value.value, derived().path());
                if (QUIRE_UNLIKELY(s.changes() != before)) fail_reentered();
                value.made = true;
            }
            edit().put(at, key.arg(), value.value.view());
            result.second = !at.found;
            if (at.depth != 0) result.first.cursor_.to(s.cache(), at);
        });
        result.first.note();
        return result;
    }
    [[nodiscard]] bool erase_now(typename layout::key_arg key) {
        store& s = derived().store_ref();
        bool erased = false;
        s.changing(s.root(types::tree_index).level, [&] {
            path at;
            at.to(s.cache(), s.root(types::tree_index), key);
            if (!at.found) return;
            edit().erase(at, key);
            erased = true;
        });
        return erased;
    }
    void erase_all(const key_list& keys) {
        for (std::size_t i = 0; i < keys.count(); ++i)
            static_cast<void>(erase_now(layout::arg_of(keys.key(i))));
    }
    template <class Wanted>
    [[nodiscard]] key_list collect(const_iterator it, const typename layout::key_buffer* high,
                                   Wanted&& wanted) {
        key_list keys;
        for (; !it.cursor_.at_end(); ++it) {
            typename layout::key_buffer buffer;
            const bytes_view stored = layout::key(it.cursor_.leaf(), it.cursor_.index(), buffer);
            if (high != nullptr && !layout::less(layout::arg_of(stored), high->arg())) break;
            if (wanted(static_cast<const const_iterator&>(it))) keys.add(stored);
        }
        return keys;
    }
    template <class Wanted>
    [[nodiscard]] key_list keys_of(typename layout::key_arg low,
                                   const typename layout::key_buffer* high, Wanted&& wanted) {
        return collect(this->from(working(), low), high, wanted);
    }
    template <class Wanted>
    [[nodiscard]] key_list keys_of_all(Wanted&& wanted) {
        const_iterator it(working());
        this->seek(
            it, [&](const format::root_record& root) { it.cursor_.to_first(this->pages(), root); });
        return collect(std::move(it), nullptr, wanted);
    }
    [[nodiscard]] typename Base::share working() noexcept {
        return typename Base::share(derived().store_ref(), nullptr);
    }
};

} // namespace quire::detail
