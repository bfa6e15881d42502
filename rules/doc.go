// Package rules is ipvsadm's language: the words of its command line and of its
// restore streams, and the text of its listings, to the byte those of ipvsadm
// 1.31. The README lists where we differ on purpose.
//
// A command line goes through three steps. scan splits words into options as
// popt does; parse checks them and makes a Command, a plain value; run carries
// the Command out on a Kernel and prints. Only the last step touches anything.
//
//	os.Exit(rules.Main(env, os.Args))
//
// What 1.31 lacks goes the same way. -R --replace reads a stream into a wish, a
// table in memory, and plans from the kernel's table to that. --dry-run runs the
// command on a rehearsal, a Kernel that keeps changes to itself.
//
// Exit codes are ipvsadm's: 0, 1 when a listing failed, 2 when the command was
// refused before it reached the kernel, 255 when an option could not be read or
// the kernel refused. To them come 1 when a drain's time was over first, 3 when a
// dry run found something to change, and 128 and more for a drain that a signal
// ended.
package rules
