/* [park] in docs/protocols.md: a goroutine is published only after it has left its stack; then it
   runs again, once per wake, on whichever worker. One goroutine that parks ROUNDS times on worker 0,
   1, 0, ...; a waker that makes it ready each time; two workers that run what is ready.

   Defects (-D...):
     EARLY_UNLOCK   the primitive's lock is released before the switch: the waker may find a
                    goroutine whose registers are not saved
     READY_BEFORE_UNLINK  the waker makes it ready before the waiter is out of the queue
     LOST_READY     the waker looks once for a waiter, and goes away when there is none */

#define ROUNDS 2
#define WORKERS 2

bool locked;        /* the primitive's lock */
bool linked;        /* the waiter is in the queue */
bool saved = true;  /* the goroutine's registers are in its fiber record */
byte on_stack;      /* workers that run on the goroutine's stack */
byte in_queue;      /* times that it is in a run queue */
byte parks, wakes;
bool finished;

inline lock() { atomic { !locked -> locked = true } }
inline unlock() { locked = false }

proctype worker() {
  do
  :: atomic { in_queue > 0 -> in_queue-- };
     assert(saved);                  /* else it would run on registers of the past */
     saved = false;
     on_stack++;
     assert(on_stack == 1);          /* never on two workers */
     if
     :: parks == ROUNDS -> finished = true; on_stack--; saved = true
     :: else ->
        lock();                      /* [park.1] */
        assert(!linked);             /* one waiter, once in the queue */
        linked = true;
        parks++;
#ifdef EARLY_UNLOCK
        unlock();
#endif
        on_stack--;                  /* [park.3] the switch */
        saved = true;                /* [park.4] on the next fiber */
#ifndef EARLY_UNLOCK
        unlock()
#endif
     fi
  :: finished -> break
  od
}

proctype waker() {
  do
  :: wakes < ROUNDS ->
#ifdef LOST_READY
     lock();
     if
     :: linked -> skip
     :: else -> unlock(); wakes++; goto next
     fi;
#else
     atomic { linked && !locked -> locked = true };  /* comes until there is a waiter */
#endif
#ifdef READY_BEFORE_UNLINK
     in_queue++;
     unlock();
     lock();
     linked = false;
     unlock();
#else
     linked = false;                 /* [park.5] */
     unlock();
     in_queue++;                     /* ready(); nothing of the waiter after it */
#endif
     wakes++;
next:
     skip
  :: else -> break
  od
}

init {
  byte i;
  atomic {
    in_queue = 1;
    for (i : 1 .. WORKERS) {
      run worker()
    };
    run waker()
  }
}

/* Liveness: it comes to its end. */
ltl it_goes_on { <> finished }
