// [lost] in docs/protocols.md: who waits on channels that nobody else has a handle of.
#include <weft/detail/lost_wait_search.hpp>
#include <weft/detail/race.hpp>
#include <weft/exceptions.hpp>

#include <algorithm>

namespace weft::detail {

constinit spinlock lost_lock{};

void count_handles(waiter& w, const chan_core* c, handle_place place) noexcept {
  w.handles = 0;
  for (const chan_core* const* at : {place.through, place.origin}) {
    if (at != nullptr && is_callers_own(at) && *at == c) {
      ++w.handles;
    }
  }
}

bool lost_search::locked_by_me(const chan_core* c) const noexcept {
  return std::find(mine_.first, mine_.first + mine_.count, c) != mine_.first + mine_.count;
}

template <class F>
auto lost_search::with_lock(chan_core* c, F f) noexcept {
  if (locked_by_me(c)) {
    return f();
  }
  const biased_guard_besides hold(c->lock());  // lost_lock is held
  return f();
}

// [lost.3] False: too many, or one that is not watched.
bool lost_search::add(chan_core* c) noexcept {
  if (std::find(found_.begin(), found_.begin() + count_, c) != found_.begin() + count_) {
    return true;
  }
  if (count_ == most || !c->watched()) {
    return false;
  }
  found_[count_++] = c;
  return true;
}

// False: one of them may come back.
bool lost_search::count_queue(const waiter_queue& q, std::uint32_t& handles) noexcept {
  for (const waiter* w = q.front(); w != nullptr; w = w->next) {
    if (!is_open(w)) {
      return false;
    }
    handles += w->handles;
    if (w->handles == 0 || w->select == nullptr) {
      continue;
    }
    // Its frame is there: to leave it needs the lock of this channel, too.
    const select_wait& s = *w->select;
    for (std::uint32_t k = 0; k < s.count; ++k) {
      if (!add(s.entries[s.which[k]].core)) {
        return false;
      }
    }
  }
  return true;
}

// [lost.3] The handles that exist are those of the parties in its queues.
bool lost_search::all_lost(chan_core* c) noexcept {
  return with_lock(c, [&] {
    std::uint32_t handles = 0;
    return count_queue(c->senders(), handles) && count_queue(c->receivers(), handles) &&
           handles != 0 && handles == c->references();
  });
}

waiter* lost_search::look(chan_core* start) noexcept {
  count_ = 0;
  if (watch_mode() == lost_waits::ignored || !add(start)) {
    return nullptr;
  }
  for (std::size_t i = 0; i < count_; ++i) {  // grows as selects are met
    if (!all_lost(found_[i])) {
      return nullptr;
    }
  }
  // [lost.4] Nothing can change any more but by who holds lost_lock.
  waiter* ready_later = nullptr;
  for (std::size_t i = 0; i < count_; ++i) {
    with_lock(found_[i], [&] { found_[i]->end_lost(me_, how_, &ready_later); });
  }
  return ready_later;
}

// ---- what channels do with it ----

namespace {

void report_queue(const waiter_queue& q, const lost_wait& channel, wait_reason operation,
                  lost_by how) noexcept {
  for (const waiter* w = q.front(); w != nullptr; w = w->next) {
    // A select is in several queues, and may be in one twice: its first case speaks for it.
    if (w->select != nullptr && w->index != w->select->which[0]) {
      continue;
    }
    lost_wait l = channel;
    l.who = w->who;
    l.operation = w->select != nullptr ? wait_reason::select : operation;
    report_lost_wait(l, how);
  }
}

}  // namespace

void chan_core::end_lost(const goroutine* me, lost_by how, waiter** ready_later) noexcept {
  const lost_wait channel{nullptr, wait_reason::none, this, type_.signature, capacity_, len()};
  report_queue(receivers_, channel, wait_reason::chan_recv, how);
  report_queue(senders_, channel, wait_reason::chan_send, how);
  if (watch_mode() != lost_waits::woken) {
    return;
  }
  for (waiter_queue* q : {&receivers_, &senders_}) {
    // A select that was claimed in another channel of the search is passed over.
    for (waiter* w = take_claimed(*q, wake_result::abandoned); w != nullptr;) {
      waiter* next = w->next;
      if (w->who != me) {
        w->next = *ready_later;
        *ready_later = w;
      }
      w = next;
    }
  }
  show_senders();
  show_receivers();
}

void chan_core::drop_watched() noexcept {
  race::release(&refs_);
  bool last = false;
  {
    const race::runtime_code in;
    waiter* lost = nullptr;
    lost_lock.lock();
    last = refs_.drop();  // [lost.2]
    if (!last) {
      lost = lost_search({}, nullptr, lost_by::drop).look(this);
    }
    lost_lock.unlock();
    ready_chain(lost);
  }
  if (last) {
    race::acquire(&refs_);
    destroy(this);
  }
}

bool chan_core::send_watched_and_unlock(void* from, handle_place place) {
  const race::runtime_code in;
  lock_.unlock();
  return wait_watched(senders_, wait_reason::chan_send, from, place);
}

bool chan_core::recv_watched_and_unlock(void* to, handle_place place) {
  if (timer_ != nullptr) {
    return recv_and_unlock(to);
  }
  const race::runtime_code in;
  lock_.unlock();
  return wait_watched(receivers_, wait_reason::chan_recv, to, place);
}

bool chan_core::wait_watched(waiter_queue& q, wait_reason why, void* value, handle_place place) {
  goroutine* me = self();
  lost_lock.lock();
  lock_.lock_besides();
  const bool sends = &q == &senders_;
  const chan_status s = sends ? send_locked(value) : recv_locked(value);
  if (s != chan_status::would_block) {
    if (s != chan_status::ok) {
      lock_.unlock();
    }
    lost_lock.unlock();
    return s == chan_status::ok;
  }
  waiter w;
  w.who = me;
  w.value = value;
  count_handles(w, this, place);
  sends ? wait_to_send(&w) : wait_to_recv(&w);
  const chan_core* const mine = this;
  waiter* lost = lost_search({&mine, 1}, me, lost_by::wait).look(this);  // [lost.2]
  lost_lock.unlock();
  if (w.result == wake_result::abandoned) {
    lock_.unlock();
    ready_chain(lost);
    throw_abandoned(why);
  }
  park({why, this}, unlock_commit, &lock_);
  if (w.result == wake_result::abandoned) {
    throw_abandoned(why);
  }
  return w.result == wake_result::done;
}

void throw_abandoned(wait_reason why) {
  throw abandoned_channel(std::string("weft: ") + to_string(why) +
                          ": nobody else has a handle of the channel: the wait would never end");
}

}  // namespace weft::detail
