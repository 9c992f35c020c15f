// Command compare runs the workloads of bench/README.md in Go. Same names, same work and same
// counts as ../weft and ../boost_fiber; every result is checked.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// measurement is a row of results. Its name is the workload's and the suffix; the unit follows from
// how that ends: "_bytes" bytes per operation, "_cpu" nanoseconds of CPU time, otherwise
// nanoseconds.
type measurement struct {
	value     float64
	suffix    string
	quantiles string // of single operations, as quantiles() writes them; or empty
}

// results is what one run of a workload yields.
type results []measurement

// start says what runs before the measured run.
type start int

const (
	warm      start = iota // a warm-up with 1/20 of the operations
	rehearsed              // a whole run
	cold                   // nothing
)

type workload struct {
	name string
	// count of operations at scale 1. It must equal the count in the other languages' tables;
	// tools/bench compares them.
	count int
	from  start
	run   func(count int) results
}

var workloads = []workload{
	{"spawn_join", 2_000_000, warm, spawnJoin},
	{"spawn_one", 1_000_000, warm, spawnOne},
	{"spawn_parked", 1_000_000, warm, spawnParked},
	{"ping_pong", 1_000_000, warm, pingPong},
	{"spsc_1", 3_000_000, warm, spsc1},
	{"spsc_128", 10_000_000, warm, spsc128},
	{"buf_uncontended", 10_000_000, warm, bufUncontended},
	{"mpmc_4x4_128", 8_000_000, warm, mpmc4x4},
	{"hot_chan_8x8", 2_000_000, warm, hotChan8x8},
	{"select_ready_4", 3_000_000, warm, selectReady4},
	{"select_block_3", 1_000_000, warm, selectBlock3},
	{"select_default", 10_000_000, warm, selectDefault},
	{"select_default_1", 50_000_000, warm, selectDefault1},
	{"yield_1000", 4_000_000, warm, yield1000},
	{"ring_503", 2_000_000, warm, ring503},
	{"skynet_1m", 1_000_000, warm, skynet1m},
	{"sieve_plain_1000", 1000, warm, sievePlain1000},
	{"sieve_select_1000", 1000, warm, sieveSelect1000},
	{"fib_27", 317_810, warm, fib27},
	{"nqueens", 436_200, warm, nqueens},
	{"matmul", 4096, warm, matmul},
	{"chameneos", 1_000_000, warm, chameneos},
	{"mutex_uncontended", 20_000_000, warm, mutexUncontended},
	{"mutex_contended_8", 8_000_000, warm, mutexContended8},
	{"rwmutex_read", 4_000_000, warm, rwmutexRead},
	{"timer_stop", 5_000_000, warm, timerStop},
	{"sleepers_100k", 100_000, rehearsed, sleepers100k},
	{"ctx_cancel", 3_000_000, warm, ctxCancel},
	{"ctx_timeout", 2_000_000, warm, ctxTimeout},
	{"ctx_fanout_10k", 1_000_000, warm, ctxFanout10k},
	{"errgroup_map", 1_000_000, warm, errgroupMap},
	{"parked", 1_000_000, cold, parked},
	{"close_100k_waiters", 1_000_000, warm, close100kWaiters},
	{"hog_wake", 200, warm, hogWake},
	{"idle_cpu", 1000, warm, idleCPU},
}

// A warm-up runs this share of the operations.
const warmUpDivisor = 20

func main() {
	only := flag.String("only", "", "comma-separated `names` of workloads; default all")
	procs := flag.Int("procs", 1, "goroutines that run at once")
	scale := flag.Float64("scale", 1, "`factor` for the operation counts")
	list := flag.Bool("list", false, "print name and count of each workload and exit")
	flag.Parse()

	if *list {
		for _, w := range workloads {
			fmt.Printf("%s\t%d\n", w.name, w.count)
		}
		return
	}
	if flag.NArg() > 0 || *procs < 1 || !(*scale > 0) {
		flag.Usage()
		os.Exit(2)
	}

	runtime.GOMAXPROCS(*procs)
	for _, w := range chosen(*only) {
		current = w.name
		count := int(float64(w.count) * *scale)
		switch w.from {
		case warm:
			w.run(count / warmUpDivisor)
		case rehearsed:
			w.run(count)
		}
		rows := w.run(count)
		if each := timeEach[w.name]; each != nil { // last, so that its clock disturbs nothing
			n := atLeast(count, 1)
			if n > mostTimedEach {
				n = mostTimedEach
			}
			rows[0].quantiles = quantiles(each(n))
		}
		for _, m := range rows {
			line := fmt.Sprintf("%s%s\t%.2f", w.name, m.suffix, m.value)
			if m.quantiles != "" {
				line += "\t" + m.quantiles
			}
			fmt.Println(line)
		}
	}
}

func chosen(only string) []workload {
	if only == "" {
		return workloads
	}
	var out []workload
next:
	for _, name := range strings.Split(only, ",") {
		for _, w := range workloads {
			if w.name == name {
				out = append(out, w)
				continue next
			}
		}
		fmt.Fprintf(os.Stderr, "go compare: no workload %q; --list names them\n", name)
		os.Exit(2)
	}
	return out
}

var current string // name of the running workload, for messages

// check ends the program with status 1 if a result is wrong. Its arguments are boxed, so a measured
// loop tests for itself and calls check only when the test failed.
func check(ok bool, format string, args ...any) {
	if !ok {
		fmt.Fprintf(os.Stderr, "%s: wrong result: %s\n", current, fmt.Sprintf(format, args...))
		os.Exit(1)
	}
}

func perOp(start time.Time, ops int) results {
	return results{{value: float64(time.Since(start).Nanoseconds()) / float64(ops)}}
}

func atLeast(count, minimum int) int {
	if count < minimum {
		return minimum
	}
	return count
}

// residentBytes is VmRSS of this process.
func residentBytes() int64 {
	status, err := os.ReadFile("/proc/self/status")
	check(err == nil, "%v", err)
	for _, line := range strings.Split(string(status), "\n") {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmRSS:" {
			kib, err := strconv.ParseInt(f[1], 10, 64)
			check(err == nil, "%v", err)
			return kib * 1024
		}
	}
	check(false, "no VmRSS in /proc/self/status")
	return 0
}
