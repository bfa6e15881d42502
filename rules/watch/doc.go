// Package watch is the live view of ipvsadm -L --watch: services and their real
// servers with what they carry per second, sorted, filtered and folded as the
// user likes, on a terminal or as a plain table per interval.
//
// It has three layers. A Model takes samples of the kernel's table and keys,
// and says what is on a screen of a given size; it is a plain value that asks
// nobody for anything, not even the time. Screen is the terminal: raw mode, a
// dozen escape sequences of ECMA-48 that every terminal since the VT100 and
// xterm knows, and the keys. Live and Plain read, wait and draw.
//
// Rates are differences of the kernel's 64-bit counters between two samples. The
// kernel renews those every two seconds only, so samples more often than that
// see them stand still and then leap: a rate lasts until the next renewal is due.
// Where there is only one, they are the kernel's own estimates over the last
// seconds. Counters that fell were reset meanwhile, and count from 0.
//
// What is asked of the kernel follows from what is shown: weights and
// connections of all servers, which are one read for the whole table, but
// counters only of servers of the services on the screen. The first sample has
// everything.
//
// No terminal library is used but golang.org/x/term. The others (tcell, termbox,
// bubbletea) set up tables of colours, character widths and terminals before
// main, which every other command of the program would pay: 37 to 70 pages of
// memory more than the 210 of a Go program that does nothing.
package watch
