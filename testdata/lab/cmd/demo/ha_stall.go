package main

import (
	"time"

	"ipvsadm/testdata/lab/uml"
)

// leastStall is the shortest stall that counts.
const leastStall = 100 * time.Millisecond

// watchStalls begins to look out for stalls of the guest: sleeps that end too late.
func watchStalls() *uml.Stalls {
	s := &uml.Stalls{}
	go func() {
		const nap = 10 * time.Millisecond
		for {
			begun := time.Now()
			time.Sleep(nap)
			if now := time.Now(); now.Sub(begun) >= nap+leastStall {
				s.Add(begun, now)
			}
		}
	}()
	return s
}
