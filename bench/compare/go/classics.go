package main

// Programs that every collection of benchmarks has: the prime sieve, chameneos.

import (
	"sync"
	"time"
)

// 2, 3, 4, ... run through a chain of goroutines, each of which keeps back what its prime divides.
// Nobody tells them when it is enough.
func generate(out chan<- int) {
	for i := 2; ; i++ {
		out <- i
	}
}

func filter(in <-chan int, out chan<- int, prime int) {
	for v := range in {
		if v%prime != 0 {
			out <- v
		}
	}
}

func sievePlain1000(primes int) results {
	primes = atLeast(primes, 1)
	prime := 0
	start := time.Now()
	in := make(chan int)
	go generate(in)
	for i := 0; i < primes; i++ {
		prime = <-in
		out := make(chan int)
		go filter(in, out, prime)
		in = out
	}
	m := perOp(start, primes)
	check(prime == nthPrime(primes), "the %dth prime is %d", primes, prime)
	return m
}

// Here they are told.
func generateUntil(quit <-chan struct{}, out chan<- int) {
	for i := 2; ; i++ {
		select {
		case out <- i:
		case <-quit:
			return
		}
	}
}

func filterUntil(quit <-chan struct{}, in <-chan int, out chan<- int, prime int) {
	for {
		select {
		case v := <-in:
			if v%prime == 0 {
				continue
			}
			select {
			case out <- v:
			case <-quit:
				return
			}
		case <-quit:
			return
		}
	}
}

func sieveSelect1000(primes int) results {
	primes = atLeast(primes, 1)
	quit := make(chan struct{})
	var wg sync.WaitGroup
	prime := 0
	start := time.Now()
	in := make(chan int)
	wg.Add(1)
	go func(out chan<- int) {
		generateUntil(quit, out)
		wg.Done()
	}(in)
	for i := 0; i < primes; i++ {
		prime = <-in
		out := make(chan int)
		wg.Add(1)
		go func(in <-chan int, prime int) {
			filterUntil(quit, in, out, prime)
			wg.Done()
		}(in, prime)
		in = out
	}
	m := perOp(start, primes)
	close(quit)
	wg.Wait()
	check(prime == nthPrime(primes), "the %dth prime is %d", primes, prime)
	return m
}

func nthPrime(n int) int {
	for candidate := 2; ; candidate++ {
		prime := true
		for d := 2; d*d <= candidate && prime; d++ {
			prime = candidate%d != 0
		}
		if prime {
			if n--; n == 0 {
				return candidate
			}
		}
	}
}

type encounter struct{ id, colour int }

type creature struct {
	id, colour     int
	call           chan encounter // from who comes second
	met, metItself int
}

type meetingPlace struct {
	mu    sync.Mutex
	left  int
	first *creature
}

// meet lets who comes first wait for the second. False: there are no more meetings.
func (p *meetingPlace) meet(me *creature) (encounter, bool) {
	p.mu.Lock()
	if p.left == 0 {
		p.mu.Unlock()
		return encounter{}, false
	}
	if p.first == nil {
		p.first = me
		p.mu.Unlock()
		return <-me.call, true
	}
	other := p.first
	p.first = nil
	p.left--
	p.mu.Unlock()
	seen := encounter{other.id, other.colour}
	other.call <- encounter{me.id, me.colour}
	return seen, true
}

// complement of the colours 0, 1 and 2: two that are alike stay so; others become the third.
func complement(mine, others int) int {
	if mine == others {
		return mine
	}
	return 3 - mine - others
}

// Ten creatures meet in pairs and change their colours. One operation is a meeting.
func chameneos(count int) results {
	colours := [...]int{0, 1, 2, 1, 2, 0, 1, 2, 1, 0}
	count = atLeast(count, 1)
	place := &meetingPlace{left: count}
	var all [len(colours)]*creature
	var wg sync.WaitGroup
	wg.Add(len(all))
	start := time.Now()
	for i := range all {
		me := &creature{id: i, colour: colours[i], call: make(chan encounter, 1)}
		all[i] = me
		go func() {
			for {
				other, ok := place.meet(me)
				if !ok {
					break
				}
				me.colour = complement(me.colour, other.colour)
				me.met++
				if other.id == me.id {
					me.metItself++
				}
			}
			wg.Done()
		}()
	}
	wg.Wait()
	m := perOp(start, count)
	met := 0
	for _, c := range all {
		met += c.met
		check(c.metItself == 0, "a creature met itself %d times", c.metItself)
	}
	check(met == 2*count, "%d creatures met in %d meetings", met, count)
	return m
}
