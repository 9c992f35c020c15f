/* [idle] in docs/protocols.md: what is pushed to the global queue is run, whoever was going to
   sleep. Workers and submitters, one step of the model for each access to shared memory.

   With a defect compiled in (-D...) the model checker must find that work is left lying:
     NO_SECOND_LOOK   a worker does not look at the queue again after it entered the sleepers
     EARLY_LOOK       a submitter reads the word before its push is seen (a plain load would)
     SEARCH_KEPT      a worker that goes to sleep still counts as one that searches
     WAKE_TWICE       a wake is not counted before the sleeper runs: two may be woken for one place */

#ifndef PLACES
#define PLACES 1
#endif
#define WORKERS 2
#define SUBMITTERS 2

byte awake = PLACES;      /* word_: awake and searching change together, in one step */
byte searching = PLACES;
bool locked;              /* idle_set::lock_ */
bool asleep[WORKERS];     /* under the lock */
bool woken[WORKERS];      /* wake_word_ */
byte queued;              /* the global queue */
byte submitted, ran;

inline lock() { atomic { !locked -> locked = true } }
inline unlock() { locked = false }

proctype worker(byte me; bool started) {
  bool search = started;
  if
  :: !started -> goto sleeps
  :: else
  fi;

look:
  if
  :: atomic { queued > 0 -> queued-- };
     ran++;
     if
     :: search -> d_step { searching--; search = false }
     :: else
     fi;
     goto look
  :: else
  fi;
  if
  :: !search ->
     d_step {
       if
       :: 2 * searching < awake -> searching++; search = true
       :: else
       fi
     };
     if
     :: search -> goto look
     :: else
     fi
  :: else
  fi;

  woken[me] = false;
  lock();                                  /* enter_sleep(): [idle.3] */
  asleep[me] = true;
#ifdef SEARCH_KEPT
  d_step { awake-- };
#else
  d_step { awake--; if :: search -> searching-- :: else fi };
#endif
  search = false;
  unlock();

#ifndef NO_SECOND_LOOK
  if                                       /* [idle.4] */
  :: queued > 0 ->
     lock();                               /* leave_sleep() */
     if
     :: asleep[me] && awake < PLACES ->
        d_step { awake++; searching++ };
        asleep[me] = false;
        search = true;
        unlock();
        goto look
     :: else -> unlock()
     fi
  :: else
  fi;
#endif

sleeps:
end_asleep:
  woken[me];                               /* [idle.7] */
#ifdef WAKE_TWICE
  d_step { awake++; searching++ };
#endif
  assert(awake <= PLACES);
  search = true;
  goto look
}

proctype submitter() {
  bool must;
  byte w;
#ifdef EARLY_LOOK
  must = (searching == 0 && awake < PLACES);
  queued++;
#else
  queued++;                                /* [idle.1] */
  must = (searching == 0 && awake < PLACES); /* [idle.2], an RMW */
#endif
  submitted++;
  if
  :: must ->
     lock();                               /* begin_wake() */
     if
     :: searching == 0 && awake < PLACES ->
        for (w : 0 .. WORKERS - 1) {
          if
          :: asleep[w] -> break
          :: else
          fi
        };
        if
        :: w < WORKERS ->
#ifndef WAKE_TWICE
           d_step { awake++; searching++ };  /* [idle.5] */
#endif
           asleep[w] = false;
           unlock();
           woken[w] = true
        :: else -> unlock()
        fi
     :: else -> unlock()
     fi
  :: else
  fi
}

init {
  byte i;
  atomic {
    for (i : 0 .. WORKERS - 1) {
      if
      :: i < PLACES -> run worker(i, true)
      :: else -> asleep[i] = true; run worker(i, false)
      fi
    };
    for (i : 1 .. SUBMITTERS) {
      run submitter()
    }
  }
}

/* Liveness: what is queued is run. */
ltl work_is_run { <> (ran == SUBMITTERS) }
