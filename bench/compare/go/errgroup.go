package main

// A group of goroutines with a limit and a first error: what golang.org/x/sync/errgroup is, by the
// same means (a wait group, a channel of places, a sync.Once, a context). That package
// is no part of Go's distribution, and this benchmark is to build without a network.

import (
	"context"
	"sync"
)

type errgroup struct {
	tasks  sync.WaitGroup
	places chan struct{} // a task holds an element; nil: no limit
	once   sync.Once
	err    error
	cancel context.CancelFunc
}

func withContext(parent context.Context) (*errgroup, context.Context) {
	ctx, cancel := context.WithCancel(parent)
	return &errgroup{cancel: cancel}, ctx
}

func (g *errgroup) setLimit(n int) { g.places = make(chan struct{}, n) }

// start runs f in a goroutine; at the limit it waits for a place.
func (g *errgroup) start(f func() error) {
	if g.places != nil {
		g.places <- struct{}{}
	}
	g.tasks.Add(1)
	go func() {
		defer g.done()
		if err := f(); err != nil {
			g.once.Do(func() {
				g.err = err
				g.cancel()
			})
		}
	}()
}

func (g *errgroup) done() {
	if g.places != nil {
		<-g.places
	}
	g.tasks.Done()
}

func (g *errgroup) wait() error {
	g.tasks.Wait()
	g.cancel()
	return g.err
}
