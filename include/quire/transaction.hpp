// Snapshots and transactions of a transactional map.
//
// snapshot: a const map face on one committed version, which stays whole while the snapshot lives.
// Movable, any number of them, any thread; one snapshot is used by any number of threads at a time.
//
// transaction: the whole map face on the writer's own view. One at a time a store; others wait for
// it. What it does is invisible outside until commit, and undone if it ends without. Movable
// between threads, used by one at a time. Its iterators end with its next change.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include <quire/backup.hpp>
#include <quire/core/growing_array.hpp>
#include <quire/read_face.hpp>
#include <quire/write_face.hpp>

namespace quire {

template <class Types>
class basic_snapshot;
template <class Types>
class basic_transaction;

namespace detail {

template <class Types>
struct face_traits<basic_snapshot<Types>> {
    using types = Types;
};
template <class Types>
struct face_traits<basic_transaction<Types>> {
    using types = Types;
};

} // namespace detail

template <class Types>
class basic_snapshot : public detail::read_face<basic_snapshot<Types>> {
    using share = detail::version_share<Types>;

public:
    // The version that is read.
    [[nodiscard]] quire::version version() const noexcept { return share_.number(); }

    // Writes it to a store of its own: see btree_map::backup.
    backup_report backup(const std::string& to, backup_options how = {}) const {
        return backup(to, how, [](const backup_report&) { return true; });
    }
    template <class GoOn>
    backup_report backup(const std::string& to, backup_options how, GoOn&& go_on) const {
        return detail::copier<Types, share>(share_, to, how).run(go_on);
    }

private:
    template <class, class, class...>
    friend class btree_map;
    template <class>
    friend class detail::read_face;

    explicit basic_snapshot(share s) noexcept : share_(std::move(s)) {}

    [[nodiscard]] share source() const noexcept { return share_; }
    template <class Read>
    decltype(auto) with_root(Read&& read) const {
        return share_.of().guarded([&]() -> decltype(auto) { return read(share_.root()); });
    }
    [[nodiscard]] typename Types::store& store_ref() const noexcept { return share_.of(); }
    [[nodiscard]] const std::string& path() const noexcept { return share_.of().path(); }

    share share_;
};

template <class Types>
class basic_transaction : public detail::write_face<basic_transaction<Types>,
                                                    detail::read_face<basic_transaction<Types>>> {
    using store = typename Types::store;

public:
    // A state of the transaction to go back to. Good until the transaction ends or goes back to an
    // earlier one.
    class savepoint_type {
        friend basic_transaction;
        savepoint_type(const store& of, const typename store::mark& mark) noexcept
            : of_(&of), mark_(mark) {}
        const store* of_;
        typename store::mark mark_;
    };

    basic_transaction(basic_transaction&& other) noexcept
        : store_(std::exchange(other.store_, nullptr)), state_(other.state_),
          durability_(other.durability_), savepoints_(std::move(other.savepoints_)) {}
    basic_transaction& operator=(basic_transaction&&) = delete;
    // Rolled back unless committed. Never throws.
    ~basic_transaction() { rollback(); }

    // Makes the changes visible, and durable as asked; the transaction is over. On an exception it
    // is rolled back and over too: storage_full, io_error, std::bad_alloc.
    void commit() { commit(durability_); }
    void commit(durability wanted) {
        QUIRE_PRECONDITION(store_ != nullptr, "a transaction ends once");
        store* const s = std::exchange(store_, nullptr);
        s->commit(wanted);
        state_->committed(64);
    }
    // Undoes everything; the transaction is over. Does nothing when it is over already.
    void rollback() noexcept {
        if (store_ == nullptr) return;
        state_->trail = {};
        std::exchange(store_, nullptr)->roll_back();
    }
    // Remembers the present state. Costs nothing now; pages touched afterwards are copied again.
    [[nodiscard]] savepoint_type savepoint() {
        store& s = store_ref();
        savepoints_.push_back(version::none); // what can throw comes first
        const savepoint_type point(s, s.set_mark());
        savepoints_.back() = point.mark_.at;
        return point;
    }
    // Undoes what was done since the savepoint, which may be used again. Throws std::logic_error,
    // and has done nothing, when the savepoint is not of this transaction or is no longer good.
    void rollback(const savepoint_type& point) {
        QUIRE_PRECONDITION(store_ != nullptr, "the transaction is over");
        std::size_t kept = savepoints_.size();
        while (kept != 0 && savepoints_[kept - 1] != point.mark_.at) --kept;
        if (store_ == nullptr || kept == 0 || point.of_ != store_)
            throw std::logic_error("quire: the savepoint is of another transaction, or this one "
                                   "went back to before it");
        savepoints_.shorten(kept);
        state_->trail = {};
        store_->roll_back_to(point.mark_);
    }
    // Whether neither commit nor rollback has ended it.
    [[nodiscard]] bool active() const noexcept { return store_ != nullptr; }

private:
    template <class, class, class...>
    friend class btree_map;
    template <class>
    friend class detail::read_face;
    template <class, class>
    friend class detail::write_face;

    static constexpr bool changes_commit = false;

    // The writer's place has been taken.
    basic_transaction(store& s, detail::writer_state<Types>& state, durability wanted) noexcept
        : store_(&s), state_(&state), durability_(wanted) {}

    [[nodiscard]] detail::version_share<Types> source() const noexcept {
        return {store_ref(), nullptr};
    }
    template <class Read>
    decltype(auto) with_root(Read&& read) const {
        store& s = store_ref();
        return s.guarded([&]() -> decltype(auto) { return read(s.root(Types::tree_index)); });
    }
    [[nodiscard]] store& store_ref() const noexcept {
        QUIRE_PRECONDITION(store_ != nullptr, "the transaction is over");
        return *store_;
    }
    [[nodiscard]] const std::string& path() const noexcept { return store_ref().path(); }
    [[nodiscard]] detail::writer_state<Types>& state() noexcept { return *state_; }
    template <class Work>
    decltype(auto) change(Work&& work) {
        return work();
    }
    template <class Work>
    decltype(auto) change_record(Work&& work) {
        return work();
    }
    template <class Work>
    void all_or_nothing(Work&& work) {
        const typename store::mark before = store_ref().set_mark();
        try {
            work();
        } catch (...) {
            state_->trail = {};
            store_->roll_back_to(before);
            throw;
        }
    }

    store* store_; // null: over
    detail::writer_state<Types>* state_;
    durability durability_;
    growing_array<version> savepoints_; // the good ones: a version is given to one alone
};

} // namespace quire
