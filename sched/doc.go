// Package sched knows the kernel's IPVS schedulers: their names, modules and
// flags, and which server each of them gives a connection. It asks no kernel and
// imports only the standard library.
//
// All and Find give the schedulers, FlagNames and ParseFlag the words for the
// three flag bits a service keeps for its scheduler:
//
//	flags, err := sched.ParseFlag("sh", "sh-port") // sched.Flag2
//	words := sched.FlagNames("sh", flags)          // sh-port
//
// A Service is a model of a virtual service. It follows the rules of Linux 6.1
// one by one, so that it takes the server the kernel would take (Generation says
// where versions differ):
//
//	s, err := sched.New("wlc", sched.Options{}, servers...)
//	choice := s.Choose(sched.Connection{Client: client, Virtual: virtual})
//	s.Opened(choice.Server, true)
//
// Choose moves the scheduler on, as a packet would; Opened, Moved and Closed
// keep the counters that some schedulers go by. Next is Choose without reasons,
// and quicker. Simulate sends it many connections.
//
// What a kernel does not show of a service it has, a model cannot know: Choice
// says with Doubts what is not certain, and what would make it so.
//
// The newest server is the first of the list, in the kernel as here. Of twos,
// which draws random numbers, Shares gives the probabilities.
package sched
