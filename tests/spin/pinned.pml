/* [pinned] in docs/protocols.md: a goroutine locked to its thread runs there only, nothing else runs
   there meanwhile, and whoever picks it hands its place over. Worker 0 is the pinned one, worker 1
   picks; one place; an other goroutine keeps the picker busy.

   Defects (-D...):
     TURN_RESET_LATE   the pinned worker resets its word after its goroutine has run: the next turn,
                       handed over meanwhile, is lost
     STACK_SHOWN       the goroutine's stack is not put aside: the picker switches to it
     PLACE_KEPT        the picker keeps its place when it hands over */

#define ROUNDS 3

bool ready;          /* the goroutine is in a queue */
bool aside = true;   /* its stack is put aside */
byte turn;           /* turn_ of worker 0 */
byte used = 1;       /* places in use, of one */
bool pinned_has_place, pinned_runs;
byte turns;
bool finished;

/* The pinned worker gives its place up, unless the monitor took it. */
inline leave() {
  d_step {
    if
    :: pinned_has_place -> pinned_has_place = false; used--
    :: else
    fi
  }
}

proctype pinned_worker() {
  do
  :: turns < ROUNDS ->
     turn != 0;                 /* [pinned.4] */
#ifndef TURN_RESET_LATE
     turn = 0;
#endif
     pinned_runs = true;
     turns++;
     if
     :: turns < ROUNDS ->
#ifndef STACK_SHOWN
        aside = true;           /* [pinned.1] before it can be seen */
#else
        aside = false;
#endif
        pinned_runs = false;
        ready = true;           /* parked, and made ready at once by somebody */
#ifdef TURN_RESET_LATE
        turn = 0;
#endif
        leave()                 /* [pinned.2] */
     :: else -> pinned_runs = false; leave()
     fi
  :: else -> break
  od;
  finished = true
}

/* The goroutine may be stuck: then its place is another worker's. */
proctype monitor() {
  do
  :: d_step { pinned_runs && pinned_has_place -> pinned_has_place = false; used-- }
  :: finished -> break
  od
}

proctype picker() {
  bool place = true;
  do
  :: place && ready ->
     ready = false;
     assert(aside);             /* else this worker would switch to it */
     assert(!pinned_runs);
#ifndef PLACE_KEPT
     d_step { place = false; pinned_has_place = true };  /* [pinned.3] */
#else
     d_step { pinned_has_place = true; used++ };
#endif
     assert(used <= 1);
     turn = 1
  :: !place -> d_step { used == 0 -> used = 1; place = true }
  :: finished -> break
  od
}

init {
  atomic {
    ready = true;
    run pinned_worker();
    run picker();
    run monitor()
  }
}

ltl it_has_its_turns { <> finished }
