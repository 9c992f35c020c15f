#!/usr/bin/env python3
"""Mutations: lines of the sources that are wrong when a test says so. Each must be found by a model:
those of the scheduler by the one that run_mutations.cpp names for it, all others by the one that names
them itself. A name begins with that of the protocol that it breaks: tools/lint/protocols.py.

    mutate.py ROOT FILE OUT   writes OUT/FILE: FILE with its mutations, each of them behind a switch
    mutate.py --files         the files that have some, as CMake wants a list
    mutate.py --names

A mutation replaces an expression, or, if it ends with a semicolon, a statement. Lines keep their
numbers."""

import os
import sys

SCHED = "runtime/src/sched/"
SYNC = "runtime/src/sync/"
CHAN = "channels/src/"
CONTEXT = "context/src/"
# name: (file, what is right, what is wrong); the last two may be lists, of places that go together
MUTATIONS = {
    # [idle]
    "IdleSleepWithoutSecondLook": (
        SCHED + "sleep.cpp",
        "!sched_.global.empty() && sched_.idle.leave_sleep(this)", "false"),
    "IdleWakeWordIsResetLate": (
        SCHED + "sleep.cpp",
        "sched_.idle.enter_sleep(this, searching, futile)",
        "[&] { const auto n = sched_.idle.enter_sleep(this, searching, futile);"
        " wake_word_.store(0, relaxed); return n; }()"),
    "IdleWhoLeavesStaysASleeper": (
        SCHED + "idle.cpp", "unlink_sleeper(self);\n  solo_revoke();", "solo_revoke();"),
    "IdleSearchIsKeptInSleep": (
        SCHED + "idle.cpp", "(is_searching ? searching_one : 0)", "0"),
    "IdlePlaceIsKeptInSleep": (
        SCHED + "idle.cpp", "(self->has_place ? awake_one : 0)", "0"),
    "IdleSubmitterLooksFirst": (
        SCHED + "scheduler.cpp",
        'WEFT_CHECK(global.push(g), "out of memory for the global queue");\n'
        "  if (idle.must_wake()) {\n    wake_one();\n  }",
        "const bool must = idle.must_wake(); global.push(g); if (must) { wake_one(); }"),
    "IdleStuckWorkerKeepsItsQueues": (
        SCHED + "run_queue.cpp",
        "n = take_as_thief(moved, batch);", ";"),
    # [stop]
    "StopSleepWithoutLook": (
        SCHED + "sleep.cpp", "sched_.stopping() || stopped()", "false"),
    "StopSleepersAreNotWoken": (
        SCHED + "stop.cpp", "static_cast<worker*>(w)->wake();", ";"),
    "StopThreadStartsAfterIt": (
        SCHED + "scheduler.cpp", "stopping() || (dormant == nullptr && index == max_threads)",
        "dormant == nullptr && index == max_threads"),
    "StopUsersAreNotAwaited": (
        SCHED + "scheduler.cpp",
        "// [stop.2] seq_cst, and acquire: either a user saw nullptr, or it is counted here.\n"
        "  for (int i = 0; users.load(seq_cst) != 0; ++i) {\n"
        "    if (i < short_waits) {\n"
        "      sys.give_up_processor();\n"
        "    } else {\n"
        "      sys.nap(nap_ns);  // whoever is in exit() never goes [exit.3]\n"
        "    }\n"
        "  }", "static_cast<void>(short_waits); static_cast<void>(nap_ns);"),
    "StopUserIsCountedLate": (
        SCHED + "scheduler.cpp",
        "users.fetch_add(1, seq_cst);               // [stop.1] seq_cst: before the look at the_scheduler\n"
        "  scheduler_ = the_scheduler.load(seq_cst);  // [stop.1] seq_cst: see retract(); [solo.7]\n",
        "scheduler_ = the_scheduler.load(seq_cst); users.fetch_add(1, seq_cst);"),
    # [solo]
    "SoloSleeperThatIsWokenDoesNotRevoke": (
        SCHED + "sleep.cpp", "arrive();\n  counts_as_asleep_ = false;",
        "counts_as_asleep_ = false;"),
    "SoloNewWorkerDoesNotRevoke": (
        SCHED + "worker.cpp", "set_this_worker(this);\n  arrive();",
        "set_this_worker(this);"),
    "SoloForeignThreadDoesNotRevoke": (
        SCHED + "solo.cpp", "s->idle.revoke_solo();", ";"),
    "SoloRevokeWithoutBarrier": (
        SCHED + "solo.cpp", "sys.barrier_everywhere();", ";"),
    "SoloRevokeDoesNotWait": (
        SCHED + "solo.cpp",
        "while (!has_left_section(solo.busy)) {  // [solo.6]\n"
        "    sys.give_up_processor();\n"
        "  }", ";"),
    # [gate]
    "GateThiefComesWithoutBarrier": (
        SCHED + "thief_gate.hpp", "sys.barrier_everywhere();", ";"),
    "GateThiefDoesNotWait": (
        SCHED + "thief_gate.hpp", "has_left_section(busy_)", "true"),
    "GateThiefTrustsWhoIsInside": (
        SCHED + "thief_gate.hpp", "return false;  // one barrier is enough\n",
        "return has_left_section(busy_);"),
    "GateOpensWithAThiefInside": (
        SCHED + "thief_gate.hpp", "(now & inside_mask) == 0", "true"),
    "GateThiefComesUnseen": (
        SCHED + "steal.cpp", "= victim.gate_.receive()", "= gate_.receive()"),
    "GateRescueComesUnseen": (
        SCHED + "run_queue.cpp", "= gate_.receive()",
        "= []() -> thief_gate& { static thief_gate other(thief_gate::may_open::no);"
        " return other; }().receive()"),
    # [exit]
    "ExitDoesNotWaitForWorkers": (
        SCHED + "stop.cpp", "me.part_with_threads(me.await_workers(leaving) >= leaving, here);",
        "static_cast<void>(leaving); me.part_with_threads(false, here);"),
    "ExitDoesNotWaitForWorkersThatTheEndStops": (
        SCHED + "stop.cpp", "me.await_workers(me.started_.load(acquire) - stays);", ";"),
    "ExitOneOfTwoWhoWaitForWorkersIsWoken": (
        SCHED + "scheduler.cpp", "sys.futex_wake(exited_.address(), INT_MAX);",
        "sys.futex_wake(exited_.address(), 1);"),
    "ExitAndTheEndBothStopWorkers": (
        SCHED + "stop.cpp", "stopper_.exchange(1, acq_rel) != 0", "false"),
    # [drain]
    "DrainLastGoroutineTellsNobody": (
        SCHED + "sleep.cpp", "sched_.tell_if_none_lives();", ";"),
    "DrainOneOfTwoWaitersIsTold": (
        SCHED + "drain.cpp", "INT_MAX", "1"),
    "DrainWaiterSleepsOnWhatIsNew": (
        SCHED + "drain.cpp", "sys.futex_wait(drained_.address(), seen, left);",
        "sys.futex_wait(drained_.address(), drained_.load(relaxed), left);"),
    # [retire]
    "RetireOfAWokenThread": (
        SCHED + "idle.cpp", "!self->asleep || asleep_ + awake(word_.load(relaxed)) <= enough",
        "asleep_ + awake(word_.load(relaxed)) <= enough"),
    "RetireStaysASleeper": (
        SCHED + "idle.cpp", "unlink_sleeper(self);\n  return true;", "return true;"),
    "RetireOldThreadIsNotJoined": (
        SCHED + "scheduler.cpp", "::pthread_join(w.thread_, nullptr);", ";"),
    # [visit]
    "VisitRunnerIsNotLookedFor": (
        "runtime/src/debug/visit.cpp", "= runner_of(&g)", "= nullptr"),
    "VisitStackIsEntered": (
        "runtime/src/stack/switch.cpp", "await_end_of_visit(to);", ";"),
    "VisitStackCountsAsLeftTooEarly": (
        "runtime/src/stack/switch.cpp",
        "d.to->sp.store(nullptr, relaxed);", ";"),
    # [monitor], [timer.6]
    "MonitorSleepsWithoutSecondLook": (
        SCHED + "monitor.cpp",
        "if (all_asleep() && picks() == picked) {\n            sleep_deeply();\n          } else {\n            nudge();\n          }",
        "sleep_deeply();"),
    "MonitorIsNotNudged": (
        SCHED + "monitor.cpp",
        "word_.compare_exchange(expected, on_watch, acq_rel, acquire)", "false"),
    "TimerMonitorDoesNotLookAgain": (
        SCHED + "monitor.cpp", "asleep != 0 || next_timer() >= limit", "true"),
    "TimerMonitorIsNotTold": (
        SCHED + "scheduler.cpp", "monitor_.expect(when);", ";"),
    # [outside]
    "OutsideWokenThreadCountsAsBlocked": (
        SCHED + "park.cpp", "discount_blocked_thread();", ";"),
    "OutsideReportAfterOneLook": (
        SCHED + "monitor.cpp",
        "!all_asleep() || picks() != before || blocked_threads.load(acquire) != blocked ||\n"
        "      sched_.main_done_.load(acquire) != 0", "false"),
    # [pinned]
    "PinnedTurnIsNotHandedOver": (
        SCHED + "os_thread.cpp", "to->turn_.fetch_or(handed, acq_rel);", ";"),
    "PinnedPlaceIsPassedToWhoHasOne": (
        SCHED + "idle.cpp", "!from->has_place || to->has_place", "!from->has_place"),
    "PinnedTurnIsNotTakenBack": (
        SCHED + "os_thread.cpp", "turn_.store(0, relaxed);", ";"),
    # [attention]
    "AttentionIsNotPaidByAPick": (
        SCHED + "run_queue.cpp", "attention_.load(relaxed) != 0", "false"),
    # [next]
    "NextIsLeftToItsOwner": (
        SCHED + "steal.cpp",
        "if (then.next && now.next && then.picks == now.picks) {\n"
        "    goroutine* g = victim.next_.load(relaxed);  // relaxed: the CAS decides\n"
        "    // [next.2] acquire: pairs with [next.1]; takes the slot only from an owner that stands still.\n"
        "    if (g != nullptr && victim.next_.compare_exchange(g, nullptr, acq_rel, relaxed)) {\n"
        "      counts_.stolen.bump();\n      return g;\n    }\n  }", ";"),
    # [chan]
    "ChanCloseWakesNoReceiver": (
        CHAN + "chan_core.cpp",
        "ready_chain(receivers);\n  if (more) {\n    close_portions();\n  }", ";"),
    "ChanCloseWakesNoSender": (
        CHAN + "chan_core.cpp", "ready_chain(senders);", ";"),
    "ChanCloseKeepsNoReference": (
        CHAN + "chan_core.cpp", "retain();  // the woken may drop every other handle\n", ";"),
    "ChanRefillIsForgotten": (
        CHAN + "chan_core.cpp", "turn_slot(to, w);", "empty_slot(to);"),
    "ChanTryLooksWithoutTheLock": (  # one of both would not do: the lock of the other one orders them
        "channels/include/weft/detail/chan_core.hpp", ["alone && !may_send()", "alone && !may_recv()"],
        ["!may_send()", "!may_recv()"]),
    "ChanValueIsMovedAfterTheWake": (
        CHAN + "chan_core.cpp",
        "hand_over(w, from);\n    w->result = wake_result::done;\n    ready(w->who);",
        "w->result = wake_result::done; ready(w->who); hand_over(w, from);"),
    # [claim]
    "ClaimThatIsLostIsTaken": (
        SCHED + "claim.cpp",
        "w->who->claim.compare_exchange(expected, w->ticket + 1 + w->index, acq_rel, relaxed)",
        "(w->who->claim.compare_exchange(expected, w->ticket + 1 + w->index, acq_rel, relaxed), true)"),
    "ClaimThatIsLostEndsTheSearch": (
        "runtime/include/weft/detail/park.hpp",
        "if (w->ticket == 0 || try_claim(w)) {\n      return w;\n    }",
        "return w->ticket == 0 || try_claim(w) ? w : nullptr;"),
    # [select]
    "SelectWithoutSecondPass": (
        CHAN + "select_core.cpp", "i == none", "true"),
    "SelectStaysInTheOtherQueues": (
        CHAN + "select_core.cpp",
        "if (scratch.order[k] != won) {\n      leave(a.at(k), &a.waiter_at(k));\n    }", ";"),
    "SelectTimeoutWithoutSecondPass": (
        CHAN + "select_core.cpp",
        "can_go_locked(entries[k])", "(me != nullptr && can_go_locked(entries[k]))"),
    # [chan_timer]
    "ChanTimerStopLeavesTheValue": (
        CHAN + "chan_timer.cpp", "*timer_ = t;", "if (t.active) { *timer_ = t; }"),
    "ChanTimerIsSetAndNobodyLooksAgain": (
        CHAN + "chan_timer.cpp", "ready_chain(receivers);", ";"),
    "ChanTimerGivesOneValueTwice": (
        CHAN + "chan_timer.cpp", "t.active = false;", ";"),
    # [limit]
    "ChanLimitSenderStaysInTheQueue": (
        CHAN + "chan_core.cpp", "leave_senders(&w);", ";"),
    "ChanLimitReceiverStaysInTheQueue": (
        CHAN + "chan_core.cpp", "leave_receivers(&w);", ";"),
    "CondLimitNotificationIsForOneWhoGaveUp": (
        SYNC + "cond_var.cpp", "!parked || w->ticket == 0 || detail::try_claim(w)",
        "!parked || w->ticket == 0 || detail::try_claim(w) || true"),
    "DoneSignalIsJoinedTooLate": (
        SYNC + "done_signal.cpp", "!done()", "true"),
    "DoneSignalFiresTwice": (
        SYNC + "done_signal.cpp", "if (done()) {\n    lock_.unlock();\n    return false;\n  }", ";"),
    # [lost]
    "LostWaitIsNotLookedForAtADrop": (
        CHAN + "lost_wait.cpp", "lost = lost_search({}, nullptr, lost_by::drop).look(this);", ";"),
    "LostWaitOfASelectIsThatOfOneChannel": (
        CHAN + "lost_wait.cpp",
        "if (!add(s.entries[s.which[k]].core)) {\n        return false;\n      }", ";"),
    # [context]
    "ContextChildIsLinkedToADoneParent": (
        CONTEXT + "node.cpp", "if (done()) {\n    return false;\n  }", ";"),
    "ContextMergedStaysInOneList": (
        CONTEXT + "node.cpp", "if (leave) {\n    leave_parents();\n  }", ";"),
    "ContextSecondCancellerDoesNotHelp": (
        CONTEXT + "cancel.cpp", "return below;", "return below && first;"),
    "ContextSettlesBeforeItsChildren": (
        CONTEXT + "cancel.cpp", "below ? 0 : settled", "settled"),
    "ContextCancelSkipsAChild": (
        CONTEXT + "cancel.cpp", "l->child->try_retain()", "false"),
    "ContextErrorIsSeenBeforeItsChannelIsClosed": (
        CONTEXT + "cancel.cpp",
        "if ((state & closing) != 0) {\n    close_channel();  // [context.4] who sees the error finds the"
        " channel closed\n  }", ";"),
    # [semaphore]
    "SemaphoreReleaseGrantsNobody": (
        SYNC + "semaphore.cpp", "head->tokens > size_ - used_", "true"),
    "SemaphoreGrantsToTheFirstOnly": (
        SYNC + "semaphore.cpp", "end = &head->next;", "break;"),
    "SemaphoreWhoGivesUpLetsNobodyIn": (
        SYNC + "semaphore.cpp", "granted = grant();  // [semaphore.3]\n", ";"),
    "SemaphoreGrantsToOneWhoGaveUp": (
        SYNC + "semaphore.cpp", "head->ticket == 0 || detail::try_claim(head)",
        "head->ticket == 0 || detail::try_claim(head) || true"),
    # [cond]
    "CondNotificationLeavesNoMark": (
        SYNC + "cond_var.cpp", "w->result = wake_result::done;", ";"),
    "CondWaitDoesNotLookForTheMark": (
        SYNC + "cond_var.cpp",
        "if (waiter_.result == wake_result::done) {\n    cond_.lock_.unlock();\n"
        "    detail::race::saw_notice(waiter_.who);\n    return wait_end::woken;\n  }", ";"),
    # [mutex]
    "MutexUnlockForgetsThatOneWasWoken": (
        SYNC + "mutex.cpp", "to &= ~woken;", ";"),
    "MutexLastToGiveUpStaysAnnounced": (
        SYNC + "mutex.cpp", "state_.fetch_and(~(waiting | starving), detail::relaxed);", ";"),
    # [once]
    "OnceOthersAreNotWoken": (
        SYNC + "once.cpp", "detail::ready_chain(w);", ";"),
    # [wait_group]
    "WaitGroupZeroWakesOneOfTwo": (
        SYNC + "wait_group.cpp", "detail::take_claimed(waiters_, detail::wake_result::done)",
        "detail::take_claimed(waiters_, detail::wake_result::done, 1)"),
}


def switched(name, right, wrong):
    on = f'::weft::detail::model_mutation("{name}")'
    wrong = " ".join(wrong.split())
    if right.endswith((";", "}", "\n")):
        return f"if ({on}) {{ {wrong} }} else {{ {right} }}"
    if right.startswith("= "):
        return f"= ({on} ? {wrong[2:]} : {right[2:]})"
    return f"({on} ? ({wrong}) : ({right}))"


def mutate(root, file, out):
    with open(os.path.join(root, file), encoding="utf-8") as f:
        text = f.read()
    for name, (where, right, wrong) in MUTATIONS.items():
        if where != file:
            continue
        for one, other in zip(right, wrong) if isinstance(right, list) else [(right, wrong)]:
            if text.count(one) != 1:
                sys.exit(f"{file}: {name}: its text is there {text.count(one)} times")
            text = text.replace(one, switched(name, one, other))
    path = os.path.join(out, file)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    text = ("namespace weft::detail { bool model_mutation(const char* name) noexcept; }\n"
            f'#line 1 "{os.path.join(root, file)}"\n{text}')
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            if f.read() == text:
                return  # left as it is: nothing need be compiled again
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


if sys.argv[1:] == ["--files"]:
    print(";".join(sorted({where for where, _, _ in MUTATIONS.values()})))
elif sys.argv[1:] == ["--names"]:
    print(",".join(MUTATIONS))
else:
    mutate(*sys.argv[1:])
