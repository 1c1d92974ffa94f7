package sim

import "iter"

// Coro is a coroutine: the body runs until it calls yield and continues there
// at the next Resume. It costs neither a goroutine switch nor a channel.
type Coro struct {
	next func() (struct{}, bool)
	stop func()
}

// unwind is thrown through a body that is abandoned before its end.
type unwind struct{}

// NewCoro prepares a coroutine; the body starts with the first Resume.
func NewCoro(body func(yield func())) *Coro {
	next, stop := iter.Pull(func(emit func(struct{}) bool) {
		defer func() {
			if r := recover(); r != nil {
				if _, ok := r.(unwind); !ok {
					panic(r)
				}
			}
		}()
		body(func() {
			if !emit(struct{}{}) {
				panic(unwind{})
			}
		})
	})
	return &Coro{next, stop}
}

// Resume runs the body to its next yield. It returns false when the body has
// returned.
func (c *Coro) Resume() bool {
	_, alive := c.next()
	return alive
}

// Stop abandons the body: its pending yield does not return, deferred calls
// run, and Stop returns when the stack is gone.
func (c *Coro) Stop() { c.stop() }
